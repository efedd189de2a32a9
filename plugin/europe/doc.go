// Package europe is the client of the European cloud: it implements sdk.Vendor
// for Hyundai, Kia and Genesis accounts.
//
// A login takes five steps at the login pages and the account API (CCI) and
// ends with a token of the vehicle API (login.go); the 48-character refresh
// token that older clients handed out works as password too (legacy.go). Every
// call carries a registered device id, which the cloud drops now and then
// (device.go), and a stamp. Cars speak one of two dialects, CCS1 or CCS2; the
// vehicle list says which.
//
// The protocol is described in docs/protocol-europe.md, whose sections are
// named where they are implemented.
package europe
