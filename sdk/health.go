package sdk

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// health is what the plugin says of itself. Safe for concurrent use.
type health struct {
	mu          sync.Mutex
	initialized bool
	draining    bool
	breaker     string
	// human is the refusal that only a person can lift; nil if there is none.
	human *shared.APIError
	// closed is the refusal that closes the account for a time; nil if it is open.
	closed *shared.APIError
	// waits is what the vendor said of the next login, for a time; nil if nothing.
	waits *shared.APIError
	// strays is the sentence about calls that were left behind; empty if that is
	// nothing to worry about.
	strays string
	// notice is a sentence for people while all is well; empty if there is none.
	notice string
	// changed is closed and replaced on every change of state.
	changed chan struct{}

	*figures
}

// figuresInterval is the least time between two reports of which only the figures
// differ.
const figuresInterval = time.Second

func newHealth() *health {
	return &health{breaker: "closed", changed: make(chan struct{}), figures: newFigures()}
}

func (h *health) update(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
	close(h.changed)
	h.changed = make(chan struct{})
}

// reset is for a new configuration: nothing is known of its account yet.
func (h *health) reset() {
	h.update(func() {
		h.initialized, h.human, h.closed, h.waits, h.notice, h.breaker = false, nil, nil, nil, "", "closed"
	})
}

func (h *health) ready()                          { h.update(func() { h.initialized = true }) }
func (h *health) drain()                          { h.update(func() { h.draining = true }) }
func (h *health) setBreaker(state string)         { h.update(func() { h.breaker = state }) }
func (h *health) needsHuman(err *shared.APIError) { h.update(func() { h.human = err }) }
func (h *health) setClosed(err *shared.APIError)  { h.update(func() { h.closed = err }) }
func (h *health) setWaits(err *shared.APIError)   { h.update(func() { h.waits = err }) }
func (h *health) setNotice(sentence string)       { h.update(func() { h.notice = sentence }) }

// setStrays is told how many calls are left behind.
func (h *health) setStrays(n, limit int) {
	h.mu.Lock()
	same := strayed(n, limit) == h.strays
	h.mu.Unlock()
	if !same {
		h.update(func() { h.strays = strayed(n, limit) })
	}
}

// snapshot returns the present health without figures, and a channel that closes
// when it changes.
func (h *health) snapshot() (now *vehiclev1.Health, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := &vehiclev1.Health{State: vehiclev1.HealthState_HEALTH_STATE_READY, Breaker: h.breaker}
	describe := func(state vehiclev1.HealthState, r shared.Reason, sentence string) {
		out.State, out.Reason, out.Sentence = state, string(r), sentence
	}
	switch {
	case h.draining:
		describe(vehiclev1.HealthState_HEALTH_STATE_DRAINING, shared.ReasonDraining, shared.ReasonDraining.Sentence())
	case h.human != nil:
		describe(vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN, h.human.Reason, h.human.Error())
	case h.closed != nil:
		describe(vehiclev1.HealthState_HEALTH_STATE_DEGRADED, h.closed.Reason, h.closed.Error())
	case h.waits != nil:
		describe(vehiclev1.HealthState_HEALTH_STATE_DEGRADED, h.waits.Reason, h.waits.Error())
	case h.breaker != "closed":
		describe(vehiclev1.HealthState_HEALTH_STATE_DEGRADED, shared.ReasonCircuitOpen, shared.ReasonCircuitOpen.Sentence())
	case h.strays != "":
		describe(vehiclev1.HealthState_HEALTH_STATE_DEGRADED, shared.ReasonInternal, h.strays)
	case !h.initialized:
		describe(vehiclev1.HealthState_HEALTH_STATE_STARTING, "", "")
	case h.notice != "":
		describe(vehiclev1.HealthState_HEALTH_STATE_READY, "", h.notice)
	}
	return out, h.changed
}

// watch reports at once, then every change of state, and changes of the figures
// alone at most once in figuresInterval.
func (h *health) watch(ctx context.Context, report func(*vehiclev1.Health) error) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	var last *vehiclev1.Health // without figures
	stale, rested := true, true
	for {
		touched := h.figures.watch()
		now, changed := h.snapshot()
		if !proto.Equal(last, now) || rested && stale {
			last, stale, rested = proto.CloneOf(now), false, false
			h.into(now)
			if err := report(now); err != nil {
				return err
			}
			pause.Reset(figuresInterval)
		}
		if stale {
			touched = nil // it is known already
		}
		select {
		case <-changed:
		case <-touched:
			stale = true
		case <-pause.C:
			rested = true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
