package ccs2

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
	// UpdatedAt is the envelope's lastUpdateTime, the car's time if present.
	UpdatedAt time.Time
	// Now is the time of the poll; zero if unknown.
	Now time.Time
	// RightHandDrive: the driver sits on the right.
	RightHandDrive bool
}

// Parse reads the object state.Vehicle. What cannot be read is unset.
func Parse(v field.Object, known Known) *vehiclev1.VehicleData {
	fix := location(v.At("Location"), known.Clock)
	engine := powerTrain(v, known.EngineType)
	d := &vehiclev1.VehicleData{
		Vehicle:      field.Shown(engine, known.EngineType),
		Battery:      battery(v.At("Green.BatteryManagement")),
		Charging:     charging(v.At("Green")),
		Range:        ranges(v, engine),
		Schedule:     schedule(v.At("Green.Reservation")),
		Consumption:  consumption(v.At("Green.PowerConsumption.Moment")),
		AuxBattery:   auxBattery(v.At("Electronics")),
		Drive:        drive(v),
		Doors:        doors(v, sideOf(known)),
		Windows:      windows(v, sideOf(known)),
		Climate:      climate(v),
		Seats:        seats(v.At("Cabin.Seat"), sideOf(known)),
		Location:     fix,
		Tires:        tires(v.At("Chassis.Axle")),
		Lamps:        lamps(v.At("Body.Lights")),
		Fluids:       fluids(v),
		Fuel:         fuel(v.At("Drivetrain.FuelSystem")),
		Extra:        extra(v),
		DisplayUnits: displayUnits(v),
		Refresh:      &vehiclev1.Refresh{ObservedAt: observedAt(v, fix, known), CloudAt: field.UnixMillis(known.UpdatedAt, !known.UpdatedAt.IsZero())},
	}
	field.DropEmpty(d)
	return d
}

// observedAt is the newest time of the document. The status' own Date is UTC; on some
// cars it is local, which shows when it lies ahead of now. What lies whole hours from a
// surer time is of another zone.
func observedAt(v field.Object, l *vehiclev1.Location, known Known) *int64 {
	date, ok := v.At("Date").Stamp(time.UTC)
	if ok && !known.Now.IsZero() && date.After(known.Now.Add(field.ClockSkew)) {
		date, _ = known.Clock.Read(v.At("Date"))
	}
	if field.WholeHours(date, known.UpdatedAt) {
		date = time.Time{}
	}
	fix := field.FixTime(l)
	if field.WholeHours(fix, known.UpdatedAt) || field.WholeHours(fix, date) {
		fix = time.Time{}
	}
	return field.UnixMillis(field.Newest(known.Now, known.UpdatedAt, date, fix))
}

// front names the rows' members of the two front places, left first.
type front struct{ left, right string }

func sideOf(known Known) front {
	if known.RightHandDrive {
		return front{left: "Passenger", right: "Driver"}
	}
	return front{left: "Driver", right: "Passenger"}
}

func auxBattery(e field.Object) *vehiclev1.AuxBattery {
	soc, ok := e.At("Battery.Level").Percent()
	// 1: the sensor itself says that the level cannot be trusted.
	if unreliable, _ := e.At("Battery.SensorReliability").Code(); unreliable == 1 {
		ok = false
	}
	return &vehiclev1.AuxBattery{
		Soc:           field.Opt(soc, ok),
		Fault:         field.Opt(e.At("Battery.Auxiliary.FailWarning").Bool()),
		KeyBatteryLow: field.Opt(e.At("FOB.LowBattery").Bool()),
	}
}

func drive(v field.Object) *vehiclev1.Drive {
	return &vehiclev1.Drive{
		Odometer:         field.Opt(field.Odometer(v.At("Drivetrain.Odometer"), field.Object{})), // always km
		Running:          field.Opt(v.First("DrivingReady", "Drivetrain.DrivingReady", "Green.DrivingReady").Bool()),
		AccessoryOn:      field.Opt(v.At("Electronics.PowerSupply.Accessory").Bool()),
		Ignition3On:      field.Opt(v.At("Electronics.PowerSupply.Ignition3").Bool()),
		TelematicsAsleep: field.Opt(v.First("RemoteControl.SleepMode", "Service.RemoteControl.SleepMode").Bool()),
		Mode:             field.Opt(v.At("Chassis.DrivingMode.State").NonEmptyText()),
	}
}

