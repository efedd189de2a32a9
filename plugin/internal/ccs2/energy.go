package ccs2

import (
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func battery(b field.Object) *vehiclev1.Battery {
	kJ := kilojoules(b)
	return &vehiclev1.Battery{
		Soc:                     field.Opt(b.At("BatteryRemain.Ratio").Percent()),
		Soh:                     field.Opt(b.At("SoH.Ratio").Percent()),
		Energy:                  field.Opt(b.At("BatteryRemain.Value").KilowattHours(kJ)),
		Capacity:                field.Opt(b.At("BatteryCapacity.Value").KilowattHours(kJ)),
		Voltage:                 field.Opt(b.At("BatteryPackVoltage").Number()),
		TemperatureMin:          field.Opt(b.At("Temperature.Min.Raw").Number()),
		TemperatureMax:          field.Opt(b.At("Temperature.Max.Raw").Number()),
		CoolantInletTemperature: field.Opt(b.At("Temperature.CoolingWaterInlet").Number()),
		ChillerSpeed:            field.Opt(b.At("ChillerRPM").Number()),
		HeatingOn:               field.Opt(b.At("HeatingState").Bool()),
		WinterMode:              field.Opt(b.At("WinterModeOperation").Bool()),
		PreconditioningEnabled:  preconditioning(b),
	}
}

// kilojoules says whether the battery's energies come in kJ, which a body need
// not tell. Then the larger one does: no car holds 1000 kWh.
func kilojoules(b field.Object) bool {
	switch unit, _ := b.At("BatteryRemain.Unit").NonEmptyText(); strings.ToLower(unit) {
	case "kj":
		return true
	case "kwh":
		return false
	}
	remain, _ := b.At("BatteryRemain.Value").Number()
	capacity, _ := b.At("BatteryCapacity.Value").Number()
	return max(remain, capacity) >= 1000
}

// preconditioning reads the setting's code: 3 and 4 are on, 0, 2 and 6 are off.
// Cars without it have the winter mode in its place.
func preconditioning(b field.Object) *bool {
	status := b.At("BatteryPreCondition.Status")
	if !status.Exists() {
		return field.Opt(b.At("WinterModeOperation").Bool())
	}
	code, ok := status.OneOf(0, 2, 3, 4, 6)
	return field.Opt(code == 3 || code == 4, ok)
}

func charging(green field.Object) *vehiclev1.Charging {
	c, grid := green.At("ChargingInformation"), green.At("Electric.SmartGrid")
	connector, hasConnector := c.At("ConnectorFastening.State").Code()
	remaining, hasRemaining := c.At("Charging.RemainTime").Minutes()
	return &vehiclev1.Charging{
		// There is no flag for it: time is left, and a cable is in.
		Charging:      field.Opt(remaining > 0 && (connector != 0 || !hasConnector), hasRemaining),
		PluggedIn:     field.Opt(connector != 0, hasConnector),
		ConnectorCode: field.Opt(connector, hasConnector),
		PortOpen:      portOpen(green.At("ChargingDoor.State")),
		Power:         field.Opt(grid.At("RealTimePower").Number()),
		CurrentLimit:  currentLimit(c.At("ElectricCurrentLevel.State")),
		LimitAc:       field.Opt(c.At("TargetSoC.Standard").ChargeLimit()),
		LimitDc:       field.Opt(c.At("TargetSoC.Quick").ChargeLimit()),
		V2LLimit:      field.Opt(grid.At("VehicleToLoad.DischargeLimitation.SoC").ChargeLimit()),
		TimeToLimit:   field.Opt(remaining, hasRemaining),
		TimeDc:        field.Opt(c.At("EstimatedTime.Quick").Minutes()),
		TimePortable:  field.Opt(c.At("EstimatedTime.ICCB").Minutes()),
		TimeAc:        field.Opt(c.At("EstimatedTime.Standard").Minutes()),
	}
}

// portOpen reads the flap: 1 open, 0 and 2 closed.
func portOpen(state field.Object) *bool {
	code, ok := state.OneOf(0, 1, 2)
	return field.Opt(code == 1, ok)
}

// currentLimit turns the level into the share of the full current it stands for;
// 0 stands for no setting.
func currentLimit(level field.Object) *float64 {
	code, ok := level.OneOf(0, 1, 2, 3)
	share, set := map[int32]float64{1: 100, 2: 90, 3: 60}[code]
	return field.Opt(share, ok && set)
}

func powerTrain(v field.Object, listed vehiclev1.EngineType) vehiclev1.EngineType {
	plug := v.At("Green.BatteryManagement.BatteryRemain").IsObject() && v.At("Green.ChargingInformation.ConnectorFastening").IsObject()
	tank, _ := v.At("Drivetrain.FuelSystem.FuelLevel").Number()
	return field.PowerTrain(listed, plug, tank > 0)
}

func ranges(v field.Object, engine vehiclev1.EngineType) *vehiclev1.Range {
	dte, target := v.At("Drivetrain.FuelSystem.DTE"), v.At("Green.ChargingInformation.DTE.TargetSoC")
	unit := dte.At("Unit")
	km := func(value field.Object) *float64 { return rangeKM(value, unit) }
	r := &vehiclev1.Range{
		Total: km(dte.At("Total")), Electric: km(dte.At("EV")), Fuel: km(dte.At("ICE")),
		// A car that is charged to its limit goes some way.
		AtLimitAc: field.NotZero(km(target.At("Standard"))),
		AtLimitDc: field.NotZero(km(target.At("Quick"))),
	}
	if r.Fuel == nil {
		r.Fuel = km(dte.At("Fuel"))
	}
	if engine == vehiclev1.EngineType_ENGINE_TYPE_EV {
		r.Electric = nil // the total is what the car shows
	}
	return field.Ranges(r, nil, engine)
}

// rangeKM is a distance. Hybrids send overflow garbage for the part of the range
// that they do not know.
func rangeKM(value, unit field.Object) *float64 {
	if raw, _ := value.Number(); raw > 1e6 {
		return nil
	}
	return field.Opt(field.Kilometers(value, unit))
}

func consumption(moment field.Object) *vehiclev1.Consumption {
	return &vehiclev1.Consumption{
		PowerAirConditioning: field.Opt(moment.At("ClimateAirConditioning").Number()),
		PowerBatteryCooling:  field.Opt(moment.At("BatteryCooling").Number()),
		PowerBatteryHeater:   field.Opt(moment.At("BatteryHeater").Number()),
	}
}

func schedule(r field.Object) *vehiclev1.Schedule {
	s := &vehiclev1.Schedule{}
	one, two, peak := r.At("Departure.Schedule1"), r.At("Departure.Schedule2"), r.At("OffPeakTime")
	s.Departure1Enabled, s.Departure1Days, s.Departure1Time = departure(one)
	s.Departure2Enabled, s.Departure2Days, s.Departure2Time = departure(two)
	first, second := r.At("Departure.Climate"), two.At("Climate")
	s.Departure1ClimateEnabled = field.Opt(first.At("Activation").Bool())
	s.Departure1ClimateTemperature = field.Opt(field.Celsius(first.At("Temperature"), first.At("TemperatureUnit")))
	s.Departure1ClimateDefrost = field.Opt(first.At("Defrost").Bool())
	s.Departure2ClimateEnabled = field.Opt(two.First("Climate.Activation", "Activation").Bool())
	s.Departure2ClimateTemperature = field.Opt(field.Celsius(second.At("Temperature"), second.At("TemperatureUnit")))
	s.Departure2ClimateDefrost = field.Opt(second.At("Defrost").Bool())
	// 1 is sent by cars without a plug, and means nothing.
	switch mode, ok := peak.At("Mode").OneOf(0, 1, 2, 3); {
	case !ok:
	case mode == 0:
		s.ChargingEnabled = field.Opt(false, true)
	case mode == 2:
		s.ChargingEnabled, s.OffPeakOnly = field.Opt(true, true), field.Opt(false, true)
	case mode == 3:
		s.ChargingEnabled, s.OffPeakOnly = field.Opt(true, true), field.Opt(true, true)
	}
	s.OffPeakStart = field.Opt(field.TimeOfDay(peak.At("StartHour"), peak.At("StartMin")))
	s.OffPeakEnd = field.Opt(field.TimeOfDay(peak.At("EndHour"), peak.At("EndMin")))
	return s
}

// departure reads a plan. Days of which one is not understood are unset, lest a
// day be left out.
func departure(s field.Object) (enabled *bool, days *vehiclev1.Weekdays, clock *int32) {
	chosen, all := &vehiclev1.Weekdays{}, true
	for i, name := range []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"} {
		flag := s.At(name)
		on, ok := flag.Bool()
		all = all && (ok || !flag.Exists())
		if on {
			chosen.Days = append(chosen.Days, vehiclev1.Weekday(i+1))
		}
	}
	if all && len(chosen.GetDays()) > 0 {
		days = chosen
	}
	return field.Opt(s.At("Enable").Bool()), days, field.Opt(field.TimeOfDay(s.At("Hour"), s.At("Min")))
}
