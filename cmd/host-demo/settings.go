package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// settings of a run.
type settings struct {
	flags
	// demo: no credentials, so a scripted cloud.
	demo bool
	// plugin settings; in a demo they are made when the cloud is there.
	account account
	// brokerURL is empty for the embedded broker.
	brokerURL                    string
	mqttUser, mqttPassword       string
	clientID, baseTopic, stateIn string
	noInitialRefresh             bool
	// probeInterval of the bridge; 0 for its default.
	probeInterval time.Duration
	// httpAddress is complete; empty for none.
	httpAddress string
	// reattach is the line of a plugin under a debugger; empty for none.
	reattach string
	level    slog.Level
}

// account is the JSON form of the plugin's settings.
type account struct {
	Username  string            `json:"username"`
	Password  string            `json:"password"`
	PIN       string            `json:"pin,omitempty"`
	Region    string            `json:"region,omitempty"`
	Brand     string            `json:"brand,omitempty"`
	Endpoints map[string]string `json:"endpoints,omitempty"`
	// Profile is the content of HYUNDAI_PROFILE_FILE.
	Profile json.RawMessage `json:"profile,omitempty"`
	// Limits in place of the region's.
	Limits json.RawMessage `json:"limits,omitempty"`
	// Schedule of refreshes without a command.
	Schedule json.RawMessage `json:"schedule,omitempty"`
}

func (a account) json() json.RawMessage {
	b, _ := json.Marshal(a) // plain fields
	return b
}

// environment is how variables are looked up, as in os.LookupEnv.
type environment func(name string) (string, bool)

// or is a variable without blanks around it, or the fallback if it is empty.
func (e environment) or(name, fallback string) string {
	if v, ok := e(name); ok && strings.TrimSpace(v) != "" {
		return strings.TrimSpace(v)
	}
	return fallback
}

// settingsFrom reads the environment, by the names that the service has always
// had, under the command line. uid is the user's number.
func settingsFrom(f flags, env environment, uid int) (s settings, err error) {
	s = settings{
		flags: f, mqttUser: env.or("MQTT_USERNAME", ""), mqttPassword: env.or("MQTT_PASSWORD", ""),
		clientID: env.or("MQTT_CLIENT_ID", ""), baseTopic: env.or("MQTT_BASE_TOPIC", "hyundai"),
	}
	var wrong []error
	check := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	s.account, err = accountFrom(env)
	check(err)
	s.demo = s.account.Username == "" && s.account.Password == ""
	if !s.demo && (s.account.Username == "" || s.account.Password == "") {
		check(errors.New("HYUNDAI_USERNAME and HYUNDAI_PASSWORD are needed together"))
	}
	s.brokerURL, err = brokerURL(f.broker, env.or)
	check(err)
	if s.noInitialRefresh, err = no(env.or("INITIAL_REFRESH", "true")); err != nil {
		check(fmt.Errorf("INITIAL_REFRESH %w", err))
	}
	if s.probeInterval, err = time.ParseDuration(env.or("MQTT_PROBE_INTERVAL", "0s")); err != nil {
		check(errors.New("MQTT_PROBE_INTERVAL is no time such as 30s; -1s switches it off"))
	}
	s.level, err = level(f.logLevel, env.or, s.demo)
	check(err)
	s.stateIn, err = stateDir(f.state, env.or, s.demo, uid)
	check(err)
	s.httpAddress, err = httpAddress(f.http)
	check(err)
	s.reattach, err = reattach(env.or)
	check(err)
	return s, errors.Join(wrong...)
}

// accountFrom reads the plugin's settings.
func accountFrom(env environment) (account, error) {
	a := account{
		Username: env.or("HYUNDAI_USERNAME", ""), Password: env.or("HYUNDAI_PASSWORD", ""), PIN: env.or("HYUNDAI_PIN", ""),
		Region: env.or("HYUNDAI_REGION", ""), Brand: env.or("HYUNDAI_BRAND", ""), Endpoints: map[string]string{},
	}
	if v, ok := env("HYUNDAI_PASSWORD"); ok && a.Password != "" {
		a.Password = v // a blank at its end may belong to it
	}
	for key, name := range map[string]string{"login": "HYUNDAI_ENDPOINT_LOGIN", "cci": "HYUNDAI_ENDPOINT_CCI", "api": "HYUNDAI_ENDPOINT_API"} {
		if v := env.or(name, ""); v != "" {
			a.Endpoints[key] = v
		}
	}
	var limitsErr, scheduleErr, profileErr error
	if limits := env.or("HYUNDAI_LIMITS", ""); limits != "" {
		a.Limits = json.RawMessage(limits)
		if !json.Valid(a.Limits) {
			limitsErr = errors.New("HYUNDAI_LIMITS is no JSON object; see docs/limits.md")
		}
	}
	a.Schedule, scheduleErr = scheduleOf(env.or("HYUNDAI_SCHEDULE", ""))
	a.Profile, profileErr = profileFile(env.or("HYUNDAI_PROFILE_FILE", ""))
	return a, errors.Join(limitsErr, scheduleErr, profileErr)
}

