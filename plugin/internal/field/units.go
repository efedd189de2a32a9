package field

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Factors of the canonical units.
const (
	KilometersPerMile = 1.609344
	KilopascalsPerPSI = 6.894757293168
	KilopascalsPerBar = 100.0
	KilojoulesPerKWh  = 3600.0
)

// Percent is a number from 0 to 100; 255 stands for "no reading".
func (o Object) Percent() (float64, bool) {
	f, ok := o.number()
	if ok && f == 255 {
		return 0, false
	}
	return f, o.Understood(ok && f >= 0 && f <= 100)
}

// ChargeLimit is a percentage at which charging stops. No car lets itself be set to
// 0, which stands for "no reading".
func (o Object) ChargeLimit() (float64, bool) {
	f, ok := o.Percent()
	return f, ok && f > 0
}

// Odometer is a distance driven in the unit of its code; 0 stands for "no reading".
// What no car drives is not understood.
func Odometer(value, unit Object) (float64, bool) {
	const most = 2e6 // km
	km, ok := Kilometers(value, unit)
	return km, ok && km > 0 && value.Understood(km <= most)
}

// SetTemperature takes the temperature out that a car shows while its climate is
// off: not what is set, but the lowest step that it has.
func SetTemperature(celsius float64, ok bool, on *bool) *float64 {
	const lowest = 17 // of some models; others go down to 14 or 15
	if on != nil && !*on && celsius <= lowest {
		return nil
	}
	return Opt(celsius, ok)
}

// DistanceUnit reads the vendors' code: 1 is km, 2 and 3 are miles, 0 is none.
func (o Object) DistanceUnit() vehiclev1.DistanceUnit {
	switch code, _ := o.OneOf(0, 1, 2, 3); code {
	case 1:
		return vehiclev1.DistanceUnit_DISTANCE_UNIT_KILOMETERS
	case 2, 3:
		return vehiclev1.DistanceUnit_DISTANCE_UNIT_MILES
	}
	return vehiclev1.DistanceUnit_DISTANCE_UNIT_UNSPECIFIED
}

// Kilometers converts a distance by its unit code. Without a code, or with code
// 0, it is in km already, but 0 with code 0 is no reading; with a code that nobody
// knows it is unset.
func Kilometers(value, unit Object) (float64, bool) {
	f, ok := value.number()
	if !value.Understood(ok && f >= 0) {
		return 0, false
	}
	code, known := unit.OneOf(0, 1, 2, 3)
	if unit.Exists() && !known || known && code == 0 && f == 0 {
		return 0, false
	}
	if unit.DistanceUnit() == vehiclev1.DistanceUnit_DISTANCE_UNIT_MILES {
		f *= KilometersPerMile
	}
	return f, true
}

// TemperatureUnit reads the vendors' code: 0 is °C, 1 is °F.
func (o Object) TemperatureUnit() vehiclev1.TemperatureUnit {
	code, ok := o.OneOf(0, 1)
	switch {
	case ok && code == 0:
		return vehiclev1.TemperatureUnit_TEMPERATURE_UNIT_CELSIUS
	case ok && code == 1:
		return vehiclev1.TemperatureUnit_TEMPERATURE_UNIT_FAHRENHEIT
	}
	return vehiclev1.TemperatureUnit_TEMPERATURE_UNIT_UNSPECIFIED
}

// Celsius converts a temperature by its unit code; without a code it is in °C
// already. The word OFF stands for "nothing set".
func Celsius(value, unit Object) (float64, bool) {
	f, ok := value.number()
	if value.off() || !value.Understood(ok) {
		return 0, false
	}
	return toCelsius(f, unit)
}

// HexCelsius decodes the CCS1 temperature code: hexadecimal digits and an H, an
// index into a table in °C that starts at base and rises by half a degree. The
// unit only says in what the car shows it; OFF stands for "nothing set".
func HexCelsius(value, unit Object, base float64, entries int) (float64, bool) {
	if value.off() {
		return 0, false
	}
	text, _ := value.v.(string)
	digits, isCode := strings.CutSuffix(strings.ToUpper(strings.TrimSpace(text)), "H")
	index, err := strconv.ParseUint(digits, 16, 16)
	if !value.Understood(isCode && err == nil && int(index) < entries) {
		return 0, false
	}
	return base + 0.5*float64(index), !unit.Exists() || unit.TemperatureUnit() != 0
}

// off is the word in place of a temperature when nothing is set.
func (o Object) off() bool {
	text, _ := o.v.(string)
	return strings.EqualFold(strings.TrimSpace(text), "off")
}

func toCelsius(f float64, unit Object) (float64, bool) {
	switch unit.TemperatureUnit() {
	case vehiclev1.TemperatureUnit_TEMPERATURE_UNIT_FAHRENHEIT:
		return (f - 32) / 1.8, true
	case vehiclev1.TemperatureUnit_TEMPERATURE_UNIT_CELSIUS:
		return f, true
	}
	return f, !unit.Exists()
}

