package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// config of a run.
type config struct {
	flags
	// demo: a scripted cloud, and a broker of its own.
	demo bool
	// notes are sentences about settings that have no effect.
	notes []string
	// account has the plugin's settings; in a demo they are made when the cloud is
	// there.
	account settings.Settings
	// brokerURL is empty for the embedded broker.
	brokerURL string
	// brokerTLS is nil for the system's certificates, and without TLS.
	brokerTLS                    *tls.Config
	mqtt5                        bool
	mqttUser                     string
	mqttPassword                 redact.Secret
	clientID, baseTopic, stateIn string
	noInitialRefresh             bool
	// probeInterval of the bridge; 0 for its default.
	probeInterval time.Duration
	// homeAssistant is nil if the cars are not announced to it.
	homeAssistant *homeassistant.Announcer
	// httpAddress is complete; empty for none.
	httpAddress string
	// reattach is the line of a plugin under a debugger; empty for none.
	reattach string
	level    slog.Level
}

// configFrom reads the environment, by the names that the service has always
// had, under the command line. uid is the user's number.
func configFrom(f flags, env environment, uid int) (s config, err error) {
	s = config{
		flags: f, mqttUser: env.Or("MQTT_USERNAME", ""), mqttPassword: redact.Secret(env.Or("MQTT_PASSWORD", "")),
		clientID: env.Or("MQTT_CLIENT_ID", ""), baseTopic: env.Or("MQTT_BASE_TOPIC", "hyundai"), notes: env.notes(),
	}
	var wrong []error
	check := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	s.account, err = settings.FromEnv(env.Lookup)
	check(err)
	s.account.Record = s.account.Record || f.record
	s.demo, err = isDemo(f, env)
	check(err)
	if !s.demo && err == nil {
		check(checkAccount(s.account))
	}
	if !s.demo {
		s.brokerURL, err = brokerURL(f.broker, env.Lookup)
		check(err)
		s.brokerTLS, err = brokerTLS(env.Lookup, s.brokerURL)
		check(err)
	}
	s.mqtt5, err = mqttVersion(env.Lookup)
	check(err)
	initial, err := env.Switch("INITIAL_REFRESH", true)
	s.noInitialRefresh = !initial
	check(err)
	if s.probeInterval, err = time.ParseDuration(env.Or("MQTT_PROBE_INTERVAL", "0s")); err != nil {
		check(errors.New("MQTT_PROBE_INTERVAL is no time such as 30s; -1s switches it off"))
	}
	s.homeAssistant, err = homeAssistant(env.Lookup, s.baseTopic, s.demo)
	check(err)
	s.level, err = level(f.logLevel, env.Or, s.demo)
	check(err)
	s.stateIn, err = stateDir(f.state, env.Lookup, s.demo, uid)
	check(err)
	if s.account.Record && s.demo && s.stateIn == "" {
		check(errors.New("a demo keeps nothing: say with --state where the recording is to be"))
	}
	s.httpAddress, err = httpAddress(f.http)
	check(err)
	if f.profiles && err == nil {
		check(checkProfiles(s.httpAddress))
	}
	s.reattach, err = reattach(env.Or)
	check(err)
	if s.reattach == "" {
		check(checkPlugin(f.plugin))
	}
	return s, errors.Join(wrong...)
}

// isDemo says whether invented cars are shown: if that is asked for, or if nothing at all is
// set. They are never shown on a broker of somebody's.
func isDemo(f flags, env environment) (bool, error) {
	set := env.ours()
	switch {
	case f.demo && f.broker != "":
		return true, errors.New("--demo shows invented cars, on a broker of its own only: leave --broker out")
	case f.demo || len(set) == 0 && f.broker == "":
		return true, nil
	case env.Or("HYUNDAI_USERNAME", "") != "" && env.Or("HYUNDAI_PASSWORD", "") != "":
		return false, nil
	}
	beside := "--broker"
	if f.broker == "" {
		beside = set[0]
	}
	text := "HYUNDAI_USERNAME and HYUNDAI_PASSWORD are both needed beside " + beside + "; or start with --demo, which shows invented cars on a broker of its own"
	return false, errors.New(strings.Join(append([]string{text}, env.notes()...), ". "))
}

// checkAccount says what the plugin would say of its settings.
func checkAccount(account settings.Settings) error {
	_, err := settings.Parse(account.JSON())
	return err
}

// checkPlugin says whether there is a program.
func checkPlugin(path string) error {
	if path == "" {
		return nil
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("the plugin's program cannot be found: %w: build it (make build), or say with --plugin where it is", err)
	}
	return nil
}

// brokerURL is the flag's, else the environment's, else empty.
func brokerURL(flag string, env settings.Lookup) (string, error) {
	if flag != "" {
		u, err := url.Parse(flag)
		if err != nil || u.Host == "" {
			return "", fmt.Errorf("--broker %q is no URL of a broker: use tcp://HOST:PORT, or ssl://HOST:PORT for TLS", flag)
		}
		if _, known := brokerScheme(u.Scheme); known {
			return flag, nil
		}
		return "", fmt.Errorf("--broker: scheme %q is not known: use tcp, ssl, ws or wss", u.Scheme)
	}
	host := env.Or("MQTT_BROKER_HOST", "")
	if host == "" {
		return "", nil
	}
	port, err := strconv.Atoi(env.Or("MQTT_BROKER_PORT", "1883"))
	if err != nil || port < 1 || port > 65535 {
		return "", errors.New("MQTT_BROKER_PORT is no port: use 1 to 65535")
	}
	scheme := "tcp"
	encrypted, err := env.Switch("MQTT_USE_TLS", false)
	if err != nil {
		return "", err
	}
	if encrypted {
		scheme = "ssl"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port)), nil
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

// stateDir is the flag's, else the service's own; a demo keeps nothing unless it is
// told to.
func stateDir(flag string, env settings.Lookup, demo bool, uid int) (string, error) {
	if flag != "" || demo {
		return flag, nil
	}
	return settings.StateDir(env, uid)
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
