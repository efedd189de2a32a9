package mqtt

import (
	"encoding/json"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Stage of a command, as its answers tell it.
type Stage string

// Stages. The last four end a command, which has one of them exactly once.
const (
	StageAccepted Stage = "accepted"
	StageQueued   Stage = "queued"
	StageRunning  Stage = "running"
	StageDone     Stage = "done"
	// StageRefused: nothing was done, on purpose.
	StageRefused Stage = "refused"
	StageFailed  Stage = "failed"
	// StageExpired: its time was over.
	StageExpired Stage = "expired"
)

// response is an answer to a command.
type response struct {
	// The sender's own name for the command
	ID string `json:"id,omitempty"`
	// The bridge's name for it, also in the logs
	RequestID string `json:"request_id"`
	// The last four end a command, which has one of them exactly once
	Stage   Stage  `json:"state"`
	Command string `json:"command"`
	// How many commands are ahead in the car's line
	Position int `json:"position,omitempty"`
	// How many cars a command to all went to
	Cars *int `json:"cars,omitempty"`
	// How many of them ended in which state
	Stages map[Stage]int `json:"stages,omitempty"`

	failure

	// Seconds in the car's line
	Wait *float64 `json:"wait,omitempty"`
	// Seconds since
	Run *float64 `json:"run,omitempty"`
	// The broker has acknowledged the state that the command brought
	Published *bool `json:"published,omitempty"`
	// What the snapshot proves
	Verdict string `json:"verdict,omitempty"`
	Source  string `json:"source,omitempty"`
	// The car's own time of the data
	ObservedAt string `json:"observed_at,omitempty"`
	Timestamp  string `json:"timestamp"`
}

// failure is what went wrong; empty: nothing.
type failure struct {
	// A sentence for people
	Error string `json:"error,omitempty"`
	// As in docs/errors.md
	Reason string `json:"reason,omitempty"`
	// Of bad input: what is wrong with it
	Code Code `json:"code,omitempty"`
	// Of bad input: where, which is a key, "byte N", "end" or "topic"
	At string `json:"at,omitempty"`
	// What of docs/gate.md refused it
	Rule string `json:"rule,omitempty"`
	// Seconds
	RetryAfter int `json:"retry_after,omitempty"`
	// The car may have been woken in spite of the failure
	MayHaveHappened bool `json:"may_have_happened,omitempty"`
}

// stageOf is how a command has ended.
func stageOf(err error) Stage {
	if err == nil {
		return StageDone
	}
	api := shared.AsAPIError(err)
	if api.Rule != "" {
		return StageRefused
	}
	switch api.Reason {
	case shared.ReasonInvalidCommand, shared.ReasonUnknownVehicle, shared.ReasonUnsupported, shared.ReasonQueueFull, shared.ReasonDraining,
		shared.ReasonBudgetSpent, shared.ReasonGuardRefused, shared.ReasonCircuitOpen, shared.ReasonConfigInvalid,
		shared.ReasonIncompatible, shared.ReasonPluginQuarantined, shared.ReasonPluginUntrusted:
		return StageRefused
	case shared.ReasonDeadlineExceeded:
		return StageExpired
	}
	return StageFailed
}

// explain takes in what went wrong.
func (f *failure) explain(err error) {
	if err == nil {
		return
	}
	api, fault := shared.AsAPIError(err), faultOf(err)
	f.Error, f.Reason, f.Code, f.At, f.Rule = err.Error(), string(api.Reason), fault.Code, fault.At, api.Rule
	f.RetryAfter, f.MayHaveHappened = int(api.Wait().Seconds()), api.MayHaveHappened
}

// times takes in how long the command waited and ran.
func (r *response) times(wait, run time.Duration) {
	w, s := wait.Round(time.Millisecond).Seconds(), run.Round(time.Millisecond).Seconds()
	r.Wait, r.Run = &w, &s
}

func (r *response) encode() []byte {
	b, _ := json.Marshal(r) // plain fields
	return b
}
