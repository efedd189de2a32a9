package rules

// class is a device class.
type class struct {
	// units that fit; nil: there is none.
	units []string
	// states are the state classes that fit; nil: there is none.
	states []string
}

// State classes.
const (
	measurement     = "measurement"
	total           = "total"
	totalIncreasing = "total_increasing"
)

// sensorClasses are those of sensors and numbers that 2024.11 knows and that are of use
// for cars.
func sensorClasses() map[string]class {
	now, any3 := []string{measurement}, []string{measurement, total, totalIncreasing}
	energy := []string{"kWh", "Wh", "MWh", "GWh", "J", "kJ", "MJ", "GJ", "cal", "kcal", "Mcal", "Gcal"}
	return map[string]class{
		"battery":        {[]string{"%"}, now},
		"current":        {[]string{"A", "mA"}, now},
		"data_size":      {[]string{"B", "kB", "MB", "GB", "KiB", "MiB", "GiB"}, any3},
		"distance":       {[]string{"km", "mi", "m", "cm", "mm", "yd", "ft", "in", "nmi"}, any3},
		"duration":       {[]string{"min", "h", "s", "d", "ms"}, any3},
		"energy":         {energy, any3[1:]},
		"energy_storage": {energy, now},
		"enum":           {},
		"power":          {[]string{"kW", "W", "MW", "GW", "TW"}, now},
		"pressure":       {[]string{"kPa", "bar", "psi", "Pa", "hPa", "mbar", "mmHg", "inHg", "cbar"}, now},
		"speed":          {[]string{"km/h", "mph", "m/s", "kn", "ft/s", "mm/s"}, now},
		"temperature":    {[]string{"°C", "°F", "K"}, now},
		"timestamp":      {},
		"voltage":        {[]string{"V", "mV"}, now},
	}
}

// truthClasses are those of binary sensors.
func truthClasses() map[string]class {
	return plainClasses("battery", "battery_charging", "carbon_monoxide", "cold", "connectivity", "door", "garage_door", "gas", "heat", "light", "lock",
		"moisture", "motion", "moving", "occupancy", "opening", "plug", "power", "presence", "problem", "running", "safety", "smoke", "sound",
		"tamper", "update", "vibration", "window")
}

func plainClasses(names ...string) map[string]class {
	classes := map[string]class{}
	for _, name := range names {
		classes[name] = class{}
	}
	return classes
}
