// Package ccs is the client of the "connected car services" that Hyundai, Kia and
// Genesis run in Europe, Australia, New Zealand, India, China and Brazil: one
// protocol in two dialects, CCS1 (flat) and CCS2 (nested), with a login that is
// each region's own. [Client] implements sdk.Vendor; a region's package brings an
// [Auth], and a profile says what else differs.
//
//	wire      one HTTP call: headers, bounds, the debug log, errors without an answer
//	Account   session, device id, stamps; what an answer means
//	Client    the cars: list, read, wake, history
//
// The protocol is described in docs/protocol-europe.md, whose sections are named
// where they are implemented.
package ccs
