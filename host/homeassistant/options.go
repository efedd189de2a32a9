package homeassistant

import (
	"cmp"
	"fmt"
	"regexp"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
)

// Units says in which units values are shown. Home Assistant converts those of a device
// class by itself, to what its user has chosen for an entity.
type Units string

// The units.
const (
	// UnitsMetric are the canonical ones: km, °C, kPa.
	UnitsMetric Units = "metric"
	// UnitsImperial are mi, °F and psi.
	UnitsImperial Units = "imperial"
	// UnitsOfCar are those that the car itself shows, as far as it says; else metric.
	UnitsOfCar Units = "car"
)

// Options of New. Zero values take the defaults.
type Options struct {
	// BaseTopic is the bridge's. Default hyundai.
	BaseTopic string
	// Prefix of the topics of discovery, as it is set in Home Assistant. Default
	// homeassistant.
	Prefix string
	// BirthTopic is where Home Assistant says that it has started, with the payload
	// BirthPayload. Default PREFIX/status and online.
	BirthTopic, BirthPayload string
	// Units of the values. Default UnitsMetric.
	Units Units
	// Version of the hub. Default [host.Version].
	Version string
}

// prefixForm is what a prefix may look like: levels without wildcards.
var prefixForm = regexp.MustCompile(`^[^/+#$\x00][^+#\x00]*[^/+#\x00]$|^[^/+#$\x00]$`)

// check completes the options.
func (o *Options) check() error {
	o.Version = cmp.Or(o.Version, host.Version())
	o.BaseTopic, o.Prefix = cmp.Or(o.BaseTopic, "hyundai"), cmp.Or(o.Prefix, "homeassistant")
	if !prefixForm.MatchString(o.Prefix) {
		return fmt.Errorf("home assistant: %q is no prefix of topics: use the discovery prefix of its MQTT integration, such as homeassistant", o.Prefix)
	}
	o.BirthTopic, o.BirthPayload = cmp.Or(o.BirthTopic, o.Prefix+"/status"), cmp.Or(o.BirthPayload, "online")
	if !prefixForm.MatchString(o.BirthTopic) {
		return fmt.Errorf("home assistant: %q is no topic: use that of the birth message of its MQTT integration, such as homeassistant/status", o.BirthTopic)
	}
	switch o.Units = cmp.Or(o.Units, UnitsMetric); o.Units {
	case UnitsMetric, UnitsImperial, UnitsOfCar:
		return nil
	}
	return fmt.Errorf("home assistant: there are no units %q: use metric, imperial or car", o.Units)
}
