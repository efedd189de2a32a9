// Package homeassistant shows a hub's cars in Home Assistant without a line of YAML: it
// makes the messages of MQTT discovery, one for each car and one for the hub, for a bridge
// of package mqtt to publish.
//
// Every entity of a car follows from the schema by the table in face.go: what an
// attribute's quantity is in Home Assistant's terms. A car has an entity for an attribute
// from when it has first reported it. The rules that Home Assistant has for such messages
// are in package rules.
package homeassistant
