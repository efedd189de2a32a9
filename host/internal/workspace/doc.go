// Package workspace makes the directories that a host and its plugins use, keeps
// other hosts out of them, and gives each plugin a system user of its own where the
// host runs as root.
package workspace
