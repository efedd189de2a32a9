package ccs2

import (
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func doors(v field.Object, side front) *vehiclev1.Doors {
	row1, row2 := v.At("Cabin.Door.Row1"), v.At("Cabin.Door.Row2")
	d := &vehiclev1.Doors{
		FrontLeftOpen:    field.Opt(row1.At(side.left + ".Open").Bool()),
		FrontRightOpen:   field.Opt(row1.At(side.right + ".Open").Bool()),
		RearLeftOpen:     field.Opt(row2.At("Left.Open").Bool()),
		RearRightOpen:    field.Opt(row2.At("Right.Open").Bool()),
		TrunkOpen:        field.Opt(v.At("Body.Trunk.Open").Bool()),
		HoodOpen:         field.Opt(v.At("Body.Hood.Open").Bool()),
		FrontLeftLocked:  locked(row1.At(side.left + ".Lock")),
		FrontRightLocked: locked(row1.At(side.right + ".Lock")),
		RearLeftLocked:   locked(row2.At("Left.Lock")),
		RearRightLocked:  locked(row2.At("Right.Lock")),
	}
	d.Locked = allLocked(d.FrontLeftLocked, d.FrontRightLocked, d.RearLeftLocked, d.RearRightLocked)
	return d
}

// locked inverts the field: Lock is true when the door is unlocked.
func locked(lock field.Object) *bool {
	unlocked, ok := lock.Bool()
	return field.Opt(!unlocked, ok)
}

// allLocked is false if any door is unlocked, and unknown if one is unknown and
// none is unlocked.
func allLocked(doors ...*bool) *bool {
	known := true
	for _, door := range doors {
		if door == nil {
			known = false
		} else if !*door {
			return door
		}
	}
	return field.Opt(true, known)
}

func windows(v field.Object, side front) *vehiclev1.Windows {
	row1, row2 := v.At("Cabin.Window.Row1"), v.At("Cabin.Window.Row2")
	return &vehiclev1.Windows{
		FrontLeftOpen:    windowOpen(row1.At(side.left)),
		FrontRightOpen:   windowOpen(row1.At(side.right)),
		RearLeftOpen:     windowOpen(row2.At("Left")),
		RearRightOpen:    windowOpen(row2.At("Right")),
		SunroofOpen:      field.Opt(v.At("Body.Sunroof.Glass.Open").Bool()),
		FrontLeftVented:  windowVented(row1.At(side.left)),
		FrontRightVented: windowVented(row1.At(side.right)),
		RearLeftVented:   windowVented(row2.At("Left")),
		RearRightVented:  windowVented(row2.At("Right")),
	}
}

// windowVented is known of a car that tells both: a vented window counts as closed, at
// a level above that.
func windowVented(w field.Object) *bool {
	open, ok := w.At("Open").Bool()
	level, hasLevel := w.At("OpenLevel").Number()
	return field.Opt(true, ok && !open && hasLevel && level > 0)
}

// windowOpen is also true for a vented window, which only OpenLevel shows. If one
// of the two is not understood, the other cannot say that the window is closed.
func windowOpen(w field.Object) *bool {
	flag, opening := w.At("Open"), w.At("OpenLevel")
	open, ok := flag.Bool()
	level, hasLevel := opening.Number()
	if open || level > 0 {
		return field.Opt(true, true)
	}
	return field.Opt(false, (ok || !flag.Exists()) && (hasLevel || !opening.Exists()) && (ok || hasLevel))
}

func climate(v field.Object) *vehiclev1.Climate {
	driver, outside := v.At("Cabin.HVAC.Row1.Driver"), v.At("Cabin.HVAC.OutsideTemperature")
	on := field.Opt(driver.At("Blower.SpeedLevel").Bool())
	set, ok := field.Celsius(driver.At("Temperature.Value"), driver.At("Temperature.Unit"))
	return &vehiclev1.Climate{
		On:                  on,
		SetTemperature:      field.SetTemperature(set, ok, on),
		OutsideTemperature:  field.Opt(field.Celsius(outside.At("Value"), outside.At("Unit"))),
		DefrostOn:           field.Opt(v.At("Body.Windshield.Front.Defog.State").Heater()),
		SteeringWheelHeatOn: field.Opt(v.At("Cabin.SteeringWheel.Heat.State").Heater()),
		RearWindowHeatOn:    field.Opt(v.At("Body.Windshield.Rear.Defog.State").Heater()),
	}
}

func seats(s field.Object, side front) *vehiclev1.Seats {
	return &vehiclev1.Seats{
		FrontLeft:  s.At("Row1." + side.left + ".Climate.State").SeatClimate(),
		FrontRight: s.At("Row1." + side.right + ".Climate.State").SeatClimate(),
		RearLeft:   s.At("Row2.Left.Climate.State").SeatClimate(),
		RearRight:  s.At("Row2.Right.Climate.State").SeatClimate(),
	}
}

func tires(axle field.Object) *vehiclev1.Tires {
	unit := axle.At("Tire.PressureUnit")
	pressure := func(place string) *float64 {
		return field.Opt(field.Kilopascals(axle.At(place+".Tire.Pressure"), unit))
	}
	warning := func(place string) *bool { return field.Opt(axle.At(place + "Tire.PressureLow").Bool()) }
	return &vehiclev1.Tires{
		FrontLeftPressure: pressure("Row1.Left"), FrontRightPressure: pressure("Row1.Right"),
		RearLeftPressure: pressure("Row2.Left"), RearRightPressure: pressure("Row2.Right"),
		AnyWarning:       warning(""),
		FrontLeftWarning: warning("Row1.Left."), FrontRightWarning: warning("Row1.Right."),
		RearLeftWarning: warning("Row2.Left."), RearRightWarning: warning("Row2.Right."),
	}
}

func lamps(l field.Object) *vehiclev1.Lamps {
	fault := func(path string) *bool { return field.Opt(l.At(path).Bool()) }
	return &vehiclev1.Lamps{
		HeadlampSystemFault: fault("Front.HeadLamp.SystemWarning"),
		LowBeamLeftFault:    fault("Front.Left.Low.Warning"),
		LowBeamRightFault:   fault("Front.Right.Low.Warning"),
		HighBeamLeftFault:   fault("Front.Left.High.Warning"),
		HighBeamRightFault:  fault("Front.Right.High.Warning"),
		StopLeftFault:       fault("Rear.Left.StopLamp.Warning"),
		StopRightFault:      fault("Rear.Right.StopLamp.Warning"),
		TurnFrontLeftFault:  fault("Front.Left.TurnSignal.Warning"),
		TurnFrontRightFault: fault("Front.Right.TurnSignal.Warning"),
		TurnRearLeftFault:   fault("Rear.Left.TurnSignal.Warning"),
		TurnRearRightFault:  fault("Rear.Right.TurnSignal.Warning"),
	}
}
