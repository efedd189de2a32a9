// Package trust decides whether a plugin's program may run, and keeps what the
// decision needs: the digest that is trusted, and a quarantine.
package trust
