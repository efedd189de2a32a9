// Package gate decides which calls may go to a vendor now. Every call has a class and
// passes the one gate of its account:
//
//	rules     why a call may not go out: pure functions of what is known and the time
//	closures  what the vendor has refused, until the time that it named
//	breaker   a vendor that keeps failing
//	ledger    the account's calls and logins of the day
//	car       a car's wakes and its 12 V battery
//
// Ledger, cars and closures are on disk: a process that is killed at any instant finds
// the same budget and the same refusals again.
package gate
