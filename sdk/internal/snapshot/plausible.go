package snapshot

import (
	"cmp"
	"maps"
	"time"

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

// suspectStays is how long the answers of a car that tells no time have to stand
// before a value in them counts as seen twice.
const suspectStays = 10 * time.Minute

// rule says which values of an attribute are not believed. Parts may be nil.
type rule struct {
	path string
	// implausible after another value: a second report confirms it.
	implausible func(was, is sighting) bool
	// rising: it never falls, and rises no faster than a car drives, however often
	// that is repeated.
	rising bool
	// contradicted is whether a 0 is, by the rest of the same report, however often that
	// is repeated.
	contradicted func(d *vehiclev1.VehicleData) bool
	// lasting: a car that has told it once has it for ever, so that a report without
	// it says nothing.
	lasting bool
}

// rules for attributes that vendors are known to send nonsense in: a charge or a
// range of 0 from a car that had plenty, an odometer that jumps, values that are
// gone now and then.
func rules() []rule {
	const some, far = 5, 50 // %, km
	return []rule{
		{path: "battery.soc", implausible: vanished(3), contradicted: func(d *vehiclev1.VehicleData) bool {
			return d.GetRange().GetElectric() > some
		}},
		{path: "aux_battery.soc", implausible: vanished(0)},
		{path: "fuel.level", implausible: vanished(5), contradicted: func(d *vehiclev1.VehicleData) bool {
			return d.GetRange().GetFuel() > far
		}},
		{path: "range.total", implausible: vanished(20), contradicted: func(d *vehiclev1.VehicleData) bool {
			return max(d.GetBattery().GetSoc(), d.GetFuel().GetLevel(), d.GetRange().GetElectric(), d.GetRange().GetFuel()) > some
		}},
		{path: "range.electric", implausible: vanished(20), contradicted: func(d *vehiclev1.VehicleData) bool {
			return d.GetBattery().GetSoc() > some
		}},
		{path: "range.fuel", implausible: vanished(20), contradicted: func(d *vehiclev1.VehicleData) bool {
			return d.GetFuel().GetLevel() > 2*some
		}},
		{path: "drive.odometer", rising: true, lasting: true},
		{path: "charging.limit_ac", lasting: true},
		{path: "charging.limit_dc", lasting: true},
	}
}

// vanished: 0 after more than some.
func vanished(some float64) func(was, is sighting) bool {
	return func(was, is sighting) bool { return is.Value == 0 && was.Value > some }
}

// jumped: an odometer that runs backwards, or further than any car drives in that
// time.
func jumped(was, is sighting) bool {
	const fastest, slack = 250, 100 // km/h, km
	elapsed := was.until(is)
	return is.Value < was.Value || elapsed > 0 && is.Value > was.Value+fastest*elapsed.Hours()+slack
}

// holdBack, with the car locked, puts the values that were believed last in the place of those in next
// that are not believed, or that are gone and cannot be, and returns what is held back
// and believed now. What is not believed and has no predecessor is unset.
func (m *Memory) holdBack(r *recollection, next *vehiclev1.VehicleData) (suspects, believed map[string]sighting) {
	suspects, believed = map[string]sighting{}, maps.Clone(r.believed)
	if believed == nil {
		believed = map[string]sighting{}
	}
	held, all := int32(0), rules()
	var earlier []*vehiclev1.Earlier
	stand := func(path string, value number, was sighting) {
		value.set(was.Value)
		earlier = append(earlier, &vehiclev1.Earlier{Path: path, ObservedAt: cmp.Or(was.Observed, was.Polled)})
	}
	denied := contradictions(all, next)
	seen := sighting{Observed: next.GetRefresh().GetObservedAt(), Polled: next.GetRefresh().GetPolledAt()}
	for i, rule := range all {
		value := numberOf(next, rule.path)
		was, known := believed[rule.path]
		first, again := r.suspects[rule.path]
		if !value.isSet() {
			if again {
				suspects[rule.path] = first // a report without the value says nothing of it
			}
			if rule.lasting && known {
				stand(rule.path, value, was)
				held++
			}
			continue
		}

		seen.Value = value.get()
		if rule.rising && seen.Value < was.Value && seen.Value >= was.Value-1 { // rounding
			value.set(was.Value)
			continue
		}
		if !denied[i] && rule.believes(was, seen, first, again) {
			believed[rule.path] = seen
			continue
		}

		if again && first.sameReport(seen) {
			suspects[rule.path] = first
		} else {
			suspects[rule.path] = seen
			m.o.HeldBack()
			m.o.Logger.Warn("an implausible value is held back",
				"vehicle", r.id, "attribute", rule.path, "value", seen.Value, "kept", was.Value)
		}
		value.unset()
		if known {
			stand(rule.path, value, was)
		}
		held++
	}
	heldBack(next, held, earlier)
	return suspects, believed
}

// contradictions says of which rules' attributes the value is 0 against the rest of the
// report, as it was told.
func contradictions(all []rule, told *vehiclev1.VehicleData) []bool {
	denied := make([]bool, len(all))
	for i, rule := range all {
		value := numberOf(told, rule.path)
		denied[i] = rule.contradicted != nil && value.isSet() && value.get() == 0 && rule.contradicted(told)
	}
	return denied
}

// believes says whether a value is believed after another one. first is when it was held
// back before, if it is seen again.
func (r rule) believes(was, is, first sighting, again bool) bool {
	if r.rising && jumped(was, is) {
		return false
	}
	doubted := r.implausible != nil && r.implausible(was, is)
	return !doubted || again && r.confirmed(first, is)
}

// confirmed says whether a value was seen twice: a new report goes on from where the
// suspect was. The same report proves nothing, but of a car that tells no time all
// reports look the same.
func (r rule) confirmed(first, again sighting) bool {
	if first.Observed == 0 && again.Observed == 0 {
		return again.Value == first.Value && time.UnixMilli(again.Polled).Sub(time.UnixMilli(first.Polled)) >= suspectStays
	}
	return !first.sameReport(again) && !r.implausible(first, again)
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
