package host

import "runtime/debug"

// module is the path of this library.
const module = "github.com/hyundai-mqtt/hyundai-plugin"

// Version is that of this library in the running program, or unknown.
func Version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range append([]*debug.Module{&build.Main}, build.Deps...) {
		if m.Path == module && m.Version != "" {
			return m.Version
		}
	}
	return "unknown"
}
