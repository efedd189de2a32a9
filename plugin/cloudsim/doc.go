// Package cloudsim is a scripted European cloud: an HTTP server that speaks the
// vendors' protocol as docs/protocol-europe.md describes it, for any client, and
// refuses what is wrong by it. Behind it are cars that live: they drive, charge
// and report by themselves, and answer when they are woken.
//
// One server plays the three roles of the real hosts: login pages, account API
// (CCI) and vehicle API (ccapi). It counts every call by class and every wake by
// car, so that a test can prove that none happened. What goes wrong is scripted:
// in Go, in YAML, or over HTTP while it runs; see docs/cloudsim.md.
//
// It serves plain HTTP and is meant for the loopback interface only.
package cloudsim
