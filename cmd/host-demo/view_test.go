package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/config"
	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

func TestPluginEventsForPeople(t *testing.T) {
	crash := func(message string, r host.CrashReport) host.Event {
		return host.Event{Kind: host.EventCrash, State: host.Crashed, Message: message, Crash: &r}
	}
	for name, tc := range map[string]struct {
		event host.Event
		want  string // after the time
	}{
		"a crash":        {crash("It ended.", host.CrashReport{}), "plugin crashed: It ended."},
		"its last words": {crash("It ended.", host.CrashReport{LastLines: []string{"one", "two"}}), "plugin crashed: It ended.\n         two"},
		"its panic": {
			crash("It did not answer.", host.CrashReport{LastPanic: []string{"panic: boom", "goroutine 1"}, LastLines: []string{"exit"}}),
			"plugin crashed: It did not answer.\n         panic: boom",
		},
		"nothing twice": {
			crash("It ended with a panic: boom.", host.CrashReport{LastPanic: []string{"boom"}, LastLines: []string{"exit"}}),
			"plugin crashed: It ended with a panic: boom.",
		},
		"words that steer the terminal": {
			crash("It ended.", host.CrashReport{LastLines: []string{"\x1b[2Jgone\n"}}), "plugin crashed: It ended.\n          [2Jgone ",
		},
		"a quarantine": {
			host.Event{Kind: host.EventState, State: host.Quarantined},
			"plugin quarantined: " + shared.ReasonPluginQuarantined.Sentence() + remedy(shared.ReasonPluginQuarantined),
		},
		"an old quarantine": {
			host.Event{Kind: host.EventState, State: host.Quarantined, Reason: "plugin_quarantined", Message: "It crashed too often."},
			"plugin quarantined: It crashed too often." + remedy(shared.ReasonPluginQuarantined),
		},
		"another program": {
			host.Event{Kind: host.EventState, State: host.Backoff, Reason: "plugin_untrusted", Message: "It is another one."},
			"plugin backoff: It is another one." + remedy(shared.ReasonPluginUntrusted),
		},
		"all is well": {host.Event{Kind: host.EventState, State: host.Ready, PID: 7}, "plugin ready, pid 7"},
		"a claim":     {host.Event{Kind: host.EventClaim, Message: "It lists another's cars."}, "It lists another's cars."},
		"its health":  {host.Event{Kind: host.EventHealth, Reason: "rate_limited", Message: "Wait."}, "plugin says: Wait."},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			v := newView(&out, setup{Config: &config.Config{}, demo: true})
			v.announced = true
			v.event(tc.event)
			_, text, _ := strings.Cut(out.String(), " ")
			assert.Equal(t, tc.want+"\n", text)
		})
	}
}

func TestTroubleAtTheStartIsToldOnce(t *testing.T) {
	var out bytes.Buffer
	v := newView(&out, setup{Config: &config.Config{}, demo: true})
	for range 3 {
		v.event(host.Event{Kind: host.EventState, State: host.Verifying})
		v.event(host.Event{Kind: host.EventState, State: host.Backoff, Reason: "plugin_down", Message: "There is no file."})
	}
	assert.Equal(t, row("plugin", "", "backoff: There is no file.")+"\n", out.String())
}

func TestPluginEventsAsJSON(t *testing.T) {
	var out bytes.Buffer
	v := newView(&out, setup{Config: &config.Config{}, demo: true, options: options{json: true}})
	v.event(host.Event{
		Kind: host.EventCrash, Plugin: "kia", State: host.Crashed, Message: "It ended.",
		Crash: &host.CrashReport{Cause: host.CausePanic, LastPanic: []string{"panic: boom"}, Message: "It ended."},
	})
	v.upgraded(shared.NewError(shared.ReasonPluginUntrusted))
	v.upgraded(nil)
	v.released()
	v.http("127.0.0.1:9100", true)
	var events []map[string]any
	for line := range strings.Lines(out.String()) {
		var e map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		delete(e, "time")
		events = append(events, e)
	}
	require.Len(t, events, 5)
	crash, ok := events[0]["crash"].(map[string]any)
	require.True(t, ok)
	assert.Equal(t, "panic", crash["cause"])
	assert.Equal(t, []any{"panic: boom"}, crash["last_panic"])
	assert.Equal(t, map[string]any{"event": "upgrade", "ok": false, "reason": "plugin_untrusted", "message": shared.ReasonPluginUntrusted.Sentence()}, events[1])
	assert.Equal(t, map[string]any{"event": "upgrade", "ok": true}, events[2])
	assert.Equal(t, map[string]any{"event": "released"}, events[3])
	assert.Equal(t, map[string]any{"event": "http", "address": "127.0.0.1:9100"}, events[4])
}
