package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// view shows what happens, as lines for people or as JSON lines. Safe for
// concurrent use.
type view struct {
	mu   sync.Mutex
	out  io.Writer
	json bool
	demo bool
	// several plugins are to be told apart.
	several bool
	host    *host.Host
	// announced: the cars and the hints have been shown.
	announced bool
	shown     map[string]bool
	// cars by id, as the plugins listed them last; first is one of them.
	cars  map[string]string
	first string
	// said is the last line about a plugin that does not come up.
	said string
	// troubled: something is wrong with MQTT.
	troubled       bool
	brokerURL, top string
	// prefix of what announces the cars to Home Assistant; empty: nothing does.
	prefix string
}

func newView(out io.Writer, s setup) *view {
	return &view{out: out, json: s.json, demo: s.demo, several: len(s.Accounts) > 1, shown: map[string]bool{}}
}

// emit prints one thing: event for machines, line for people. An empty line
// prints nothing for people.
func (v *view) emit(kind string, event map[string]any, line string) {
	if v.json {
		event["event"] = kind
		event["time"] = time.Now().UTC().Format(time.RFC3339Nano)
		b, _ := json.Marshal(event) // plain values
		_, _ = fmt.Fprintf(v.out, "%s\n", b)
		return
	}
	if line != "" {
		_, _ = fmt.Fprintln(v.out, line)
	}
}

// notes shows what is set in vain.
func (v *view) notes(sentences []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, sentence := range sentences {
		v.emit("note", map[string]any{"message": sentence}, fmt.Sprintf("%-8s %s", "note", sentence))
	}
}

func (v *view) broker(address string, embedded bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	kind := "yours"
	if embedded {
		kind = "embedded MQTT broker, for this demo only"
	}
	v.emit("broker", map[string]any{"address": address, "embedded": embedded}, row("broker", address, kind))
}

func (v *view) cloud(url string, a settings.Settings) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.emit("cloud", map[string]any{"url": url, "brand": a.Brand, "username": a.Username, "password": a.Password.Reveal()},
		row("cloud", url, "scripted: no real car is touched ("+string(a.Brand)+", "+a.Username+" / "+a.Password.Reveal()+")"))
}

// recording says where the plugin records to, if it does.
func (v *view) recording(s setup) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, a := range s.Accounts {
		if a.Own.Record {
			dir := filepath.Join(s.stateIn, a.Name, traffic.Dir)
			v.emit("recording", map[string]any{"directory": dir}, row("record", dir, "the vendor's traffic, without secrets"))
		}
	}
}

func (v *view) http(address string, profiles bool) {
	pages := "/metrics, /healthz, /readyz"
	if profiles {
		pages += ", " + profilesPath
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.emit("http", map[string]any{"address": address}, row("http", address, pages))
}

// trouble is the bridge's listener for what is wrong with MQTT.
func (v *view) trouble(t *mqtt.Trouble) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case t != nil:
		v.emit("mqtt", map[string]any{"ok": false, "reason": string(t.Kind), "message": t.Message}, v.stamp("MQTT: "+t.Message))
	case v.troubled:
		v.emit("mqtt", map[string]any{"ok": true}, v.stamp("MQTT: commands are received again."))
	}
	v.troubled = t != nil
}

func row(what, value, note string) string { return fmt.Sprintf("%-8s %-26s %s", what, value, note) }

func (v *view) hub(h *host.Host) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.host = h
}

// listCars remembers the cars' names. Called with mu held.
func (v *view) listCars() {
	v.cars, v.first = map[string]string{}, ""
	for _, c := range v.host.Vehicles() {
		v.cars[c.GetId()] = c.GetName()
		v.first = cmp.Or(v.first, c.GetId())
	}
}

// topics remembers what the hints need.
func (v *view) topics(broker, base string, ha *homeassistant.Announcer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.brokerURL, v.top = broker, base
	if ha != nil {
		v.prefix = ha.Prefix()
	}
	v.announce()
}

// command is the bridge's listener.
func (v *view) command(s mqtt.Served) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fields := map[string]any{
		"vehicle": s.Vehicle, "command": s.Command, "request_id": s.RequestID, "duration_ms": s.Duration.Milliseconds(), "ok": s.Err == nil,
	}
	name := v.nameOf(s.Vehicle)
	line := ""
	switch {
	case s.Err != nil:
		api := shared.AsAPIError(s.Err)
		fields["reason"], fields["message"] = string(api.Reason), s.Err.Error()
		line = v.stamp(fmt.Sprintf("%-12s %-10s failed after %s: %s (%s)", name, s.Command, span(s.Duration), s.Err, api.Reason))
	case s.Data == nil:
		v.emit("command", fields, v.stamp(fmt.Sprintf("%-12s %-10s done in %s", name, s.Command, span(s.Duration))))
		return
	default:
		r := s.Data.GetRefresh()
		fields["source"], fields["data"] = shared.Word(r.GetSource()), summary(s.Data)
		proof := shared.Word(r.GetSource())
		if r.Verdict != nil {
			proof = shared.Word(r.GetVerdict())
			fields["verdict"] = proof
		}
		took := ""
		if s.Duration > 0 { // of what came by itself nobody knows
			took = " in " + span(s.Duration)
		}
		line = v.stamp(fmt.Sprintf("%-12s %-10s %s%s   %s", name, s.Command, proof, took, oneLine(s.Data)))
	}
	if !v.announced {
		line = row("car", name, firstLine(s))
	}
	v.emit("command", fields, line)
	if _, listed := v.cars[s.Vehicle]; listed {
		v.shown[s.Vehicle] = true
	}
	v.announce()
}

