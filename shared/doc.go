// Package shared is the contract between a hub's host and a vehicle plugin.
//
// A plugin serves a [VehicleRefresher]; the host's [Client] is one as well, so
// both sides speak the same interface and the process boundary between them
// shows only as time. What crosses it is defined in shared/vehicle/v1; errors
// cross it typed, see [APIError].
//
// The package imports nothing else of this module: sdk (for plugin authors) and
// host (for hubs) both build on it and never meet.
package shared
