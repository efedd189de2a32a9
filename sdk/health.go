package sdk

import (
	"context"
	"maps"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Names of the counters on the health stream.
const (
	counterReads     = "vendor_reads"
	counterWakes     = "vendor_wakes"
	counterLogins    = "logins"
	counterRenewals  = "renewals"
	counterFailures  = "failures"
	counterMemory    = "answers_from_memory"
	counterCoalesced = "coalesced"
	counterRefused   = "calls_refused"
	counterHeldBack  = "values_held_back"
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
	// notice is a sentence for people while all is well; empty if there is none.
	notice   string
	counters map[string]int64
	// changed is closed and replaced on every change of state, counted on every
	// change of a counter.
	changed, counted chan struct{}
}

// countersInterval is the least time between two reports of which only the
// counters differ.
const countersInterval = time.Second

func newHealth() *health {
	return &health{
		breaker: "closed", counters: map[string]int64{}, changed: make(chan struct{}), counted: make(chan struct{}),
	}
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
		h.initialized, h.human, h.closed, h.notice, h.breaker = false, nil, nil, "", "closed"
	})
}

func (h *health) ready()                          { h.update(func() { h.initialized = true }) }
func (h *health) drain()                          { h.update(func() { h.draining = true }) }
func (h *health) setBreaker(state string)         { h.update(func() { h.breaker = state }) }
func (h *health) needsHuman(err *shared.APIError) { h.update(func() { h.human = err }) }
func (h *health) setClosed(err *shared.APIError)  { h.update(func() { h.closed = err }) }
func (h *health) setNotice(sentence string)       { h.update(func() { h.notice = sentence }) }

// count adds one to a counter.
func (h *health) count(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counters[name]++
	close(h.counted)
	h.counted = make(chan struct{})
}

// snapshot returns the present health, and channels that close when its state
// and when its counters change.
func (h *health) snapshot() (now *vehiclev1.Health, changed, counted <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := &vehiclev1.Health{
		State: vehiclev1.HealthState_HEALTH_STATE_READY, Breaker: h.breaker, Counters: maps.Clone(h.counters),
	}
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
	case h.breaker != "closed":
		describe(vehiclev1.HealthState_HEALTH_STATE_DEGRADED, shared.ReasonCircuitOpen, shared.ReasonCircuitOpen.Sentence())
	case !h.initialized:
		describe(vehiclev1.HealthState_HEALTH_STATE_STARTING, "", "")
	case h.notice != "":
		describe(vehiclev1.HealthState_HEALTH_STATE_READY, "", h.notice)
	}
	return out, h.changed, h.counted
}

// watch reports at once, then every change of state, and changes of the counters
// alone at most once in countersInterval.
func (h *health) watch(ctx context.Context, report func(*vehiclev1.Health) error) error {
	pause := time.NewTimer(countersInterval)
	defer pause.Stop()
	var last *vehiclev1.Health
	var told map[string]int64 // the counters of last, to which report may add
	rested := false
	for {
		now, changed, counted := h.snapshot()
		if last == nil || !sameState(last, now) || rested && !maps.Equal(told, now.GetCounters()) {
			last, told, rested = now, maps.Clone(now.GetCounters()), false
			if err := report(now); err != nil {
				return err
			}
			pause.Reset(countersInterval)
		}
		if !rested {
			counted = nil
		}
		select {
		case <-changed:
		case <-counted:
		case <-pause.C:
			rested = true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func sameState(a, b *vehiclev1.Health) bool {
	b = proto.CloneOf(b)
	b.Counters = a.GetCounters()
	return proto.Equal(a, b)
}