func firstLine(s mqtt.Served) string {
	if s.Err != nil {
		return s.Err.Error()
	}
	return oneLine(s.Data)
}

// announce shows the hints once all cars have been shown. Called with mu held.
func (v *view) announce() {
	if v.announced || v.host == nil || v.top == "" {
		return
	}
	if len(v.cars) == 0 || len(v.shown) < len(v.cars) {
		return
	}
	v.announced = true
	where := "-h 127.0.0.1"
	if u, err := url.Parse(v.brokerURL); err == nil && u.Hostname() != "" {
		where = "-h " + u.Hostname()
		if u.Port() != "" {
			where += " -p " + u.Port()
		}
	}
	try := fmt.Sprintf("mosquitto_pub %s -t %s/%s/commands/refresh -m force", where, v.top, v.first)
	watch := fmt.Sprintf("mosquitto_sub %s -t '%s/#' -v", where, v.top)
	shows := ""
	event := map[string]any{"vehicles": len(v.cars), "try": try, "watch": watch}
	if v.prefix != "" {
		discovery := fmt.Sprintf("mosquitto_sub %s -t '%s/device/#' -v", where, v.prefix)
		event["discovery"] = discovery
		shows = fmt.Sprintf("Show     %s\n         (a Home Assistant on this broker shows the cars by itself)\n", discovery)
	}
	var pids []string
	for _, st := range v.host.Status() {
		if st.PID != 0 {
			event["pid"], event["state"] = st.PID, string(st.State)
			pids = append(pids, strconv.Itoa(st.PID))
		}
	}
	event["pids"] = pids
	v.emit("ready", event, fmt.Sprintf("\nTry      %s\n         (or -m cached, -m smart, -m smart:60)\nWatch    %s\n%sBreak    kill -9 %s\nCtrl-C ends it.\n",
		try, watch, shows, strings.Join(pids, " ")))
}

func (v *view) stopping() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.emit("stopping", map[string]any{}, v.stamp("stopping"))
}

func (v *view) stamp(text string) string { return time.Now().Format("15:04:05") + " " + text }

func (v *view) nameOf(id string) string {
	if name := v.cars[id]; name != "" {
		return name
	}
	if len(id) > 12 {
		return id[:11] + "…"
	}
	return id
}

// summary is what a glance at a car wants to know.
func summary(d *vehiclev1.VehicleData) map[string]any {
	out := map[string]any{}
	put := func(key string, set bool, value any) {
		if set {
			out[key] = value
		}
	}
	put("soc", d.GetBattery() != nil && d.GetBattery().Soc != nil, d.GetBattery().GetSoc())
	put("range_km", d.GetRange() != nil && d.GetRange().Total != nil, d.GetRange().GetTotal())
	put("aux_soc", d.GetAuxBattery() != nil && d.GetAuxBattery().Soc != nil, d.GetAuxBattery().GetSoc())
	put("locked", d.GetDoors() != nil && d.GetDoors().Locked != nil, d.GetDoors().GetLocked())
	if at := d.GetRefresh().GetObservedAt(); at > 0 {
		out["observed_at"] = time.UnixMilli(at).UTC().Format(time.RFC3339)
		out["age_s"] = int(time.Since(time.UnixMilli(at)).Seconds())
	}
	return out
}

// oneLine is the summary for people; what is not known is left out.
func oneLine(d *vehiclev1.VehicleData) string {
	s := summary(d)
	var parts []string
	add := func(key, format string) {
		if v, ok := s[key]; ok {
			parts = append(parts, fmt.Sprintf(format, v))
		}
	}
	add("soc", "SoC %v %%")
	add("range_km", "range %v km")
	add("aux_soc", "12 V %v %%")
	if locked, ok := s["locked"].(bool); ok {
		word := "unlocked"
		if locked {
			word = "locked"
		}
		parts = append(parts, word)
	}
	if age, ok := s["age_s"].(int); ok {
		parts = append(parts, "data "+span(time.Duration(age)*time.Second)+" old")
	} else {
		parts = append(parts, "data of unknown age")
	}
	return strings.Join(parts, " · ")
}

// span is a duration as people say it.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f h", d.Hours())
}
