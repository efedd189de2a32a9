package ccs1

import (
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func battery(ev field.Object) *vehiclev1.Battery {
	return &vehiclev1.Battery{
		Soc:                    field.Opt(ev.At("batteryStatus").Percent()),
		Soh:                    field.Opt(ev.At("batterySoh").Percent()),
		PreconditioningEnabled: field.Opt(ev.At("batteryPreconditioning").Bool()),
	}
}

// Plug types of charge targets.
const (
	plugDC = 0
	plugAC = 1
)

func charging(ev field.Object) *vehiclev1.Charging {
	connector, ok := ev.At("batteryPlugin").Code()
	door, hasDoor := ev.At("chargePortDoorOpenStatus").OneOf(0, 1, 2) // 0: the car does not tell
	remaining := ev.At("remainTime2")
	targets := ev.At("reservChargeInfos.targetSOClist")
	return &vehiclev1.Charging{
		Charging:      field.Opt(ev.At("batteryCharge").Bool()),
		PluggedIn:     field.Opt(connector != 0, ok),
		ConnectorCode: field.Opt(connector, ok),
		PortOpen:      field.Opt(door == 1, hasDoor && door != 0),
		Power:         power(ev.At("batteryPower")),
		LimitAc:       target(targets, plugAC, "targetSOClevel", limit),
		LimitDc:       target(targets, plugDC, "targetSOClevel", limit),
		TimeToLimit:   field.Opt(remaining.At("atc.value").Minutes()),
		TimeDc:        field.Opt(remaining.At("etc1.value").Minutes()),
		TimePortable:  field.Opt(remaining.At("etc2.value").Minutes()),
		TimeAc:        field.Opt(remaining.At("etc3.value").Minutes()),
	}
}

// power is the larger of the AC and the DC figure: one of them is at work. If one
// is not understood, a 0 of the other says nothing.
func power(p field.Object) *float64 {
	standard, fast := p.At("batteryStndChrgPower"), p.At("batteryFstChrgPower")
	ac, hasAC := standard.Number()
	dc, hasDC := fast.Number()
	most, ok := max(ac, dc), hasAC || hasDC
	if most == 0 {
		ok = ok && (hasAC || !standard.Exists()) && (hasDC || !fast.Exists())
	}
	return field.Opt(most, ok)
}

// target reads a value of a plug type's entry. Entries may repeat; the last one
// that has the value is the truth, also if it cannot be read.
func target(list field.Object, plug int32, path string, read func(value field.Object) *float64) *float64 {
	var found *float64
	for _, entry := range list.List() {
		if code, ok := entry.At("plugType").OneOf(plugDC, plugAC); !ok || code != plug {
			continue
		}
		if value := entry.At(path); value.Exists() {
			found = read(value)
		}
	}
	return found
}

func limit(value field.Object) *float64 { return field.Opt(value.ChargeLimit()) }

// powerTrain: cars with a plug have the lamp of a tank, too.
func powerTrain(s field.Object, listed vehiclev1.EngineType) vehiclev1.EngineType {
	plug := s.At("evStatus.batteryStatus").Exists() && s.At("evStatus.batteryPlugin").Exists()
	gas, _ := s.At("evStatus.drvDistance.0.rangeByFuel.gasModeRange.value").Number()
	tank, _ := s.At("fuelLevel").Number()
	lamp := s.At("lowFuelLight").Exists()
	return field.PowerTrain(listed, plug, tank > 0 || plug && gas > 0 || !plug && lamp)
}

func ranges(s field.Object, engine vehiclev1.EngineType) *vehiclev1.Range {
	byFuel := s.At("evStatus.drvDistance.0.rangeByFuel")
	targets := s.At("evStatus.reservChargeInfos.targetSOClist")
	km := func(o field.Object) *float64 { return field.Opt(field.Kilometers(o.At("value"), o.At("unit"))) }
	some := func(o field.Object) *float64 { return field.NotZero(km(o)) }
	const atLimit = "dte.rangeByFuel.totalAvailableRange"
	r := &vehiclev1.Range{
		Total:    km(byFuel.At("totalAvailableRange")),
		Electric: km(byFuel.At("evModeRange")),
		Fuel:     km(byFuel.At("gasModeRange")),
		// A car that is charged to its limit goes some way.
		AtLimitAc: target(targets, plugAC, atLimit, some),
		AtLimitDc: target(targets, plugDC, atLimit, some),
	}
	dte := some(s.At("dte")) // every electric car sends 0 there
	if engine == vehiclev1.EngineType_ENGINE_TYPE_ICE || engine == vehiclev1.EngineType_ENGINE_TYPE_HEV {
		dte = km(s.At("dte"))
	}
	return field.Ranges(r, dte, engine)
}

func schedule(r field.Object, known Known) *vehiclev1.Schedule {
	one, two := departures(r)
	peak := r.At("offpeakPowerInfo")
	s := &vehiclev1.Schedule{
		Departure1Enabled:            field.Opt(one.At("reservChargeSet").Bool()),
		Departure1Days:               weekdays(one.At("reservInfo.day")),
		Departure1Time:               clock(one.At("reservInfo.time")),
		Departure1ClimateEnabled:     field.Opt(one.At("reservFatcSet.airCtrl").Bool()),
		Departure1ClimateTemperature: field.Opt(celsius(one.At("reservFatcSet.airTemp"), known)),
		Departure1ClimateDefrost:     field.Opt(one.At("reservFatcSet.defrost").Bool()),
		Departure2Enabled:            field.Opt(two.At("reservChargeSet").Bool()),
		Departure2Days:               weekdays(two.At("reservInfo.day")),
		Departure2Time:               clock(two.At("reservInfo.time")),
		Departure2ClimateEnabled:     field.Opt(two.At("reservFatcSet.airCtrl").Bool()),
		Departure2ClimateTemperature: field.Opt(celsius(two.At("reservFatcSet.airTemp"), known)),
		Departure2ClimateDefrost:     field.Opt(two.At("reservFatcSet.defrost").Bool()),
		ChargingEnabled:              field.Opt(r.At("reservFlag").Bool()),
		OffPeakStart:                 clock(peak.At("offPeakPowerTime1.starttime")),
		OffPeakEnd:                   clock(peak.At("offPeakPowerTime1.endtime")),
	}
	// 1: only off-peak. 2: preferred, but not only. 0: unknown.
	if flag, ok := peak.At("offPeakPowerFlag").OneOf(0, 1, 2); ok && flag != 0 {
		s.OffPeakOnly = field.Opt(flag == 1, true)
	}
	return s
}

// departures are the two that a car has. The extra e of the second one is in the source.
func departures(r field.Object) (first, second field.Object) {
	return r.At("reservChargeInfo.reservChargeInfoDetail"), r.At("reserveChargeInfo2.reservChargeInfoDetail")
}

func clock(t field.Object) *int32 {
	return field.Opt(field.TwelveHourClock(t.At("time"), t.At("timeSection")))
}

// weekdays reads 0 for Sunday to 6 for Saturday; 9 stands for none. A list with a
// day that is not understood would leave out a day, so it says nothing.
func weekdays(list field.Object) *vehiclev1.Weekdays {
	days, all := &vehiclev1.Weekdays{}, true
	entries := list.List()
	for _, entry := range entries {
		day, ok := entry.OneOf(0, 1, 2, 3, 4, 5, 6, 9)
		if all = all && ok; ok && day != 9 {
			days.Days = append(days.Days, vehiclev1.Weekday(day+1))
		}
	}
	if !all || len(entries) == 0 {
		return nil
	}
	return days
}
