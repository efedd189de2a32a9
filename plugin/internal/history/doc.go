// Package history parses what the cloud remembers of a car's past: the energy it
// used, and its trips. The answers are the same for both dialects. It is a pure
// function of its input.
//
// The paths and their meaning are described in docs/protocol-europe.md, section
// "History".
package history
