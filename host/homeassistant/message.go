package homeassistant

import (
	"cmp"
	"encoding/json"
)

// message is what announces a device; the names are Home Assistant's.
type message struct {
	Device           device               `json:"device"`
	Origin           origin               `json:"origin"`
	Availability     []availability       `json:"availability,omitempty"`
	AvailabilityMode string               `json:"availability_mode,omitempty"`
	Components       map[string]component `json:"components"`
}

// id of the device, for ever.
func (m message) id() string { return m.Device.Identifiers[0] }

func (m message) encode() []byte {
	b, _ := json.Marshal(m) // plain fields
	return b
}

type device struct {
	Identifiers  []string `json:"identifiers"`
	Name         string   `json:"name"`
	Manufacturer string   `json:"manufacturer,omitempty"`
	Model        string   `json:"model,omitempty"`
	ModelID      string   `json:"model_id,omitempty"`
	SWVersion    string   `json:"sw_version,omitempty"`
	ViaDevice    string   `json:"via_device,omitempty"`
}

type origin struct {
	Name       string `json:"name"`
	SWVersion  string `json:"sw_version,omitempty"`
	SupportURL string `json:"support_url"`
}

type availability struct {
	Topic         string `json:"topic"`
	ValueTemplate string `json:"value_template,omitempty"`
}

// component is one entity; with nothing but its platform it removes the entity.
type component struct {
	Platform        string `json:"platform"`
	UniqueID        string `json:"unique_id,omitempty"`
	DefaultEntityID string `json:"default_entity_id,omitempty"`
	Name            string `json:"name,omitempty"`

	StateTopic        string `json:"state_topic,omitempty"`
	ValueTemplate     string `json:"value_template,omitempty"`
	DeviceClass       string `json:"device_class,omitempty"`
	StateClass        string `json:"state_class,omitempty"`
	UnitOfMeasurement string `json:"unit_of_measurement,omitempty"`
	// Precision is set for all numbers.
	Precision *uint32  `json:"suggested_display_precision,omitempty"`
	Options   []string `json:"options,omitempty"`

	PayloadOn       string   `json:"payload_on,omitempty"`
	PayloadOff      string   `json:"payload_off,omitempty"`
	StateOn         string   `json:"state_on,omitempty"`
	StateOff        string   `json:"state_off,omitempty"`
	CommandTopic    string   `json:"command_topic,omitempty"`
	CommandTemplate string   `json:"command_template,omitempty"`
	PayloadPress    string   `json:"payload_press,omitempty"`
	EventTypes      []string `json:"event_types,omitempty"`
	SourceType      string   `json:"source_type,omitempty"`
	Min             *int     `json:"min,omitempty"`
	Max             *int     `json:"max,omitempty"`
	Mode            string   `json:"mode,omitempty"`
	Title           string   `json:"title,omitempty"`

	AttributesTopic    string `json:"json_attributes_topic,omitempty"`
	AttributesTemplate string `json:"json_attributes_template,omitempty"`

	Icon           string `json:"icon,omitempty"`
	EntityCategory string `json:"entity_category,omitempty"`
	// Enabled is only set to say that the entity is not, at first.
	Enabled *bool `json:"enabled_by_default,omitempty"`
	QoS     int   `json:"qos,omitempty"`
	// Availability is only set to an empty list: the entity can always be read.
	Availability *[]availability `json:"availability,omitempty"`
}

// newComponent begins an entity of a device with an id and a name.
func newComponent(deviceID, deviceName, platform, key, name string) component {
	return component{
		Platform: platform, UniqueID: deviceID + "_" + key, Name: name, QoS: 1,
		DefaultEntityID: platform + "." + cmp.Or(slug(deviceName), "car") + "_" + cmp.Or(slug(name), key),
	}
}

// Platforms.
const (
	sensor        = "sensor"
	binarySensor  = "binary_sensor"
	button        = "button"
	deviceTracker = "device_tracker"
	eventEntity   = "event"
	selectEntity  = "select"
	switchEntity  = "switch"
	number        = "number"
	updateEntity  = "update"
)

// Categories of entities that are shown apart.
const diagnostic, config = "diagnostic", "config"

// always lets an entity be read when all else cannot: just then it has something to say.
func (c component) always() component {
	c.Availability = &[]availability{}
	return c
}

func (c component) diagnostic() component {
	c.EntityCategory = diagnostic
	return c
}

func (c component) disabled() component {
	c.Enabled = new(false)
	return c
}
