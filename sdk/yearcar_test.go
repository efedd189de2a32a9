package sdk_test

import (
	"math"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// liveCar drives, charges and stands, and reports to the cloud when that changes.
type liveCar struct {
	zone string // empty: nobody knows
	// at is until when it has lived, until when it does what it does.
	at, until time.Time
	// standing is how many more times it reports that it still stands.
	standing                    int
	running, plugged, charging  bool
	aux, auxPerHour             float64 // percent
	odometer, kilometresPerHour float64
	// copy is the last report, older the one before it.
	copy, older *vehiclev1.VehicleData
}

func newLiveCar(zone string, now time.Time, rng *rand.Rand) *liveCar {
	car := &liveCar{zone: zone, at: now, until: now, aux: 90, odometer: 1000}
	car.begin(rng)
	car.report()
	return car
}

// live brings the car up to now.
func (l *liveCar) live(now time.Time, rng *rand.Rand) {
	for l.until.Before(now) {
		l.pass(l.until)
		l.begin(rng)
		l.report()
	}
	l.pass(now)
}

func (l *liveCar) pass(now time.Time) {
	hours := now.Sub(l.at).Hours()
	l.at = now
	l.odometer += hours * l.kilometresPerHour
	l.aux = min(98, max(42, l.aux+hours*l.auxPerHour))
}

// begin begins something else. A car that stands for days loses charge as evenly
// as a real one.
func (l *liveCar) begin(rng *rand.Rand) {
	if l.standing > 0 {
		l.standing--
		l.until = l.at.Add(8 * time.Hour)
		return
	}
	l.running, l.plugged, l.charging, l.kilometresPerHour = false, false, false, 0
	hours := 0.5 + 6*rng.Float64()
	switch what := rng.IntN(100); {
	case what < 5:
		l.standing, l.auxPerHour, hours = 12+rng.IntN(20), -(2+5*rng.Float64())/24, 8
	case what < 60:
		l.auxPerHour = -1.2 * rng.Float64()
	case what < 75:
		l.running, l.auxPerHour, l.kilometresPerHour, hours = true, 12*rng.Float64(), 60, hours/6
	case what < 85:
		l.plugged, l.auxPerHour = true, -1.5*rng.Float64()
	default:
		l.plugged, l.charging, l.auxPerHour = true, true, 6*rng.Float64()
	}
	l.until = l.at.Add(time.Duration(hours * float64(time.Hour)))
}

// report makes the cloud's copy.
func (l *liveCar) report() {
	d := sdktest.Snapshot(l.at, 50)
	d.AuxBattery = &vehiclev1.AuxBattery{Soc: proto.Float64(math.Round(l.aux))}
	d.Drive = &vehiclev1.Drive{Odometer: proto.Float64(math.Round(l.odometer)), Running: &l.running}
	d.Charging = &vehiclev1.Charging{PluggedIn: &l.plugged, Charging: &l.charging}
	if l.charging {
		d.Charging.TimeToLimit = proto.Float64(l.until.Sub(l.at).Minutes())
	}
	d = proto.CloneOf(d)
	l.older, l.copy = l.copy, d
	if l.older == nil {
		l.older = d
	}
}
