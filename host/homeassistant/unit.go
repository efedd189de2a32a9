package homeassistant

import (
	"fmt"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// conversion of a canonical unit.
type conversion struct {
	unit string
	// scale and shift: shown = value * scale + shift.
	scale, shift float64
	// digits behind the decimal point.
	digits uint32
}

// expression converts what a template's expression yields; null stays null.
func (c conversion) expression(value string) string {
	shift := ""
	if c.shift != 0 {
		shift = fmt.Sprintf(" + %g", c.shift)
	}
	return fmt.Sprintf("(%s * %g%s) | round(%d) if %s is not none else none", value, c.scale, shift, c.digits, value)
}

// Conversions to what is not canonical; 1 mi is 1.609344 km, 1 psi 6.894757 kPa.
func imperial() map[string]conversion {
	return map[string]conversion{
		"km":    {unit: "mi", scale: 0.621371192, digits: 1},
		"km/h":  {unit: "mph", scale: 0.621371192, digits: 0},
		"Wh/km": {unit: "Wh/mi", scale: 1.609344, digits: 1},
		"m":     {unit: "ft", scale: 3.2808399, digits: 0},
		"°C":    {unit: "°F", scale: 1.8, shift: 32, digits: 1},
		"kPa":   {unit: "psi", scale: 0.145037738, digits: 1},
	}
}

// conversionOf a unit, if it is shown in another one.
func (o Options) conversionOf(unit string, shown *vehiclev1.DisplayUnits) (conversion, bool) {
	if o.Units == UnitsMetric {
		return conversion{}, false
	}
	c, ok := imperial()[unit]
	if o.Units == UnitsImperial {
		return c, ok
	}
	switch unit {
	case "km", "km/h", "Wh/km", "m":
		return c, shown.GetDistance() == vehiclev1.DistanceUnit_DISTANCE_UNIT_MILES
	case "°C":
		return c, shown.GetTemperature() == vehiclev1.TemperatureUnit_TEMPERATURE_UNIT_FAHRENHEIT
	case "kPa":
		if shown.GetPressure() == vehiclev1.PressureUnit_PRESSURE_UNIT_BAR {
			return conversion{unit: "bar", scale: 0.01, digits: 2}, true
		}
		return c, shown.GetPressure() == vehiclev1.PressureUnit_PRESSURE_UNIT_PSI
	}
	return c, false
}
