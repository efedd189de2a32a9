package snapshot

import (
	"maps"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// sighting of a value: one that is held back until it is seen a second time, or
// the last one that was believed.
type sighting struct {
	Value float64 `json:"value"`
	// Observed is the car's time of it, of a value that is held back that of the
	// first time, Polled when it was read; Unix milliseconds.
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
	// implausible says whether a value is not believed after another one.
	implausible func(was, is sighting) bool
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
func vanished(some float64) func(was, is sighting) bool {
	return func(was, is sighting) bool { return is.Value == 0 && was.Value > some }
}

// jumped: an odometer that runs backwards, by more than the rounding of units,
// or further than any car drives.
func jumped(was, is sighting) bool {
	const fastest, slack = 250, 100 // km/h, km
	elapsed := was.until(is)
	return is.Value < was.Value-1 || elapsed > 0 && is.Value > was.Value+fastest*elapsed.Hours()+slack
}

// holdBackLocked puts the values that were believed last in the place of those in next
// that are not believed yet, and returns what is held back and believed now.
func (m *Memory) holdBackLocked(vehicleID string, r *recollection, next *vehiclev1.VehicleData) (suspects, believed map[string]sighting) {
	suspects, believed, held := map[string]sighting{}, maps.Clone(r.believed), int32(0)
	if believed == nil {
		believed = map[string]sighting{}
	}
	seen := sighting{Observed: next.GetRefresh().GetObservedAt(), Polled: next.GetRefresh().GetPolledAt()}
	for _, rule := range rules() {
		field := rule.field(next)
		if field == nil || *field == nil {
			if s, ok := r.suspects[rule.path]; ok {
				suspects[rule.path] = s // a report without the value says nothing of it
			}
			continue
		}
		was, known := believed[rule.path]
		seen.Value = **field
		first, again := r.suspects[rule.path]
		if !known || !rule.implausible(was, seen) || again && rule.confirmed(first, seen) {
			believed[rule.path] = seen
			continue
		}
		if again && first.sameReport(seen) {
			suspects[rule.path] = first
		} else {
			suspects[rule.path] = seen
			m.o.HeldBack()
			m.o.Logger.Warn("an implausible value is held back until it is seen again",
				"vehicle", vehicleID, "attribute", rule.path, "value", seen.Value, "kept", was.Value)
		}
		*field = proto.Float64(was.Value)
		held++
	}
	heldBack(next, held)
	return suspects, believed
}

// confirmed says whether the value was seen twice: a new report goes on from
// where the suspect was, or the same report still stands.
func (r rule) confirmed(first, again sighting) bool {
	if first.sameReport(again) {
		return again.Value == first.Value && time.UnixMilli(again.Polled).Sub(time.UnixMilli(first.Polled)) >= suspectStays
	}
	return !r.implausible(first, again)
}

func (s sighting) sameReport(other sighting) bool { return s.Observed == other.Observed }

// until is the time from one report to another, 0 if unknown.
func (s sighting) until(next sighting) time.Duration {
	if s.Observed == 0 || next.Observed == 0 {
		return 0
	}
	return time.UnixMilli(next.Observed).Sub(time.UnixMilli(s.Observed))
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
