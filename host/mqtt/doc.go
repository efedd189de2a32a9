// Package mqtt bridges a host to the hub's own MQTT client: commands come in,
// the state of cars goes out. It never blocks the client's callbacks: a message
// is put into a queue, and everything else happens in goroutines of its own.
//
// Topics and payloads follow from the schema in shared/vehicle/v1; docs/mqtt.md
// and docs/attributes.md list them.
package mqtt
