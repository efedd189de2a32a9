// Package rules says what Home Assistant takes for a discovery message, so that a wrong one
// fails here and not, without a word, in somebody's home. The rules are those of Home
// Assistant 2024.11, the first version with messages for a whole device, and of all
// versions since; see docs/home-assistant.md.
//
// It is stricter than Home Assistant, which drops keys that it does not know inside a
// component, and takes some values that make no sense.
package rules
