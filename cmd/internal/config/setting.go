package config

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
)

// Setting is one that users can set.
type Setting struct {
	// Key is its place in the file, with dots between the levels. A level * is the name of
	// an account.
	Key string
	// Env is its variable in the environment, Flag its name on the command line; empty:
	// it has none.
	Env, Flag string
	// Help is a sentence about it, Default what holds if it is not set, as people read it.
	Help, Default string
	// Private values are not shown. Secret ones neither, and the file that has them is to be
	// readable by few.
	Private, Secret bool
	// File: the value may be in a file as well, whose path is said by the same key with
	// _file, or the same variable with _FILE.
	File bool

	kind kind
}

// Want says what the value has to be.
func (s Setting) Want() string { return s.kind.want }

// IsSwitch reports whether the value is true or false.
func (s Setting) IsSwitch() bool { return s.kind.schema["type"] == "boolean" }

// hidden reports whether nobody is to see the value.
func (s Setting) hidden() bool { return s.Private || s.Secret }

// ofAccount reports whether each account has its own, and how it is called there.
func (s Setting) ofAccount() (name string, ok bool) {
	return strings.CutPrefix(s.Key, accountsKey+".*.")
}

const accountsKey = "accounts"

// Settings returns all of them: those of the hub, then those of an account.
func Settings() []Setting { return append(hubSettings(), accountSettings()...) }

func hubSettings() []Setting {
	return []Setting{
		{Key: "plugin", Env: "HYUNDAI_PLUGIN", Flag: "plugin", kind: path(), Default: "hyundai-plugin beside this program", Help: "Path of the plugin"},
		{
			Key: "state", Env: "HYUNDAI_STATE", Flag: "state", kind: path(), Default: "the user's state directory, for root " + RootState + "; a demo keeps nothing",
			Help: "Directory that keeps the session between starts",
		},
		{
			Key: "initial_refresh", Env: "INITIAL_REFRESH", kind: yesNo(), Default: "true",
			Help: "A cached read of every car when it is first seen",
		},
		{
			Key: "start_timeout", Env: "HYUNDAI_START_TIMEOUT", kind: span(time.Second, 10*time.Minute, "a time from 1s to 10m"), Default: "10s",
			Help: "How long a plugin may take until it says where it listens",
		},
		{
			Key: "http.address", Env: "HYUNDAI_HTTP", Flag: "http", kind: address(), Default: "off",
			Help: "Serve /metrics, /healthz and /readyz on PORT of this machine, or on HOST:PORT",
		},
		{
			Key: "http.profiles", Env: "HYUNDAI_HTTP_PROFILES", Flag: "profiles", kind: yesNo(), Default: "false",
			Help: "Serve /debug/pprof/ beside /metrics, for go tool pprof on this machine",
		},
		{
			Key: "log.level", Env: "LOG_LEVEL", Flag: "log-level", kind: choice("debug", "info", "warn", "warning", "error"), Default: "info; in a demo none",
			Help: "What is logged",
		},

		{
			Key: "broker.url", Env: "MQTT_BROKER_URL", Flag: "broker", kind: text(), Default: "made of host, port and tls",
			Help: "URL of the MQTT broker, for example tcp://192.168.1.5:1883; ssl:// for TLS",
		},
		{Key: "broker.host", Env: "MQTT_BROKER_HOST", kind: text(), Default: "an embedded broker", Help: "Host of the MQTT broker"},
		{Key: "broker.port", Env: "MQTT_BROKER_PORT", kind: number(1, 65535), Default: "1883", Help: "Port of the MQTT broker"},
		{Key: "broker.tls", Env: "MQTT_USE_TLS", kind: yesNo(), Default: "false", Help: "TLS to the broker, with the system's certificates unless ca_file is set"},
		{Key: "broker.username", Env: "MQTT_USERNAME", kind: text(), File: true, Help: "User name at the broker; used with a password only"},
		{Key: "broker.password", Env: "MQTT_PASSWORD", kind: password(), File: true, Secret: true, Help: "Password at the broker"},
		{Key: "broker.ca_file", Env: "MQTT_CA_FILE", kind: path(), Help: "PEM file with the authority of the broker's certificate, in place of the system's"},
		{Key: "broker.cert_file", Env: "MQTT_CERT_FILE", kind: path(), Help: "PEM file with a certificate of the hub's own"},
		{Key: "broker.key_file", Env: "MQTT_KEY_FILE", kind: path(), Help: "PEM file with the key of that certificate"},
		{Key: "broker.base_topic", Env: "MQTT_BASE_TOPIC", kind: text(), Default: "hyundai", Help: "Where the hub's topics begin; it may have several levels"},
		{
			Key: "broker.client_id", Env: "MQTT_CLIENT_ID", kind: text(), Default: "a random one that is kept",
			Help: "Client id; no two clients of a broker may have the same",
		},
		{Key: "broker.version", Env: "MQTT_VERSION", kind: choice("3", "3.1.1", "5"), Default: "3", Help: "Version of MQTT"},
		{
			Key: "broker.probe_interval", Env: "MQTT_PROBE_INTERVAL", kind: span(-time.Second, 24*time.Hour, "a time such as 30s, or -1s"), Default: "30s",
			Help: "How often the delay of the MQTT client is measured; -1s: never",
		},

		{Key: "home_assistant.enabled", Env: "HOME_ASSISTANT", kind: yesNo(), Default: "false; in a demo true", Help: "Announce the cars to Home Assistant"},
		{Key: "home_assistant.prefix", Env: "HOME_ASSISTANT_PREFIX", kind: text(), Default: "homeassistant", Help: "Its discovery prefix"},
		{Key: "home_assistant.birth_topic", Env: "HOME_ASSISTANT_BIRTH_TOPIC", kind: text(), Default: "PREFIX/status", Help: "Where it says that it has started"},
		{Key: "home_assistant.units", Env: "HOME_ASSISTANT_UNITS", kind: choice("metric", "imperial", "car"), Default: "metric", Help: "Units of the entities; car: those of each car's display"},
	}
}

