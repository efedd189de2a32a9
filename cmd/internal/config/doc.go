// Package config reads what users set for a hub and its accounts: from a file, from the
// environment and from the command line, one over the other. One table has every setting
// ([Settings]); the file's form, the variables, the flags, the JSON Schema and what
// "config show" prints are derived from it.
package config
