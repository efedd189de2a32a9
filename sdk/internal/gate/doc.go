// Package gate decides which calls may go to a vendor now, by three kinds of reason:
//
//	Gate      the account's own limits: calls and logins of the day, each car's
//	          wakes, its 12 V battery, quiet hours
//	Closures  what the vendor has refused, until the time that it named
//	Breaker   a vendor that keeps failing
//
// Limits and closures are on disk: a process that is killed at any instant finds the
// same budget and the same refusals again.
package gate
