// Package lifecycle decides what a plugin's life does next. It is a pure function of
// the state, the input and the time: it has no clock, no random source and does no
// I/O.
package lifecycle
