package ccs1

import (
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Known is what has to be known besides the document.
type Known struct {
	// EngineType from the vehicle list; it decides what the ranges mean. Unspecified:
	// what the document shows.
	EngineType vehiclev1.EngineType
	// Clock of the zone-less times.
	Clock field.Clock
	// Now is the time of the poll; zero if unknown.
	Now time.Time
	// TemperatureBase is the first entry of the region's temperature table in
	// °C, TemperatureEntries its length. Zero: Europe's.
	TemperatureBase    float64
	TemperatureEntries int
}

// Parse reads the object vehicleStatusInfo. What cannot be read is unset.
func Parse(info field.Object, known Known) *vehiclev1.VehicleData {
	if known.TemperatureEntries == 0 {
		// 14.0 to 30.0 °C.
		known.TemperatureBase, known.TemperatureEntries = 14, 33
	}
	s := info.At("vehicleStatus")
	ev, location := s.At("evStatus"), Location(info.At("vehicleLocation"), known.Clock)
	engine := powerTrain(s, known.EngineType)
	d := &vehiclev1.VehicleData{
		Vehicle:      field.Shown(engine, known.EngineType),
		Battery:      battery(ev),
		Charging:     charging(ev),
		Range:        ranges(s, engine),
		Schedule:     schedule(ev.At("reservChargeInfos"), known),
		AuxBattery:   auxBattery(s),
		Drive:        drive(s, info.At("odometer")),
		Doors:        doors(s),
		Windows:      windows(s),
		Climate:      climate(s, known),
		Seats:        seats(s.At("seatHeaterVentState")),
		Location:     location,
		Tires:        tires(s.At("tirePressureLamp")),
		Lamps:        lamps(s.At("lampWireStatus")),
		Fluids:       fluids(s),
		Fuel:         &vehiclev1.Fuel{Level: field.Opt(s.At("fuelLevel").Percent()), Low: field.Opt(s.At("lowFuelLight").Bool())},
		Extra:        extra(s),
		DisplayUnits: displayUnits(s, info.At("odometer.unit")),
		Refresh:      &vehiclev1.Refresh{ObservedAt: observedAt(s, location, known)},
	}
	field.DropEmpty(d)
	return d
}

// observedAt is the newest time of the document: the cloud repeats an old status time
// beside new data, and beside a new position (docs/protocol-europe.md, section "Times").
func observedAt(s field.Object, l *vehiclev1.Location, known Known) *int64 {
	status, _ := known.Clock.Read(s.At("time"))
	return field.UnixMillis(field.Newest(known.Now, status, field.FixTime(l)))
}

// Location reads a position block, as in the status and in the answers of the
// location requests. Without both coordinates there is none.
func Location(l field.Object, clock field.Clock) *vehiclev1.Location {
	lat, lon, ok := field.Position(l.At("coord.lat"), l.At("coord.lon"))
	if !ok {
		return nil
	}
	return &vehiclev1.Location{
		Latitude: &lat, Longitude: &lon,
		Altitude:   field.Opt(l.At("coord.alt").Number()),
		Heading:    field.Opt(l.At("head").NumberIn(0, 360)),
		Speed:      field.Opt(field.Kilometers(l.At("speed.value"), l.At("speed.unit"))),
		ObservedAt: field.UnixMillis(clock.Read(l.At("time"))),
	}
}

func auxBattery(s field.Object) *vehiclev1.AuxBattery {
	return &vehiclev1.AuxBattery{
		Soc:           field.Opt(s.At("battery.batSoc").Percent()),
		KeyBatteryLow: field.Opt(s.At("smartKeyBatteryWarning").Bool()),
	}
}

func drive(s, odometer field.Object) *vehiclev1.Drive {
	return &vehiclev1.Drive{
		Odometer:         field.Opt(field.Odometer(odometer.At("value"), odometer.At("unit"))),
		Running:          field.Opt(s.At("engine").Bool()),
		AccessoryOn:      field.Opt(s.At("acc").Bool()),
		Ignition3On:      field.Opt(s.At("ign3").Bool()),
		RemoteStartOn:    field.Opt(s.At("remoteIgnition").Bool()),
		TransmissionFlag: field.Opt(s.At("transCond").Bool()),
		TelematicsAsleep: field.Opt(s.At("sleepModeCheck").Bool()),
	}
}

func doors(s field.Object) *vehiclev1.Doors {
	return &vehiclev1.Doors{
		Locked:         field.Opt(s.At("doorLock").Bool()), // not inverted
		FrontLeftOpen:  field.Opt(s.At("doorOpen.frontLeft").Bool()),
		FrontRightOpen: field.Opt(s.At("doorOpen.frontRight").Bool()),
		RearLeftOpen:   field.Opt(s.At("doorOpen.backLeft").Bool()),
		RearRightOpen:  field.Opt(s.At("doorOpen.backRight").Bool()),
		TrunkOpen:      field.Opt(s.At("trunkOpen").Bool()),
		HoodOpen:       field.Opt(s.At("hoodOpen").Bool()),
	}
}

func windows(s field.Object) *vehiclev1.Windows {
	w := &vehiclev1.Windows{SunroofOpen: field.Opt(s.At("sunroofOpen").Bool())}
	w.FrontLeftOpen, w.FrontLeftVented = s.At("windowOpen.frontLeft").Window()
	w.FrontRightOpen, w.FrontRightVented = s.At("windowOpen.frontRight").Window()
	w.RearLeftOpen, w.RearLeftVented = s.At("windowOpen.backLeft").Window()
	w.RearRightOpen, w.RearRightVented = s.At("windowOpen.backRight").Window()
	return w
}

func climate(s field.Object, known Known) *vehiclev1.Climate {
	on := field.Opt(s.At("airCtrlOn").Bool())
	set, ok := celsius(s.At("airTemp"), known)
	return &vehiclev1.Climate{
		On:                  on,
		SetTemperature:      field.SetTemperature(set, ok, on),
		DefrostOn:           field.Opt(s.At("defrost").Bool()),
		SteeringWheelHeatOn: field.Opt(s.At("steerWheelHeat").Heater()),
		RearWindowHeatOn:    field.Opt(s.At("sideBackWindowHeat").Bool()),
		MirrorHeatOn:        field.Opt(s.At("sideMirrorHeat").Bool()),
	}
}

func celsius(t field.Object, known Known) (float64, bool) {
	return field.HexCelsius(t.At("value"), t.At("unit"), known.TemperatureBase, known.TemperatureEntries)
}

func seats(s field.Object) *vehiclev1.Seats {
	return &vehiclev1.Seats{
		FrontLeft:  s.At("flSeatHeatState").SeatClimate(),
		FrontRight: s.At("frSeatHeatState").SeatClimate(),
		RearLeft:   s.At("rlSeatHeatState").SeatClimate(),
		RearRight:  s.At("rrSeatHeatState").SeatClimate(),
	}
}

func tires(t field.Object) *vehiclev1.Tires {
	return &vehiclev1.Tires{
		AnyWarning:        field.Opt(t.First("tirePressureLampAll", "tirePressureWarningLampAll").Bool()),
		FrontLeftWarning:  field.Opt(t.At("tirePressureLampFL").Bool()),
		FrontRightWarning: field.Opt(t.At("tirePressureLampFR").Bool()),
		RearLeftWarning:   field.Opt(t.At("tirePressureLampRL").Bool()),
		RearRightWarning:  field.Opt(t.At("tirePressureLampRR").Bool()),
	}
}

func lamps(l field.Object) *vehiclev1.Lamps {
	fault := func(path string) *bool { return field.Opt(l.At(path).Bool()) }
	return &vehiclev1.Lamps{
		HeadlampSystemFault:    fault("headLamp.headLampStatus"),
		LowBeamLeftFault:       fault("headLamp.leftLowLamp"),
		LowBeamRightFault:      fault("headLamp.rightLowLamp"),
		HighBeamLeftFault:      fault("headLamp.leftHighLamp"),
		HighBeamRightFault:     fault("headLamp.rightHighLamp"),
		BifunctionalLeftFault:  fault("headLamp.leftBifuncLamp"),
		BifunctionalRightFault: fault("headLamp.rightBifuncLamp"),
		StopLeftFault:          fault("stopLamp.leftLamp"),
		StopRightFault:         fault("stopLamp.rightLamp"),
		TurnFrontLeftFault:     fault("turnSignalLamp.leftFrontLamp"),
		TurnFrontRightFault:    fault("turnSignalLamp.rightFrontLamp"),
		TurnRearLeftFault:      fault("turnSignalLamp.leftRearLamp"),
		TurnRearRightFault:     fault("turnSignalLamp.rightRearLamp"),
	}
}

func fluids(s field.Object) *vehiclev1.Fluids {
	return &vehiclev1.Fluids{
		WasherLow:    field.Opt(s.At("washerFluidStatus").Bool()),
		BrakeWarning: field.Opt(s.At("breakOilStatus").Bool()), // sic
	}
}

func displayUnits(s, odometerUnit field.Object) *vehiclev1.DisplayUnits {
	units := &vehiclev1.DisplayUnits{}
	u := s.At("evStatus.drvDistance.0.rangeByFuel.totalAvailableRange.unit").DistanceUnit()
	if u == 0 {
		u = odometerUnit.DistanceUnit()
	}
	if u != 0 {
		units.Distance = &u
	}
	if t := s.At("airTemp.unit").TemperatureUnit(); t != 0 {
		units.Temperature = &t
	}
	return units
}
