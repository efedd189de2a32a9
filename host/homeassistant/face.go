package homeassistant

import (
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// face is how a quantity is shown.
type face struct {
	platform string
	// class of the device; empty: it has none, and an icon instead.
	class, icon string
	// inverted: the class calls false ON, as that of locks does.
	inverted bool
}

// faces is the one table of how quantities are shown. One that is not in it has no entity:
// identifiers, structures, and the position, which is a device_tracker.
//
// QUANTITY_ENERGY_PER_DISTANCE has no class, for 2024.11 knows none.
func faces() map[vehiclev1.Quantity]face {
	return map[vehiclev1.Quantity]face{
		vehiclev1.Quantity_QUANTITY_STATE_OF_CHARGE:     {platform: sensor, class: "battery"},
		vehiclev1.Quantity_QUANTITY_STATE_OF_HEALTH:     {platform: sensor, icon: "mdi:battery-heart-variant"},
		vehiclev1.Quantity_QUANTITY_RATIO:               {platform: sensor, icon: "mdi:percent"},
		vehiclev1.Quantity_QUANTITY_DISTANCE:            {platform: sensor, class: "distance"},
		vehiclev1.Quantity_QUANTITY_DURATION:            {platform: sensor, class: "duration"},
		vehiclev1.Quantity_QUANTITY_TEMPERATURE:         {platform: sensor, class: "temperature"},
		vehiclev1.Quantity_QUANTITY_SET_TEMPERATURE:     {platform: sensor, class: "temperature"},
		vehiclev1.Quantity_QUANTITY_PRESSURE:            {platform: sensor, class: "pressure"},
		vehiclev1.Quantity_QUANTITY_ENERGY:              {platform: sensor, class: "energy"},
		vehiclev1.Quantity_QUANTITY_ENERGY_STORED:       {platform: sensor, class: "energy_storage"},
		vehiclev1.Quantity_QUANTITY_ENERGY_PER_DISTANCE: {platform: sensor, icon: "mdi:lightning-bolt"},
		vehiclev1.Quantity_QUANTITY_POWER:               {platform: sensor, class: "power"},
		vehiclev1.Quantity_QUANTITY_VOLTAGE:             {platform: sensor, class: "voltage"},
		vehiclev1.Quantity_QUANTITY_ROTATIONAL_SPEED:    {platform: sensor, icon: "mdi:fan"},
		vehiclev1.Quantity_QUANTITY_SPEED:               {platform: sensor, class: "speed"},
		vehiclev1.Quantity_QUANTITY_HEADING:             {platform: sensor, icon: "mdi:compass"},
		vehiclev1.Quantity_QUANTITY_ALTITUDE:            {platform: sensor, class: "distance"},
		vehiclev1.Quantity_QUANTITY_COUNT:               {platform: sensor, icon: "mdi:counter"},
		vehiclev1.Quantity_QUANTITY_CODE:                {platform: sensor, icon: "mdi:numeric"},
		vehiclev1.Quantity_QUANTITY_TIMESTAMP:           {platform: sensor, class: "timestamp"},
		vehiclev1.Quantity_QUANTITY_TIME_OF_DAY:         {platform: sensor, icon: "mdi:clock-outline"},
		vehiclev1.Quantity_QUANTITY_WEEKDAYS:            {platform: sensor, icon: "mdi:calendar-clock"},
		vehiclev1.Quantity_QUANTITY_TEXT:                {platform: sensor, icon: "mdi:text"},
		vehiclev1.Quantity_QUANTITY_CHOICE:              {platform: sensor, class: "enum"},
		vehiclev1.Quantity_QUANTITY_SEAT_CLIMATE:        {platform: sensor, class: "enum", icon: "mdi:car-seat-heater"},

		vehiclev1.Quantity_QUANTITY_LOCK:        {platform: binarySensor, class: "lock", inverted: true},
		vehiclev1.Quantity_QUANTITY_DOOR:        {platform: binarySensor, class: "door"},
		vehiclev1.Quantity_QUANTITY_OPENING:     {platform: binarySensor, class: "opening"},
		vehiclev1.Quantity_QUANTITY_WINDOW:      {platform: binarySensor, class: "window"},
		vehiclev1.Quantity_QUANTITY_PROBLEM:     {platform: binarySensor, class: "problem"},
		vehiclev1.Quantity_QUANTITY_LOW_BATTERY: {platform: binarySensor, class: "battery"},
		vehiclev1.Quantity_QUANTITY_PLUG:        {platform: binarySensor, class: "plug"},
		vehiclev1.Quantity_QUANTITY_CHARGING:    {platform: binarySensor, class: "battery_charging"},
		vehiclev1.Quantity_QUANTITY_RUNNING:     {platform: binarySensor, class: "running"},
		vehiclev1.Quantity_QUANTITY_HEATING:     {platform: binarySensor, class: "heat"},
		vehiclev1.Quantity_QUANTITY_SWITCH:      {platform: binarySensor, icon: "mdi:toggle-switch-variant"},
		vehiclev1.Quantity_QUANTITY_SETTING:     {platform: binarySensor, icon: "mdi:cog"},
		vehiclev1.Quantity_QUANTITY_CAPABILITY:  {platform: binarySensor, icon: "mdi:check-decagram"},
		vehiclev1.Quantity_QUANTITY_SLEEP:       {platform: binarySensor, icon: "mdi:sleep"},
	}
}

// stateClasses are Home Assistant's words.
func stateClasses() map[vehiclev1.Accumulation]string {
	return map[vehiclev1.Accumulation]string{
		vehiclev1.Accumulation_ACCUMULATION_MEASUREMENT:      "measurement",
		vehiclev1.Accumulation_ACCUMULATION_TOTAL:            "total",
		vehiclev1.Accumulation_ACCUMULATION_TOTAL_INCREASING: "total_increasing",
	}
}
