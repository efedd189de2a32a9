package ccs

import (
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// A car tells its time without a zone, and its zone need not be the region's: that of a
// British car is London's. What shows the difference is kept; docs/protocol-europe.md,
// section "Times".

// regionClock reads times as if each car's zone were the region's.
func (c *Client) regionClock() field.Clock { return field.Clock{Zone: c.account.Zone} }

// clockOf is what a car's zone-less times are read by.
func (c *Client) clockOf(vehicleID string) field.Clock {
	clock := c.regionClock()
	clock.Shift = time.Duration(c.traits.of(vehicleID).Shift) * time.Minute
	return clock
}

// told takes down the time of a car's own status. A zone in which it lies ahead of now is
// not the car's: it was learnt from an answer that was older than it seemed, or the
// clocks have changed.
func (c *Client) told(vehicleID string, status field.Object) {
	at, ok := c.regionClock().Read(status.At("time"))
	if !ok {
		return
	}
	c.traits.learn(vehicleID, func(t *trait) { t.Told = at })
	if at.Add(c.clockOf(vehicleID).Shift).After(c.opts.Now().Add(field.ClockSkew)) {
		c.learnShift(vehicleID, 0)
	}
}

// learnFromAnswer learns a car's zone from its own answer to a wake, which it gave
// between two moments of ours: if it says another hour, it counts in another zone. The
// answer has to be newer than what the car told before, or it is none.
func (c *Client) learnFromAnswer(vehicleID string, answer field.Object, began, ended time.Time) {
	at, ok := c.regionClock().Read(answer.At("time"))
	before := c.traits.of(vehicleID).Told
	if !ok || before.IsZero() || !at.After(before) {
		return
	}
	if shift, ok := shiftInto(at, began, ended); ok {
		c.learnShift(vehicleID, shift)
	}
}

// shiftInto is by how many half hours a time has to be shifted to lie between two
// others. One that lies back may also be old, so only what a zone west of the region's
// can be counts: three hours, Perth's from Sydney.
func shiftInto(at, began, ended time.Time) (time.Duration, bool) {
	const step, eastern, western, slack = 30 * time.Minute, -14 * time.Hour, 3 * time.Hour, time.Minute
	middle := began.Add(ended.Sub(began) / 2)
	shift := middle.Sub(at).Round(step)
	shifted := at.Add(shift)
	return shift, shift >= eastern && shift <= western && !shifted.Before(began.Add(-slack)) && !shifted.After(ended.Add(slack))
}

// learnFromPositions learns the zone of a car that tells its position twice, with a time
// that is absolute and with one of its own, read in the region's zone.
func (c *Client) learnFromPositions(vehicleID string, absolute, own *vehiclev1.Location) {
	at, read := field.FixTime(absolute), field.FixTime(own)
	if at.IsZero() || read.IsZero() || absolute.GetLatitude() != own.GetLatitude() || absolute.GetLongitude() != own.GetLongitude() {
		return
	}
	if shift, ok := shiftInto(read, at, at); ok {
		c.learnShift(vehicleID, shift)
	}
}

func (c *Client) learnShift(vehicleID string, shift time.Duration) {
	c.traits.learn(vehicleID, func(t *trait) {
		if minutes := int64(shift / time.Minute); t.Shift != minutes {
			c.opts.Logger.Info("a car's times are read in the zone that it has shown", "from_region", shift)
			t.Shift = minutes
		}
	})
}