// accountSettings are what the plugin's own schema has, and what the hub has to know of an
// account.
func accountSettings() []Setting {
	about := pluginSchema()
	var all []Setting
	for _, s := range []Setting{
		{Key: "username", Env: "HYUNDAI_USERNAME", kind: text(), File: true, Private: true},
		{Key: "password", Env: "HYUNDAI_PASSWORD", kind: password(), File: true, Secret: true},
		{Key: "pin", Env: "HYUNDAI_PIN", kind: text(), File: true, Secret: true},
		{Key: "brand", Env: "HYUNDAI_BRAND", kind: word()},
		{Key: "region", Env: "HYUNDAI_REGION", kind: word()},
		{Key: "language", Env: "HYUNDAI_LANGUAGE", kind: text()},
		{Key: "driver_side", Env: "HYUNDAI_DRIVER_SIDE", kind: choice("left", "right")},
		{Key: "endpoints.login", Env: "HYUNDAI_ENDPOINT_LOGIN", kind: text()},
		{Key: "endpoints.cci", Env: "HYUNDAI_ENDPOINT_CCI", kind: text()},
		{Key: "endpoints.api", Env: "HYUNDAI_ENDPOINT_API", kind: text()},
		{Key: "limits", Env: "HYUNDAI_LIMITS", kind: object("an object; see docs/gate.md", about["limits"])},
		{Key: "schedule", Env: "HYUNDAI_SCHEDULE", kind: wordsOr(object("an object; see docs/schedule.md", about["schedule"]), "recommended", "off")},
		{Key: "profile", Env: "HYUNDAI_PROFILE", kind: object("an object", about["profile"]), File: true},
		{Key: "record", Env: "HYUNDAI_RECORD", Flag: "record", kind: yesNo()},
		{Key: "reread_after", kind: list("a list of times")},
	} {
		name, _, _ := strings.Cut(s.Key, ".")
		s.Help, _ = about[name]["description"].(string)
		if d, ok := about[name]["default"]; ok {
			b, _ := json.Marshal(d) // it was JSON
			s.Default = strings.Trim(string(b), `"`)
		}
		all = append(all, s)
	}
	all = append(all,
		Setting{Key: "plugin", kind: path(), Default: "the plugin for Hyundai, Kia and Genesis", Help: "Path of another plugin"},
		Setting{Key: "args", kind: list("a list of texts"), Help: "Arguments of the plugin"},
		Setting{Key: "env", kind: list("a list of NAME=VALUE"), Secret: true, Help: "Environment of the plugin, NAME=VALUE; it does not have the hub's"},
		Setting{Key: "sha256", kind: digest(), Help: "SHA-256 of the plugin's program, which nothing else replaces then"},
		Setting{Key: "memory_limit", kind: number(-1, 1<<40), Default: "1073741824", Help: "Bytes of memory that the plugin may have; -1: no limit"},
		Setting{Key: "settings", kind: object("an object", nil), File: true, Secret: true, Help: "What a plugin of another make is given, as it is; then nothing else of the account goes to it"},
	)
	for i := range all {
		all[i].Key = accountsKey + ".*." + all[i].Key
	}
	return all
}

// pluginSchema is the description of what the plugin takes, by name.
func pluginSchema() map[string]map[string]any {
	var s struct {
		Properties map[string]map[string]any `json:"properties"`
	}
	if err := json.Unmarshal([]byte(settings.Schema), &s); err != nil {
		panic(err) // it is a constant
	}
	return s.Properties
}

// digestForm is SHA-256 in hexadecimal.
var digestForm = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)

func digest() kind {
	return kind{want: "64 hexadecimal digits", schema: map[string]any{"type": "string", "pattern": digestForm.String()}, read: func(s string) (any, error) {
		if !digestForm.MatchString(s) {
			return nil, errKind
		}
		return strings.ToLower(s), nil
	}}
}
