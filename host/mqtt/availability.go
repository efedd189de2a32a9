package mqtt

import (
	"time"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// topicAvailability holds whether a car's values are still renewed.
const topicAvailability = "availability"

// Availability says whether a car's values are still renewed, in the words of the Homie
// convention.
type Availability string

// The availabilities. Trouble of the vendor's cloud is none of them: it passes by itself,
// and the values stay what they were.
const (
	// AvailabilityReady: the car has reported within the last hour.
	AvailabilityReady Availability = "ready"
	// AvailabilitySleeping: the car has not, or it did not answer when it was last woken.
	AvailabilitySleeping Availability = "sleeping"
	// AvailabilityAlert: nothing is renewed until somebody does something about the
	// account; the topic of the account says what.
	AvailabilityAlert Availability = "alert"
	// AvailabilityLost: the car's plugin does not run, or no plugin lists the car.
	AvailabilityLost Availability = "lost"
)

// sleepsAfter is how long a car has not reported that counts as sleeping.
const sleepsAfter = time.Hour

// condition is what keeps a car's values from being renewed; the zero value: nothing.
type condition int

const (
	wellCared condition = iota
	// needsHuman: the account's plugin does.
	needsHuman
	// abandoned: no plugin looks after the car.
	abandoned
)

// availabilityOf a car whose newest data is given, or nil.
func availabilityOf(c condition, data *vehiclev1.VehicleData, now time.Time) Availability {
	refresh := data.GetRefresh()
	switch {
	case c == abandoned:
		return AvailabilityLost
	case c == needsHuman:
		return AvailabilityAlert
	case refresh.GetVerdict() == vehiclev1.Verdict_VERDICT_SILENT,
		refresh.GetObservedAt() <= 0,
		now.Sub(time.UnixMilli(refresh.GetObservedAt())) > sleepsAfter:
		return AvailabilitySleeping
	}
	return AvailabilityReady
}

// ageOf is how old a time is in minutes, in steps that grow with it: a fleet of parked
// cars must not keep the broker busy.
func ageOf(t, now time.Time) int {
	age := max(0, now.Sub(t))
	step := time.Minute
	switch {
	case age >= 24*time.Hour:
		step = time.Hour
	case age >= time.Hour:
		step = 15 * time.Minute
	}
	return int(age.Truncate(step).Minutes())
}

// passing is what of a car's topics changes with time alone.
type passing struct {
	availability Availability
	age          int
}

func (c *car) passing(now time.Time) passing {
	k := passing{availability: availabilityOf(c.condition, c.data, now)}
	if at := c.data.GetRefresh().GetObservedAt(); at > 0 {
		k.age = ageOf(time.UnixMilli(at), now)
	}
	return k
}

// introduced says whether there is anything to say of the car yet.
func (c *car) introduced() bool {
	return !c.gone && (c.data != nil || c.outcome != nil || c.condition != wellCared || c.unread)
}
