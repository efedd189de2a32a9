// Package europe logs in to the European cloud; the rest of its client is package
// ccs.
//
// A login takes five steps at the login pages and the account API (CCI) and ends
// with a token of the vehicle API (login.go, cci.go). The 48-character refresh
// token that older clients handed out works as password too (legacy.go).
//
// The protocol is described in docs/protocol-europe.md, whose sections are named
// where they are implemented.
package europe
