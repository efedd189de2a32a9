package sdk_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// command is one of those that callers give.
type command struct {
	mode                 shared.Mode
	car                  string
	maxAge, within       time.Duration
	override, background bool
}

func (y *year) command() command {
	c := command{
		mode: pick(y.rng, shared.ModeCached, shared.ModeForce, shared.ModeSmart), car: pick(y.rng, y.cloud.ids...),
		maxAge: time.Minute + time.Duration(y.rng.Int64N(int64(6*time.Hour))), background: y.rng.IntN(6) == 0,
		within: pick(y.rng, 2*time.Second, 10*time.Second, 30*time.Second, 3*time.Minute) + time.Duration(y.rng.IntN(1e9)),
	}
	if c.mode == shared.ModeForce && y.rng.IntN(6) == 0 {
		c.override, c.background = true, false
	}
	return c
}

// give gives a command, which is answered in its time; bound is a shorter one, if
// there is one.
func (y *year) give(c command, bound time.Duration) {
	y.serial++
	info := shared.CallInfo{RequestID: fmt.Sprintf("%s-%d", c.mode, y.serial), Attempt: 1, Background: c.background, Override: c.override}
	engine, client, alive, begun := y.engine, y.client, y.alive, time.Now()
	y.commands.Go(func() {
		ctx, cancel := context.WithTimeout(shared.WithCallInfo(alive, info), c.within)
		defer cancel()
		var data *vehiclev1.VehicleData
		var err error
		switch c.mode {
		case shared.ModeCached:
			data, err = engine.RefreshCached(ctx, c.car)
		case shared.ModeForce:
			data, err = engine.RefreshForce(ctx, c.car)
		case shared.ModeSmart:
			data, err = engine.RefreshSmart(ctx, c.car, c.maxAge)
		}
		if client.isKilled() {
			return // with all who waited for it
		}
		y.mu.Lock()
		defer y.mu.Unlock()
		switch took := time.Since(begun); {
		case took > c.within:
			y.broken("deadline", "%s for %s is answered after %s, not %s", info.RequestID, c.car, took, c.within)
		case bound > 0 && took > bound:
			y.broken("starved", "%s for %s is answered after %s, not %s: %v", info.RequestID, c.car, took, bound, err)
		}
		if err != nil {
			y.refused(c, err)
		} else {
			y.answered(c, data)
		}
	})
}

// answered looks at an answer. Called with mu held, as is what follows.
func (y *year) answered(c command, data *vehiclev1.VehicleData) {
	r := data.GetRefresh()
	y.did.add(fmt.Sprintf("%s is %s", c.mode, shared.Word(r.GetVerdict())))
	if r.GetMethod() != c.mode.Method() || data.GetVehicle().GetId() != c.car {
		y.broken("answer", "%s of %s gets %s of %s", c.mode, c.car, r.GetMethod(), data.GetVehicle().GetId())
	}
	if r.GetVerdict() == vehiclev1.Verdict_VERDICT_STALE && r.GetReason() == "" {
		y.broken("answer", "%s of %s is stale without a reason", c.mode, c.car)
	}
	y.tell(c.car, data)
}

// telling is the newest time of a car's that was told up to an instant, and before
// it: answers of one instant have no order.
type telling struct {
	at             time.Time
	newest, before int64
}

// tell notes what is told of a car, which never goes back.
func (y *year) tell(car string, data *vehiclev1.VehicleData) {
	now, observed := time.Now(), data.GetRefresh().GetObservedAt()
	if observed > now.Add(clockSkew).UnixMilli() {
		return // a fault of its clock, and no time to compare with
	}
	told := y.told[car]
	if told == nil {
		told = &telling{}
		y.told[car] = told
	}
	if now.After(told.at) {
		told.at, told.before = now, told.newest
	}
	if observed < told.before {
		y.broken("backwards", "%s goes back by %s: %v", car, time.Duration(told.before-observed)*time.Millisecond, data.GetRefresh())
	}
	told.newest = max(told.newest, observed)
}

