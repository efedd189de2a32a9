package cloudsim

import (
	"math"
	"time"
)

// Doing is what a car does for a while.
type Doing int

// What cars do.
const (
	Parked Doing = iota
	Driving
	Charging
)

// String names it in logs.
func (d Doing) String() string {
	switch d {
	case Driving:
		return "driving"
	case Charging:
		return "charging"
	}
	return "parked"
}

// Phase of a car's life.
type Phase struct {
	Doing Doing
	For   time.Duration
}

// Physics of the scripted cars: ordinary numbers, not a model of any car.
const (
	speedKMH       = 60.0
	kWhPer100KM    = 18.0
	litersPer100KM = 5.0
	chargePowerKW  = 11.0
	tankLiters     = 45.0
	// A driving or charging car reports by itself this often.
	reportEvery = 5 * time.Minute
	// A wake costs the 12 V battery this much.
	wakeCostPercent = 0.5
)

// state of a car at one moment.
type state struct {
	doing      Doing
	plugged    bool
	charging   bool
	soc        float64 // %, traction battery
	odometerKM float64
	fuelL      float64
	lat, lon   float64
	heading    float64
	speedKMH   float64
	powerKW    float64
	locked     bool
	// movedAt is when the position was last new.
	movedAt time.Duration
}

// life walks a car through its phases, over and over, and says what it is like
// after so much of its own time, and when before that it last reported by
// itself: at the start of a phase, at the end of a charge, and every few
// minutes while something happens. It is a pure function.
func (c Car) life(after time.Duration) (now state, reported time.Duration) {
	s := state{
		soc: c.SoC, odometerKM: c.OdometerKM, fuelL: c.FuelPercent / 100 * tankLiters,
		lat: c.Latitude, lon: c.Longitude, locked: true,
	}
	var cycle, begin time.Duration
	for _, phase := range c.Life {
		cycle += phase.For
	}
	if cycle <= 0 {
		return s, 0
	}
	for {
		for _, phase := range c.Life {
			spent := min(phase.For, after-begin)
			full := s.soc
			s.enter(phase.Doing)
			reported = begin
			done := c.spend(&s, spent, begin)
			if phase.Doing != Parked {
				reported += done.Truncate(reportEvery)
			}
			if phase.Doing == Charging && done < spent && full < c.limit() {
				reported = begin + done // the charge ended
			}
			if begin += phase.For; begin > after {
				return s, reported
			}
		}
	}
}

func (s *state) enter(d Doing) {
	s.doing, s.plugged, s.locked = d, d == Charging, d != Driving
	s.charging, s.speedKMH, s.powerKW = false, 0, 0
}

// spend lets time pass in the present phase and returns how much of it
// something happened.
func (c Car) spend(s *state, t, begin time.Duration) time.Duration {
	hours := t.Hours()
	switch s.doing {
	case Driving:
		km := speedKMH * hours
		s.odometerKM += km
		s.speedKMH = speedKMH
		s.heading = math.Mod(s.heading+hours*360, 360)
		// A round trip of a degree's tenth, so that the car stays in the country.
		s.lat = c.Latitude + 0.05*math.Sin(s.odometerKM/10)
		s.lon = c.Longitude + 0.05*math.Cos(s.odometerKM/10)
		s.movedAt = begin + t
		electric := 0.0
		if c.CapacityKWh > 0 {
			electric = min(km, s.soc/100*c.CapacityKWh/kWhPer100KM*100)
			s.soc -= electric * kWhPer100KM / 100 / c.CapacityKWh * 100
		}
		if c.Type != EV {
			s.fuelL = max(0, s.fuelL-(km-electric)*litersPer100KM/100)
		}
		return t
	case Charging:
		missing := max(0, c.limit()-s.soc) / 100 * c.CapacityKWh
		needed := time.Duration(missing / chargePowerKW * float64(time.Hour))
		if needed > t {
			s.charging, s.powerKW = true, chargePowerKW
			s.soc += hours * chargePowerKW / c.CapacityKWh * 100
			return t
		}
		s.soc = max(s.soc, c.limit())
		return needed
	}
	return t
}

func (c Car) limit() float64 {
	if c.ChargeLimitAC == 0 {
		return 100
	}
	return c.ChargeLimitAC
}

// remainingMinutes to the charge limit at the present power.
func (c Car) remainingMinutes(s state) int {
	if !s.charging {
		return 0
	}
	return max(1, int(math.Round((c.limit()-s.soc)/100*c.CapacityKWh/chargePowerKW*60)))
}

// rangeKM on the battery.
func (c Car) rangeKM(soc float64) int {
	return int(soc / 100 * c.CapacityKWh / kWhPer100KM * 100)
}
