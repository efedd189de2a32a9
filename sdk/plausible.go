package sdk

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// suspect is a value that is held back until it is seen a second time.
type suspect struct {
	Value float64 `json:"value"`
	// Observed is the car's time of the first sighting, Polled when it was
	// first seen; Unix milliseconds.
	Observed int64 `json:"observed,omitempty"`
	Polled   int64 `json:"polled"`
}

// suspectStays is how long the same report of a car has to stand before its
// value counts as seen twice: a parked car reports nothing new for days.
const suspectStays = 10 * time.Minute

// rule says which values of an attribute are not believed at once.
type rule struct {
	path  string
	field func(*vehiclev1.VehicleData) **float64
	// implausible after the value was, nil if there was none, elapsed before;
	// elapsed is 0 if unknown.
	implausible func(was *float64, is float64, elapsed time.Duration) bool
}

// rules for attributes that vendors are known to send nonsense in: a charge or a
// range of 0 from a car that had plenty, and an odometer that jumps.
func rules() []rule {
	return []rule{
		{"battery.soc", func(d *vehiclev1.VehicleData) **float64 {
			return in(d.Battery, func(b *vehiclev1.Battery) **float64 { return &b.Soc })
		}, vanished(3)},
		{"aux_battery.soc", func(d *vehiclev1.VehicleData) **float64 {
			return in(d.AuxBattery, func(b *vehiclev1.AuxBattery) **float64 { return &b.Soc })
		}, vanished(0)},
		{"fuel.level", func(d *vehiclev1.VehicleData) **float64 {
			return in(d.Fuel, func(f *vehiclev1.Fuel) **float64 { return &f.Level })
		}, vanished(5)},
		{"range.total", func(d *vehiclev1.VehicleData) **float64 {
			return in(d.Range, func(r *vehiclev1.Range) **float64 { return &r.Total })
		}, vanished(20)},
		{"range.electric", func(d *vehiclev1.VehicleData) **float64 {
			return in(d.Range, func(r *vehiclev1.Range) **float64 { return &r.Electric })
		}, vanished(20)},
		{"drive.odometer", func(d *vehiclev1.VehicleData) **float64 {
			return in(d.Drive, func(v *vehiclev1.Drive) **float64 { return &v.Odometer })
		}, jumped},
	}
}

// in returns the field of a group, nil if the group is not there.
func in[T any](group *T, field func(*T) **float64) **float64 {
	if group == nil {
		return nil
	}
	return field(group)
}

// vanished: 0 after more than some.
func vanished(some float64) func(*float64, float64, time.Duration) bool {
	return func(was *float64, is float64, _ time.Duration) bool { return is == 0 && was != nil && *was > some }
}

// jumped: an odometer that runs backwards, by more than the rounding of units,
// or further than any car drives.
func jumped(was *float64, is float64, elapsed time.Duration) bool {
	if was == nil {
		return false
	}
	const fastest, slack = 250, 100 // km/h, km
	return is < *was-1 || elapsed > 0 && is > *was+fastest*elapsed.Hours()+slack
}

// holdBack puts the last accepted values in the place of those in next that are
// not believed yet, and returns the suspects. Called with mu held.
func (m *memory) holdBack(vehicleID string, r *recollection, next *vehiclev1.VehicleData) map[string]suspect {
	suspects, held := map[string]suspect{}, int32(0)
	seen := suspect{Observed: next.GetRefresh().GetObservedAt(), Polled: next.GetRefresh().GetPolledAt()}
	for _, rule := range rules() {
		field := rule.field(next)
		if field == nil || *field == nil {
			if s, ok := r.suspects[rule.path]; ok {
				suspects[rule.path] = s // a report without the value says nothing of it
			}
			continue
		}
		var was *float64
		if before := rule.field(vehicleOf(r.last)); before != nil {
			was = *before
		}
		seen.Value = **field
		first, again := r.suspects[rule.path]
		switch {
		case !rule.implausible(was, seen.Value, between(observedAt(r.last), observedAt(next))):
		case again && rule.confirmed(first, seen):
		default:
			if again && first.sameReport(seen) {
				suspects[rule.path] = first
			} else {
				suspects[rule.path] = seen
				m.held()
				m.log.Warn("an implausible value is held back until it is seen again",
					"vehicle", vehicleID, "attribute", rule.path, "value", seen.Value, "kept", *was)
			}
			*field = proto.Float64(*was)
			held++
		}
	}
	refreshOf(next).HeldBackValues = &held
	return suspects
}

// confirmed says whether the value was seen twice: a new report goes on from
// where the suspect was, or the same report still stands.
func (r rule) confirmed(first, again suspect) bool {
	if first.sameReport(again) {
		return again.Value == first.Value && time.UnixMilli(again.Polled).Sub(time.UnixMilli(first.Polled)) >= suspectStays
	}
	return !r.implausible(&first.Value, again.Value, between(time.UnixMilli(first.Observed), time.UnixMilli(again.Observed)))
}

func (s suspect) sameReport(other suspect) bool { return s.Observed == other.Observed }

// between is the time from one report to another, 0 if unknown.
func between(from, to time.Time) time.Duration {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	return to.Sub(from)
}

func vehicleOf(d *vehiclev1.VehicleData) *vehiclev1.VehicleData {
	if d == nil {
		return &vehiclev1.VehicleData{}
	}
	return d
}

// inRange clears percentages that are none, for example the 255 by which many
// vendors say that they do not know.
func inRange(d *vehiclev1.VehicleData) {
	for _, a := range shared.Attributes() {
		if a.Info.GetUnit() != "%" {
			continue
		}
		if v, ok := a.Get(d); ok {
			if f, isNumber := v.(float64); isNumber && (f < 0 || f > 100) {
				a.Clear(d)
			}
		}
	}
}
