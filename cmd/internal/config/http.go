package config

import (
	"net"
	"strconv"
	"strings"
)

// HTTP is what the hub serves over HTTP.
type HTTP struct {
	// Address is complete; empty: nothing is served.
	Address string `koanf:"address"`
	// Profiles are served, too.
	Profiles bool `koanf:"profiles"`
}

// address completes one: without a host it is this machine's own.
func address() kind {
	return kind{want: "PORT or HOST:PORT, with a port of 0 to 65535, or off", schema: map[string]any{"type": []any{"string", "integer"}}, read: func(s string) (any, error) {
		if s == "off" {
			return "", nil
		}
		if !strings.Contains(s, ":") {
			s = ":" + s
		}
		host, port, err := net.SplitHostPort(s)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			return nil, errKind
		}
		if host == "" {
			host = "127.0.0.1"
		}
		return net.JoinHostPort(host, port), nil
	}}
}