// refused looks at a refusal: typed, with a time where there is one, and just.
func (y *year) refused(c command, err error) {
	var refresh *shared.RefreshError
	if !assert.ErrorAs(y.t, err, &refresh) {
		return
	}
	api, chain := shared.AsAPIError(err), shared.ErrorChain(err)
	y.did.add("refused " + string(api.Reason))
	if refresh.Mode != c.mode || refresh.VehicleID != c.car || api.Source == "" {
		y.broken("typed", "%s of %s fails with %s of %s by %q", c.mode, c.car, refresh.Mode, refresh.VehicleID, api.Source)
	}
	if refresh.Last != nil {
		y.tell(c.car, refresh.Last)
	}
	y.locked = y.locked || api.Reason == shared.ReasonAuthFailed && !api.Temporary
	y.askAgain(c, api.RetryAfter)
	switch api.Reason {
	case shared.ReasonQueueFull, shared.ReasonCircuitOpen, shared.ReasonRateLimited, shared.ReasonBudgetSpent:
		if api.RetryAfter <= 0 {
			y.broken("retry_after", "%s without a time: %s", api.Reason, chain)
		}
	case shared.ReasonInternal, shared.ReasonUnknownVehicle, shared.ReasonConfigInvalid, shared.ReasonInvalidCommand:
		y.broken("typed", "%s of %s fails with %s", c.mode, c.car, chain)
	}
	y.cloud.mu.Lock()
	defer y.cloud.mu.Unlock()
	y.just(c, api.RetryAfter, chain)
}

// just says whether one of our own rules refuses with reason, and names the right
// time. Called with the cloud's lock held.
func (y *year) just(c command, retry time.Duration, chain string) {
	rec, car, now := y.cloud.rec, y.cloud.rec.cars[c.car], time.Now()
	again := now.Add(retry)
	switch by := func(rule string) bool {
		return strings.Contains(chain, "limits: "+rule) || strings.Contains(chain, "for: "+rule)
	}; {
	case by("quiet_hours"):
		if !quietAt(rec.limits.Quiet, now.In(car.zone), c.mode == shared.ModeCached) {
			y.broken("unjust", "%s of %s is refused at %s: %s", c.mode, c.car, now.In(car.zone), chain)
		}
		if quietAt(rec.limits.Quiet, again.In(car.zone), true) {
			y.broken("retry_after", "%s may be asked again at %s, which is quiet", c.car, again.In(car.zone))
		}
	case by("aux_battery"):
		if !car.low || car.charged(now.Add(taking)) {
			y.broken("unjust", "the 12 V battery of %s is well: %s", c.car, chain)
		}
	case by("wake_interval"):
		if !rec.begins(again, now, car) && !rec.endsQuiet(again, car) && retry > rec.limits.WakeInterval {
			y.broken("retry_after", "the next wake of %s is in %s", c.car, retry)
		}
	case by("calls_per_day"), by("wakes_per_day"), by("logins_per_day"):
		if by("calls_per_day") && !c.background {
			rec.claim(now)
		}
		if !rec.begins(again, now, car) {
			y.broken("retry_after", "the next day begins %s beside what is said: %s", again.Sub(rec.nextDay(now)), chain)
		}
	}
}

// askAgain does what callers are told to: they come back on time.
func (y *year) askAgain(c command, after time.Duration) {
	if after <= 0 || after > 2*time.Hour || len(y.again) > cap(y.again)/2 {
		return
	}
	time.AfterFunc(after, func() {
		select {
		case y.again <- c:
		default:
		}
	})
}

// sharedCalls says that of equal commands that were given at this instant one call came
// of each kind.
func (y *year) sharedCalls() {
	y.cloud.mu.Lock()
	defer y.cloud.mu.Unlock()
	if !y.cloud.instant.Equal(time.Now()) {
		return
	}
	for what, times := range y.cloud.entered {
		if times > 1 && slices.Contains([]string{readCall, wakeCall}, strings.Fields(what)[0]) {
			y.broken("shared", "%d times %s at one instant", times, what)
		}
	}
}
