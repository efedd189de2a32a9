package host

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

const (
	// A plugin that has missed its probe gets a second look: the hub itself may
	// have been asleep.
	secondLook = time.Second
	// A process that ends closes its connection a moment before.
	exitGrace = 500 * time.Millisecond
	// How often a plugin may report its health, in the long run and at once; a
	// faster one has to wait.
	reportsPerSecond, reportsAtOnce = 2, 20
)

// watchExit waits for the end of a run, and for its last words.
func (s *supervisor) watchExit(i *instance) {
	<-i.body.Exited()
	<-i.body.Drained()
	s.send(message{in: inExited, instance: i})
}

// watchLife asks a run regularly whether it still answers, and kills it if it
// does not or if it takes too much memory. A process under a debugger may stand
// still.
func (s *supervisor) watchLife(i *instance) {
	if i.spec.Reattach != "" {
		return
	}
	ticker := time.NewTicker(s.opts.ProbeInterval)
	defer ticker.Stop()
	for {
		select {
		case <-i.body.Exited():
			return
		case <-ticker.C:
		case <-i.suspect:
		}
		// The system's own limit counts what may be written to; this one also
		// what is mapped or shared.
		if limit := i.spec.memory(); limit > 0 && launch.Memory(i.pid()) > limit {
			i.kill(CauseMemory)
			return
		}
		err := i.probe(s.opts.ProbeTimeout)
		switch {
		case errors.Is(err, shared.ReasonDeadlineExceeded):
			i.kill(CauseFrozen)
			return
		case errors.Is(err, shared.ReasonPluginDown):
			s.lost(i)
		}
	}
}

// probe asks for what every plugin can tell at any time. Any answer will do.
func (i *instance) probe(timeout time.Duration) (err error) {
	for _, bound := range []time.Duration{timeout, secondLook} {
		ctx, cancel := context.WithTimeout(context.Background(), bound)
		_, err = i.remote.Describe(ctx)
		cancel()
		if !errors.Is(err, shared.ReasonDeadlineExceeded) {
			return err
		}
	}
	return err
}

// doubt asks for a probe of a run that let a deadline pass.
func (i *instance) doubt() {
	select {
	case i.suspect <- struct{}{}:
	default:
	}
}

// lost takes a run out of use whose connection seems to be broken. If the process
// neither ends nor answers, it is of no more use and goes, too.
func (s *supervisor) lost(i *instance) {
	s.mu.Lock()
	news := s.current == i && s.broken != i
	if news {
		s.broken = i
	}
	s.mu.Unlock()
	if !news {
		return
	}
	go func() { // ends with the probe at the latest
		timer := time.NewTimer(exitGrace)
		defer timer.Stop()
		select {
		case <-i.body.Exited():
			return // its end shows in watchExit
		case <-timer.C:
		}
		if err := i.probe(secondLook); errors.Is(err, shared.ReasonPluginDown) || errors.Is(err, shared.ReasonDeadlineExceeded) {
			i.kill(CauseDisconnected)
			return
		}
		// It was the plugin's own word, not the connection's.
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.broken == i {
			s.broken = nil
			s.wake()
		}
	}()
}

// watchHealth follows the health stream until it or the process ends. A plugin
// without one counts as healthy.
func (s *supervisor) watchHealth(i *instance) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-i.body.Exited()
		cancel()
	}()
	silence := time.AfterFunc(s.opts.ProbeTimeout, func() {
		i.log.Warn("the plugin does not say how it is, though it should at once; it counts as healthy while it answers")
	})
	defer silence.Stop()
	pace, before := rate.NewLimiter(reportsPerSecond, reportsAtOnce), vehiclev1.HealthState_HEALTH_STATE_UNSPECIFIED
	err := i.remote.WatchHealth(ctx, func(h *vehiclev1.Health) error {
		silence.Stop()
		in := inHealth
		switch h.GetState() {
		case vehiclev1.HealthState_HEALTH_STATE_READY:
			in = inWell
		case vehiclev1.HealthState_HEALTH_STATE_DEGRADED, vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN:
			in = inUnwell
		}
		s.send(message{in: in, instance: i, health: s.bounded(h), figures: figuresOf(h)})
		if before == vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN && h.GetState() != before {
			s.send(message{in: inLifted, instance: i})
		}
		before = h.GetState()
		return pace.Wait(ctx)
	})
	switch {
	case ctx.Err() != nil || errors.Is(err, shared.ReasonUnsupported):
	case errors.Is(err, shared.ReasonPluginDown):
		i.doubt()
	default:
		i.log.Warn("the plugin has ended its health stream; its last word stands", "error", err)
	}
}

// Bounds of what a plugin may say of itself.
const maxSentence = 500

// bounded takes from a report of health what a hub can bear: short texts without
// secrets. Its figures have a form of their own, see figuresOf.
func (s *supervisor) bounded(h *vehiclev1.Health) *vehiclev1.Health {
	text := func(t string) string {
		t = s.redactor.String(strings.ToValidUTF8(t[:min(len(t), 4*maxSentence)], ""))
		for n := range t {
			if n >= maxSentence {
				return t[:n]
			}
		}
		return t
	}
	return &vehiclev1.Health{State: h.GetState(), Reason: text(h.GetReason()), Sentence: text(h.GetSentence()), Breaker: text(h.GetBreaker())}
}
