package shared

// ReattachEnv names the variable whose value is a [Reattach] in JSON: a plugin
// under a debugger prints the whole assignment, and a hub takes it.
const ReattachEnv = "VEHICLE_PLUGIN_REATTACH"

// Reattach says where a plugin listens that somebody has started by hand, for
// example under a debugger. For developers only: the connection is neither
// encrypted nor protected.
type Reattach struct {
	PID int `json:"pid"`
	// Network is unix or tcp.
	Network string `json:"network"`
	Address string `json:"address"`
	// Version of the protocol.
	Version int `json:"version"`
}
