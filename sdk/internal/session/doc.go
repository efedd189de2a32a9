// Package session keeps an account's session with its vendor, and its password safe:
//
//	Machine   what session and logins have come to, as a pure function of what
//	          happens and of the time
//	Record    the part of it that is on disk, the lock-out clock
//	Session   the machine at work: one renewal at a time, however many need it
//
// A password is on its way only after the attempt is on disk, so that neither a
// crash loop nor a restart tries it again.
package session
