package lifecycle

import "time"

// Input is what happens to a plugin: one of the types below.
type Input interface{ input() }

// The inputs.
type (
	// Start means that the hub wants it to run.
	Start struct{ sealed }
	// Verified means that its program is the trusted one.
	Verified struct{ sealed }
	// VerifyFailed means that the program is not the trusted one, or is not there.
	VerifyFailed struct{ sealed }
	// StillQuarantined means that the program is the one that was quarantined before.
	StillQuarantined struct{ sealed }
	// Launched means that process and connection are there.
	Launched struct{ sealed }
	// LaunchFailed means that there is no process, or no handshake.
	LaunchFailed struct{ sealed }
	// Initialized means that Initialize succeeded.
	Initialized struct{ sealed }
	// InitPostponed means that Initialize failed and may succeed later, not
	// before RetryAfter.
	InitPostponed struct {
		sealed
		RetryAfter time.Duration
	}
	// InitRefused means that Initialize failed for good.
	InitRefused struct{ sealed }
	// Well means that the plugin reports good health.
	Well struct{ sealed }
	// Unwell means that the plugin reports trouble.
	Unwell struct{ sealed }
	// Undecided means that the plugin reports neither, for example that it starts.
	Undecided struct{ sealed }
	// Lifted means that the trouble has ended which only a human could end.
	Lifted struct{ sealed }
	// Exited means that the process has ended.
	Exited struct{ sealed }
	// TimerFired means that the time has come that StartTimer asked for.
	TimerFired struct{ sealed }
	// Upgraded means that another process, ready, has taken over.
	Upgraded struct{ sealed }
	// Release means that the hub lifts the quarantine.
	Release struct{ sealed }
	// Stop means that the hub wants it to stop.
	Stop struct{ sealed }
	// HasStopped means that everything of it has ended after Stop.
	HasStopped struct{ sealed }
)

// sealed keeps the list of inputs in this package.
type sealed struct{}

func (sealed) input() {}

// Output is what has to be done next.
type Output int

// The outputs.
const (
	Nothing Output = iota
	// Verify the program.
	Verify
	// Launch the program that was verified.
	Launch
	// Initialize the process.
	Initialize
	// StartTimer: send TimerFired after the machine's Delay.
	StartTimer
	// ShutDown the process, then send HasStopped.
	ShutDown
)
