// Package settings has what a user says about an account: its form, its checks, and
// where it is read from. The plugin gets it as JSON; both commands read it from the
// environment.
package settings
