package sdk_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// meet is a call's way: it arrives, takes its time, and fails or has its answer.
func meet[T any](ctx context.Context, c *client, class, car string, answer func(mishap string, now time.Time) (T, error)) (none T, err error) {
	mishap, requests, takes := c.arrive(ctx, class, car)
	if mishap == "deaf" {
		select {
		case <-ctx.Done():
			ctx = context.WithoutCancel(ctx)
		case <-c.gone:
		}
	}
	for n := range requests {
		select {
		case <-time.After(takes / time.Duration(requests)):
		case <-ctx.Done():
			return none, ctx.Err()
		case <-c.gone:
			return none, errGone
		}
		if n > 0 {
			c.request(ctx)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rng.Float64() < c.kills {
		c.kill()
	}
	if c.ended {
		return none, errGone
	}
	if mishap == "nothing" {
		return none, nil
	}
	now := time.Now()
	if err := c.failure(mishap, now); err != nil {
		return none, err
	}
	return answer(mishap, now)
}

// failure is the error that a mishap is, nil if it is none.
func (c *client) failure(mishap string, now time.Time) error {
	switch mishap {
	case "vehicle_busy", "vendor_unavailable", "vendor_timeout", "invalid_response", "vehicle_unreachable", "auth_failed":
		return shared.Reason(mishap)
	case "deaf":
		return shared.ReasonVendorTimeout
	case "lost":
		e := shared.NewError(shared.ReasonVendorTimeout)
		e.MayHaveHappened = true
		return e
	case "rate_limited":
		e := shared.NewError(shared.ReasonRateLimited)
		e.RetryAfter = 10*time.Minute + c.upTo(4*time.Hour)
		if !now.Before(c.rec.closed) { // those under way together are one
			c.rec.closed = now.Add(e.RetryAfter).Truncate(time.Millisecond) // as it is kept
		}
		return e
	case "expired":
		return sdk.ErrSessionExpired
	}
	return nil
}

// arrive judges and counts a call, and says what becomes of it.
func (c *client) arrive(ctx context.Context, class, car string) (mishap string, requests int, takes time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return "", 1, 0
	}
	info, again := shared.CallInfoFrom(ctx), repetition{sdk.Logger(ctx), class}
	repeated := c.again[again]
	if class != listCall { // which the session asks for in between, to test itself
		delete(c.again, again)
	}
	own := class == listCall && (info.RequestID != "" || info.Background)
	mishap = c.draw(class, car, repeated || own)
	a := arrival{
		class: class, car: car, at: time.Now(), override: info.Override, background: info.Background,
		person: c.person, unasked: repeated || own || class == renewalCall, price: c.price(class),
	}
	if class == loginCall {
		a.override, a.background = false, false // whoever needs it
	}
	requests = 1
	if c.rec.limits.Metered {
		a.price, requests = 1, a.price
		c.requested(ctx)
	}
	if mishap == "expired" && class != renewalCall {
		c.again[again] = true
		a.class, requests = failedCall, 1
	}
	c.rec.take(a)
	c.note(a, info)
	if !repeated {
		c.entered[class+" "+car]++
	}
	if c.rng.Float64() < c.kills {
		c.kill()
	}
	return mishap, requests, c.takes(class, car, mishap)
}

// note keeps what the test wants to know of an arrival.
func (c *client) note(a arrival, info shared.CallInfo) {
	if !a.at.Equal(c.instant) {
		c.instant = a.at
		clear(c.entered)
	}
	c.did.add(a.class)
	if a.class != wakeCall {
		return
	}
	if strings.HasPrefix(info.RequestID, string(shared.ModeCached)) {
		c.rec.broken("cached", "%s is woken by %s", a.car, info.RequestID)
	}
	for what, is := range map[string]bool{
		"wake overridden": a.override, "wake by schedule": a.background,
		"wake while powered": c.rec.cars[a.car].low && c.rec.cars[a.car].powered,
	} {
		if is {
			c.did.add(what)
		}
	}
}

// draw says what goes wrong with a call, if anything does. kept: its session is
// not ended, if it has not ended already.
func (c *client) draw(class, car string, kept bool) string {
	mishap := ""
	switch {
	case class == wakeCall && c.asleep[car] != "":
		mishap = c.asleep[car]
	case time.Now().Before(c.spellEnd) && slices.Contains(c.wrong[class], c.spell) && c.rng.IntN(10) > 0:
		mishap = c.spell
	case c.sure[class] != "":
		mishap = c.sure[class]
		delete(c.sure, class)
	case c.rng.Float64() < c.mishaps:
		mishap = c.next(class, kept)
	}
	if kept && ends(mishap) {
		mishap = ""
	}
	if mishap != "" {
		c.did.add(mishap)
	}
	if class == loginCall || class == renewalCall {
		return mishap
	}
	if ends(mishap) {
		c.good = 0
	}
	if mishap == "revoked" {
		c.renewable = 0
	}
	if c.session == 0 || c.session != c.good {
		return "expired"
	}
	return mishap
}

// price is how many requests a call is.
func (c *client) price(class string) int {
	p := c.rec.limits.Prices
	return map[string]int{loginCall: p.Login, renewalCall: p.Renewal, listCall: p.List, readCall: p.Read, wakeCall: p.Wake}[class]
}

// takes is never nothing, and never the same twice, so that of two answers one is
// the first.
func (c *client) takes(class, car, mishap string) time.Duration {
	_, asleep := c.asleep[car]
	switch {
	case mishap == "deaf":
		return strayGrace + time.Second + c.upTo(10*time.Minute)
	case mishap == "slow":
		return 20*time.Second + c.upTo(3*time.Minute)
	case class == wakeCall && asleep:
		return 100*time.Second + c.upTo(time.Minute)
	case class == wakeCall || class == loginCall:
		return time.Second + c.upTo(20*time.Second)
	}
	return 50*time.Millisecond + c.upTo(2*time.Second)
}

func (c *cloud) upTo(d time.Duration) time.Duration { return time.Duration(c.rng.Int64N(int64(d))) }

// request is one that a call under way sends.
func (c *client) request(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.requested(ctx)
		c.rec.request(time.Now())
	}
}

