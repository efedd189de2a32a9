// Package settings has what a user says about an account: its form, its checks, and its
// JSON Schema. The plugin gets it as JSON; cmd/internal/config reads it from a file and from
// the environment.
package settings
