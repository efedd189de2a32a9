package field

import vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"

// PowerTrain is the one of the list or, for a car that the list does not name, what its
// document shows: a plug, fuel to drive with, or both.
func PowerTrain(listed vehiclev1.EngineType, plug, fuel bool) vehiclev1.EngineType {
	switch {
	case listed != vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED:
		return listed
	case plug && fuel:
		return vehiclev1.EngineType_ENGINE_TYPE_PHEV
	case plug:
		return vehiclev1.EngineType_ENGINE_TYPE_EV
	case fuel:
		return vehiclev1.EngineType_ENGINE_TYPE_ICE
	}
	return vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED
}

// Ranges says what the figures of a document mean for a car of that power train, so
// that one quantity has one place in all dialects. said is what the document says of
// the kinds; single is a figure that does not say which energy it is of.
//
// With one energy all figures are of it. An unknown power train has what the document
// names.
func Ranges(said *vehiclev1.Range, single *float64, engine vehiclev1.EngineType) *vehiclev1.Range {
	switch engine {
	case vehiclev1.EngineType_ENGINE_TYPE_EV:
		said.Total = first(said.Total, said.Electric, single)
		said.Electric, said.Fuel = first(said.Electric, said.Total), nil
	case vehiclev1.EngineType_ENGINE_TYPE_ICE, vehiclev1.EngineType_ENGINE_TYPE_HEV:
		said.Fuel = first(said.Fuel, single, said.Total)
		said.Total, said.Electric = first(said.Total, said.Fuel), nil
	case vehiclev1.EngineType_ENGINE_TYPE_PHEV:
		said.Fuel = first(said.Fuel, single)
		if said.Total == nil && said.Electric != nil && said.Fuel != nil {
			said.Total = Opt(*said.Electric+*said.Fuel, true)
		}
	default:
		said.Total = first(said.Total, single)
	}
	return said
}

// NotZero takes a distance of 0 out, where it stands for no reading.
func NotZero(km *float64) *float64 {
	if km != nil && *km == 0 {
		return nil
	}
	return km
}

// first returns a copy of the first value that is set.
func first(values ...*float64) *float64 {
	for _, v := range values {
		if v != nil {
			return Opt(*v, true)
		}
	}
	return nil
}

// Shown is what a document shows of a car that its list does not say: that it has a
// plug. One without may be a hybrid or not.
func Shown(engine, listed vehiclev1.EngineType) *vehiclev1.Vehicle {
	plug := engine == vehiclev1.EngineType_ENGINE_TYPE_EV || engine == vehiclev1.EngineType_ENGINE_TYPE_PHEV
	if engine == listed || !plug {
		return nil
	}
	return &vehiclev1.Vehicle{EngineType: &engine}
}
