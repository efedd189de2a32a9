package session

import (
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Record is the lock-out clock: it is on disk before a password leaves the process.
type Record struct {
	// Account is the fingerprint of the credentials that the record belongs to.
	Account string `json:"account"`
	// Attempts counts logins without a success since, Sent those of them with which
	// the password may have reached the vendor.
	Attempts int `json:"attempts,omitempty"`
	Sent     int `json:"sent,omitempty"`
	// Tried is when the last attempt was made, Unix milliseconds.
	Tried int64 `json:"tried,omitempty"`
	// NotBefore is the earliest time of the next attempt, Unix milliseconds, and Wait
	// how long that was when it was set. If the vendor named it, WaitReason and
	// WaitMessage are what it said.
	NotBefore   int64         `json:"not_before,omitempty"`
	Wait        int64         `json:"wait,omitempty"`
	WaitReason  shared.Reason `json:"wait_reason,omitempty"`
	WaitMessage string        `json:"wait_message,omitempty"`
	// Unproven is when a login succeeded whose session no call has proven yet,
	// Unix milliseconds; 0 if there is none.
	Unproven int64 `json:"unproven,omitempty"`
	Lock
}

// Lock is a refusal that only a person can lift. The zero Lock is none.
type Lock struct {
	Reason  shared.Reason `json:"reason,omitempty"`
	Message string        `json:"message,omitempty"`
	// Build that was refused: the version of the plugin, and its settings.
	Build string `json:"build,omitempty"`
	// Ours: it is our own conclusion, not the vendor's word on the credentials, so
	// another build may come to another one.
	Ours bool `json:"ours,omitempty"`
}

// standsFor says whether a lock counts for a build.
func (l Lock) standsFor(build string) bool {
	return l.Build == build || !l.Ours && l.Reason != shared.ReasonVendorChanged
}

// refusal is the error of a lock, nil of none.
func (l Lock) refusal() *shared.APIError {
	if l.Reason == "" {
		return nil
	}
	e := shared.Errorf(l.Reason, "%s", l.Message)
	e.Temporary = false // whatever the reason usually is
	return e
}

// docOf names the document of an account's record.
func docOf(account string) string { return "login-" + account[:min(16, len(account))] }

// clean says that nothing stands in the way of a login.
func (r Record) clean() bool { return r.Reason == "" && r.Attempts == 0 && r.Unproven == 0 }

// pauses sets the earliest time of the next attempt.
func (r *Record) pauses(now time.Time, pause time.Duration) {
	r.NotBefore, r.Wait = now.Add(pause).UnixMilli(), pause.Milliseconds()
}

// left is what is left of the pause.
func (r Record) left(now time.Time) time.Duration {
	if r.NotBefore == 0 {
		return 0
	}
	return max(0, time.UnixMilli(r.NotBefore).Sub(now))
}

// settle begins a pause anew if the clock was set back: that neither shortens it nor
// locks the account out for years.
func (r *Record) settle(now time.Time) {
	pause := time.Duration(r.Wait) * time.Millisecond
	if pause == 0 {
		pause = longestBlock // an older version did not note it, and had no longer one
	}
	if r.left(now) > pause+time.Millisecond { // which is how exactly it is kept
		r.pauses(now, pause)
	}
}
