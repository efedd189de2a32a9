// Package traffic records what a client and the vendor's cloud say to each
// other, in a form that can be shown to anyone, and plays it back.
//
// A [Scrubber] takes secrets and personal data out of an exchange. It works by
// what it knows to be harmless, not by what it knows to be secret: a text under
// a key that it does not know is replaced. What is replaced is replaced alike
// throughout a recording, by something of the same form, so that a client that
// is fed with the recording still finds its cars by their ids. What parsers need
// stays as the car sent it: numbers with their spelling, flags, units, times,
// codes, and the order of keys.
//
// A [Recorder] wraps a client's transport and writes a line for each exchange; a
// [Replay] is an HTTP handler that answers as the recording says. The format is
// described in docs/traffic.md.
package traffic