// requested is called with the lock held.
func (c *client) requested(ctx context.Context) {
	if err := c.config.Requested(ctx); err != nil {
		c.rec.broken("gate", "a request went past it: %v", err)
	}
}

// open gives the process a new session, which is on disk before it is used.
func (c *client) open() error {
	c.issued++
	c.good, c.renewable, c.session = c.issued, c.issued, c.issued
	return c.config.Store.Put("session", c.session)
}

func (c *client) Login(ctx context.Context) error {
	_, err := meet(ctx, c, loginCall, "", func(string, time.Time) (any, error) { return nil, c.open() })
	return err
}

func (c *client) Renew(ctx context.Context) error {
	_, err := meet(ctx, c, renewalCall, "", func(string, time.Time) (any, error) {
		if c.session == 0 || c.session != c.renewable {
			return nil, sdk.ErrSessionExpired
		}
		return nil, c.open()
	})
	return err
}

func (c *client) Vehicles(ctx context.Context) ([]*vehiclev1.Vehicle, error) {
	return meet(ctx, c, listCall, "", func(string, time.Time) ([]*vehiclev1.Vehicle, error) {
		cars := sdktest.Cars(c.ids...)
		for _, car := range cars {
			if zone := c.cars[car.GetId()].zone; zone != "" {
				car.TimeZone = proto.String(zone)
			}
		}
		return cars, nil
	})
}

func (c *client) Cached(ctx context.Context, id string) (*vehiclev1.VehicleData, error) {
	return meet(ctx, c, readCall, id, func(mishap string, now time.Time) (*vehiclev1.VehicleData, error) {
		c.cars[id].live(now, c.rng)
		return c.tell(id, mishap, now), nil
	})
}

func (c *client) Force(ctx context.Context, id string, _ time.Time) (*vehiclev1.VehicleData, error) {
	return meet(ctx, c, wakeCall, id, func(mishap string, now time.Time) (*vehiclev1.VehicleData, error) {
		c.cars[id].live(now, c.rng)
		if mishap != "silent" {
			c.cars[id].report()
		}
		return c.tell(id, mishap, now), nil
	})
}

// tell is the cloud's copy of a car, or what a mishap makes of it.
func (c *client) tell(id, mishap string, now time.Time) *vehiclev1.VehicleData {
	car := c.cars[id]
	d := proto.CloneOf(car.copy)
	switch mishap {
	case "aux_0":
		d.AuxBattery.Soc = proto.Float64(0)
	case "aux_255":
		d.AuxBattery.Soc = proto.Float64(255)
	case "aux_none":
		d.AuxBattery = nil
	case "soc_0":
		d.Battery.Soc = proto.Float64(0)
	case "odometer":
		d.Drive.Odometer = proto.Float64(math.Mod(car.odometer*7919, 1e6))
	case "timeless":
		d.Refresh = nil
	case "older":
		d = proto.CloneOf(car.older)
	case "future":
		d.Refresh.ObservedAt = proto.Int64(now.Add(clockSkew + time.Minute + c.upTo(24*time.Hour)).UnixMilli())
	case "empty":
		d = &vehiclev1.VehicleData{}
	case "silent":
		d.Refresh.Verdict = vehiclev1.Verdict_VERDICT_SILENT.Enum()
	}
	c.rec.reported(id, d, now)
	return d
}