// scheduleOf is JSON, or one of the words.
func scheduleOf(text string) (json.RawMessage, error) {
	switch body := json.RawMessage(text); {
	case text == "":
		return nil, nil
	case text == "recommended", text == "off":
		return json.RawMessage(strconv.Quote(text)), nil
	case json.Valid(body):
		return body, nil
	}
	return nil, errors.New("HYUNDAI_SCHEDULE is neither recommended nor off, nor a JSON object; see docs/schedule.md")
}

// profileFile reads what is to replace values of the built-in profile. What the
// values have to be is the plugin's to say.
func profileFile(name string) (json.RawMessage, error) {
	if name == "" {
		return nil, nil
	}
	body, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("HYUNDAI_PROFILE_FILE cannot be read: %w", err)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil || object == nil {
		return nil, fmt.Errorf("HYUNDAI_PROFILE_FILE: %s holds no JSON object", name)
	}
	return body, nil
}

// brokerURL is the flag's, else the environment's, else empty.
func brokerURL(flag string, env func(string, string) string) (string, error) {
	if flag != "" {
		u, err := url.Parse(flag)
		if err != nil || u.Host == "" {
			return "", fmt.Errorf("--broker %q is no URL of a broker: use tcp://HOST:PORT, or ssl://HOST:PORT for TLS", flag)
		}
		switch u.Scheme {
		case "tcp", "mqtt", "ssl", "tls", "mqtts", "ws", "wss":
			return flag, nil
		}
		return "", fmt.Errorf("--broker: scheme %q is not known: use tcp, ssl, ws or wss", u.Scheme)
	}
	host := env("MQTT_BROKER_HOST", "")
	if host == "" {
		return "", nil
	}
	port, err := strconv.Atoi(env("MQTT_BROKER_PORT", "1883"))
	if err != nil || port < 1 || port > 65535 {
		return "", errors.New("MQTT_BROKER_PORT is no port: use 1 to 65535")
	}
	scheme := "tcp"
	if off, err := no(env("MQTT_USE_TLS", "false")); err != nil {
		return "", fmt.Errorf("MQTT_USE_TLS %w", err)
	} else if !off {
		scheme = "ssl"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port)), nil
}

// no reads a switch and says whether it is off.
func no(word string) (bool, error) {
	switch strings.ToLower(word) {
	case "true", "1", "yes", "on":
		return false, nil
	case "false", "0", "no", "off":
		return true, nil
	}
	return false, fmt.Errorf("is %q: use true or false", word)
}

// noLog is above every level.
const noLog = slog.LevelError + 8

func level(flag string, env func(string, string) string, demo bool) (slog.Level, error) {
	word := flag
	if word == "" {
		word = env("LOG_LEVEL", "")
	}
	if word == "" {
		if demo {
			return noLog, nil // the events tell it all
		}
		return slog.LevelInfo, nil
	}
	if strings.EqualFold(word, "warning") {
		word = "warn"
	}
	var l slog.Level
	if err := l.UnmarshalText([]byte(word)); err != nil {
		return 0, fmt.Errorf("log level %q is not known: use debug, info, warn or error", word)
	}
	return l, nil
}

// rootState is where root keeps state: plugins then run as users of their own,
// who cannot enter root's home directory.
const rootState = "/var/lib/hyundai-plugin"

// stateDir: a demo keeps nothing unless it is told to.
func stateDir(flag string, env func(string, string) string, demo bool, uid int) (string, error) {
	if flag != "" || demo {
		return flag, nil
	}
	if base := env("XDG_STATE_HOME", ""); base != "" {
		return filepath.Join(base, "hyundai-plugin"), nil
	}
	if uid == 0 {
		return rootState, nil
	}
	home := env("HOME", env("USERPROFILE", "")) // the latter on Windows
	if home == "" {
		return "", errors.New("there is no home directory: say with --state where the session is to be kept")
	}
	return filepath.Join(home, ".local", "state", "hyundai-plugin"), nil
}

// httpAddress completes an address. Without a host it is this machine's own.
func httpAddress(flag string) (string, error) {
	if flag == "" {
		return "", nil
	}
	text := flag
	if !strings.Contains(text, ":") {
		text = ":" + text
	}
	host, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "", fmt.Errorf("--http %q is no address: use PORT or HOST:PORT, with a port of 0 to 65535", flag)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// reattach reads where a plugin under a debugger listens.
func reattach(env func(string, string) string) (string, error) {
	line := env(shared.ReattachEnv, "")
	if line == "" {
		return "", nil
	}
	var at shared.Reattach
	if err := json.Unmarshal([]byte(line), &at); err != nil {
		return "", fmt.Errorf("%s is not the JSON that a plugin under a debugger prints: %w", shared.ReattachEnv, err)
	}
	return line, nil
}