func fluids(v field.Object) *vehiclev1.Fluids {
	return &vehiclev1.Fluids{
		WasherLow:    field.Opt(v.At("Body.Windshield.Front.WasherFluid.LevelLow").Bool()),
		BrakeWarning: field.Opt(v.At("Chassis.Brake.Fluid.Warning").Bool()),
		OilLow:       field.Opt(v.At("Drivetrain.InternalCombustionEngine.OilLevelWarning").Bool()),
	}
}

func fuel(f field.Object) *vehiclev1.Fuel {
	return &vehiclev1.Fuel{
		Level: field.Opt(f.At("FuelLevel").Percent()),
		Low:   field.Opt(f.At("LowFuelWarning").Bool()),
	}
}

// location needs both coordinates; without a fix there is no time of one.
func location(l field.Object, clock field.Clock) *vehiclev1.Location {
	lat, lon, ok := field.Position(l.At("GeoCoord.Latitude"), l.At("GeoCoord.Longitude"))
	if !ok {
		return nil
	}
	return &vehiclev1.Location{
		Latitude: &lat, Longitude: &lon,
		Altitude:   field.Opt(l.At("GeoCoord.Altitude").Number()),
		Heading:    field.Opt(l.At("Heading").NumberIn(0, 360)),
		Speed:      field.Opt(field.Kilometers(l.At("Speed.Value"), l.At("Speed.Unit"))),
		ObservedAt: field.UnixMillis(fixTime(l, clock)),
	}
}

// fixTime reads the parts of TimeStamp, which are local to the car: by the
// block's own offset if it has one, else in the region's zone. Date is UTC, and
// takes over where there are no parts, or where they turn out to be of another
// zone than the region's.
func fixTime(l field.Object, clock field.Clock) (time.Time, bool) {
	date, dated := l.At("Date").Stamp(time.UTC)
	hours, hasOffset := l.At("Offset").NumberIn(-12, 14)
	if hasOffset {
		clock = field.Clock{Zone: time.FixedZone("", int(hours*3600))}
	}
	local, ok := parts(l.At("TimeStamp"), clock)
	apart := date.Sub(local).Abs()
	if !ok || !hasOffset && dated && apart <= 14*time.Hour && apart%time.Hour == 0 {
		return date, dated
	}
	return local, true
}

// parts reads a time that is given part by part.
func parts(stamp field.Object, clock field.Clock) (time.Time, bool) {
	given := [6]int64{}
	for i, name := range []string{"Year", "Mon", "Day", "Hour", "Min", "Sec"} {
		n, ok := stamp.At(name).Int()
		if !ok {
			return time.Time{}, false
		}
		given[i] = n
	}
	t := time.Date(int(given[0]), time.Month(given[1]), int(given[2]), int(given[3]), int(given[4]), int(given[5]), 0, clock.Location())
	// time.Date carries 13:70 over to 14:10; a car that says so says nothing.
	for i, is := range []int{t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second()} {
		if int64(is) != given[i] {
			return time.Time{}, stamp.Understood(false)
		}
	}
	return t.UTC().Add(clock.Shift), stamp.Understood(given[0] >= 2000 && given[0] <= 2200)
}

func displayUnits(v field.Object) *vehiclev1.DisplayUnits {
	units := &vehiclev1.DisplayUnits{}
	if u := v.At("Drivetrain.FuelSystem.DTE.Unit").DistanceUnit(); u != 0 {
		units.Distance = &u
	}
	if u := v.At("Cabin.HVAC.Row1.Driver.Temperature.Unit").TemperatureUnit(); u != 0 {
		units.Temperature = &u
	}
	if u := v.At("Chassis.Axle.Tire.PressureUnit").PressureUnit(); u != 0 {
		units.Pressure = &u
	}
	return units
}
