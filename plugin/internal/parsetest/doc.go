// Package parsetest holds what the tests of the parsers have in common: how to
// write bodies, how to compare attributes, and what is true of the parse of any
// document, however odd.
package parsetest
