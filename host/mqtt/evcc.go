package mqtt

import (
	"math"
	"strconv"
	"time"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// evccValue is one that evcc reads of a vehicle, as text; see docs/evcc.md.
type evccValue struct {
	// name is that of evcc's own setting.
	name string
	// pattern of the text.
	pattern string
	// of returns the text, or "" if it is not known.
	of func(*vehiclev1.VehicleData) string
}

// Patterns of numbers.
const (
	integer = `^-?[0-9]+$`
	decimal = `^-?[0-9]+(\.[0-9]+)?$`
)

// evccValues are what evcc reads, in the order of its documentation.
func evccValues() []evccValue {
	return []evccValue{
		{"soc", decimal, func(d *vehiclev1.VehicleData) string {
			return number(d.GetBattery().GetSoc(), d.GetBattery() != nil && d.Battery.Soc != nil)
		}},
		{"limitSoc", integer, func(d *vehiclev1.VehicleData) string {
			return whole(d.GetCharging().GetLimitAc(), d.GetCharging() != nil && d.Charging.LimitAc != nil)
		}},
		{"status", "^[ABC]$", evccStatus},
		{"range", integer, func(d *vehiclev1.VehicleData) string {
			return whole(d.GetRange().GetElectric(), d.GetRange() != nil && d.Range.Electric != nil)
		}},
		{"odometer", decimal, func(d *vehiclev1.VehicleData) string {
			return number(d.GetDrive().GetOdometer(), d.GetDrive() != nil && d.Drive.Odometer != nil)
		}},
		{"climater", "^(true|false)$", evccClimater},
		{"finishTime", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", evccFinishTime},
	}
}

// evccStatus is a letter: A not connected, B connected, C charging.
func evccStatus(d *vehiclev1.VehicleData) string {
	c := d.GetCharging()
	switch {
	case c.GetCharging():
		return "C"
	case c.GetPluggedIn():
		return "B"
	case c != nil && c.PluggedIn != nil:
		return "A"
	}
	return ""
}

func evccClimater(d *vehiclev1.VehicleData) string {
	if c := d.GetClimate(); c != nil && c.On != nil {
		return strconv.FormatBool(c.GetOn())
	}
	return ""
}

// evccFinishTime is when the charge limit will be reached, in RFC 3339, of a car that
// charges.
func evccFinishTime(d *vehiclev1.VehicleData) string {
	c, at := d.GetCharging(), d.GetRefresh().GetObservedAt()
	if !c.GetCharging() || c.GetTimeToLimit() <= 0 || at <= 0 {
		return ""
	}
	left := time.Duration(c.GetTimeToLimit() * float64(time.Minute))
	return time.UnixMilli(at).Add(left).UTC().Format(time.RFC3339)
}

func number(v float64, known bool) string {
	if !known {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func whole(v float64, known bool) string {
	if !known {
		return ""
	}
	return strconv.Itoa(int(math.Round(v)))
}

// evcc adds the topics for evcc. What is not known is taken off the broker: evcc takes no
// null.
func (c *car) evcc(all []outgoing) []outgoing {
	for n, v := range c.topics.evcc {
		all = append(all, c.own(topicEVCC+v.name, c.topics.firstEVCC+n, []byte(v.of(c.data))))
	}
	return all
}

// topicEVCC is the level of evcc's topics.
const topicEVCC = "evcc/"