// PressureUnit reads the CCS2 code: 0 psi, 1 kPa, 2 bar. 3 is sent by cars that
// watch their tires without measuring a pressure.
func (o Object) PressureUnit() vehiclev1.PressureUnit {
	code, ok := o.OneOf(0, 1, 2, 3)
	switch {
	case ok && code == 0:
		return vehiclev1.PressureUnit_PRESSURE_UNIT_PSI
	case ok && code == 1:
		return vehiclev1.PressureUnit_PRESSURE_UNIT_KPA
	case ok && code == 2:
		return vehiclev1.PressureUnit_PRESSURE_UNIT_BAR
	}
	return vehiclev1.PressureUnit_PRESSURE_UNIT_UNSPECIFIED
}

// Kilopascals scales a raw CCS2 tire pressure. 255 is no reading, 0 is one.
func Kilopascals(raw, unit Object) (float64, bool) {
	f, ok := raw.number()
	if ok && f == 255 || !raw.Understood(ok && f >= 0) {
		return 0, false
	}
	switch unit.PressureUnit() {
	case vehiclev1.PressureUnit_PRESSURE_UNIT_PSI:
		return f * KilopascalsPerPSI, true
	case vehiclev1.PressureUnit_PRESSURE_UNIT_KPA:
		return f * 5, true
	case vehiclev1.PressureUnit_PRESSURE_UNIT_BAR:
		return f * KilopascalsPerBar / 10, true
	}
	return 0, false
}

// KilowattHours reads an energy that comes in kJ or, if not, in kWh.
func (o Object) KilowattHours(kilojoules bool) (float64, bool) {
	f, ok := o.number()
	if !o.Understood(ok && f >= 0) {
		return 0, false
	}
	if kilojoules {
		f /= KilojoulesPerKWh
	}
	return f, true
}

// Minutes is a duration; 65535 stands for "not available".
func (o Object) Minutes() (float64, bool) {
	f, ok := o.number()
	if ok && f == 65535 {
		return 0, false
	}
	return f, o.Understood(ok && f >= 0 && f < 65535)
}

// SeatClimate reads the seat code.
func (o Object) SeatClimate() *vehiclev1.SeatClimate {
	code, ok := o.OneOf(0, 1, 2, 3, 4, 5, 6, 7, 8)
	if !ok {
		return nil
	}
	switch code {
	case 0, 2:
		return vehiclev1.SeatClimate_SEAT_CLIMATE_OFF.Enum()
	case 1:
		return vehiclev1.SeatClimate_SEAT_CLIMATE_ON.Enum()
	case 3:
		return vehiclev1.SeatClimate_SEAT_CLIMATE_LOW_COOL.Enum()
	case 4:
		return vehiclev1.SeatClimate_SEAT_CLIMATE_MEDIUM_COOL.Enum()
	case 5:
		return vehiclev1.SeatClimate_SEAT_CLIMATE_HIGH_COOL.Enum()
	case 6:
		return vehiclev1.SeatClimate_SEAT_CLIMATE_LOW_HEAT.Enum()
	case 7:
		return vehiclev1.SeatClimate_SEAT_CLIMATE_MEDIUM_HEAT.Enum()
	case 8:
		return vehiclev1.SeatClimate_SEAT_CLIMATE_HIGH_HEAT.Enum()
	}
	return nil
}

// Heater reads the three-valued heater code: 0 and 2 are off, 1 is on.
func (o Object) Heater() (on, ok bool) {
	code, ok := o.OneOf(0, 1, 2)
	return code == 1, ok
}

// Position is a pair of coordinates. A missing one and 0/0 are no fix.
func Position(latitude, longitude Object) (lat, lon float64, ok bool) {
	lat, ok1 := latitude.NumberIn(-90, 90)
	lon, ok2 := longitude.NumberIn(-180, 180)
	if !ok1 || !ok2 || lat == 0 {
		return 0, 0, false
	}
	return lat, lon, true
}

// DropEmpty unsets groups of d in which nothing is set.
func DropEmpty(d *vehiclev1.VehicleData) {
	m := d.ProtoReflect()
	var empty []protoreflect.FieldDescriptor
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() != nil && !f.IsList() && isEmpty(v.Message()) {
			empty = append(empty, f)
		}
		return true
	})
	for _, f := range empty {
		m.Clear(f)
	}
}

func isEmpty(m protoreflect.Message) bool {
	empty := true
	m.Range(func(protoreflect.FieldDescriptor, protoreflect.Value) bool {
		empty = false
		return false
	})
	return empty
}

// Window reads a window's code: 0 closed, 1 open, 2 vented. A truth value does not tell
// how far it is open.
func (o Object) Window() (open, vented *bool) {
	is, ok := o.Bool()
	code, isNumber := o.number()
	return Opt(is, ok), Opt(true, isNumber && code == 2)
}
