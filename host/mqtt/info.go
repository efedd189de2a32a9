package mqtt

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// info is what {base}/bridge/info says.
type info struct {
	// Of this library in the hub
	Version   string       `json:"version"`
	StartedAt string       `json:"started_at"`
	Settings  infoSettings `json:"settings"`
	Plugins   []infoPlugin `json:"plugins"`
	// By id; of a fleet that is too large for a message the first
	Vehicles        []infoVehicle `json:"vehicles"`
	VehiclesLeftOut int           `json:"vehicles_left_out,omitempty"`
	Counters        infoCounters  `json:"counters"`
}

// infoSettings are the bridge's; times in seconds.
type infoSettings struct {
	BaseTopic        string  `json:"base_topic"`
	InitialRefresh   bool    `json:"initial_refresh"`
	ProbeInterval    float64 `json:"probe_interval"`
	ProgressInterval float64 `json:"progress_interval"`
	// The ids of commands outlive a restart
	KeepsIDs bool `json:"keeps_ids"`
}

type infoPlugin struct {
	Name      string     `json:"name"`
	Vendor    string     `json:"vendor,omitempty"`
	Version   string     `json:"version,omitempty"`
	Digest    string     `json:"digest,omitempty"`
	State     host.State `json:"state"`
	PID       int        `json:"pid,omitempty"`
	StartedAt string     `json:"started_at,omitempty"`
	Vehicles  int        `json:"vehicles"`
	// Cars that it lists and that belong to a plugin before it
	OthersVehicles int `json:"others_vehicles,omitempty"`
	Starts         int `json:"starts"`
	Crashes        int `json:"crashes"`
}

type infoVehicle struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Model  string `json:"model,omitempty"`
	Plugin string `json:"plugin,omitempty"`
}

// infoCounters count since the start.
type infoCounters struct {
	// By how they ended
	Commands map[Stage]int `json:"commands"`
	// Commands that were not even answered: far too many came at once
	Dropped int `json:"dropped"`
	// Times that the broker was connected
	Connections uint64 `json:"connections"`
}

// maxNameShown bounds names that a plugin gives, in bytes.
const maxNameShown = 64

func (o *overview) info(plugins []host.PluginStatus) info {
	b := o.bridge
	i := info{
		Version: o.version, StartedAt: timeText(o.started),
		Settings: infoSettings{
			BaseTopic: b.opts.BaseTopic, InitialRefresh: !b.opts.NoInitialRefresh, ProbeInterval: max(0, b.opts.ProbeInterval.Seconds()),
			ProgressInterval: b.opts.ProgressInterval.Seconds(), KeepsIDs: b.opts.StateDir != "",
		},
		Plugins: []infoPlugin{}, Vehicles: []infoVehicle{},
		Counters: o.counters(),
	}
	for _, st := range plugins {
		i.Plugins = append(i.Plugins, infoOf(st))
	}

	vehicles := slices.SortedFunc(slices.Values(b.opts.Fleet.Vehicles()), func(x, y *vehiclev1.Vehicle) int { return cmp.Compare(x.GetId(), y.GetId()) })
	for _, v := range vehicles {
		if !mayServe(v.GetId()) {
			continue
		}
		shown := infoVehicle{ID: v.GetId(), Name: short(v.GetName()), Model: short(v.GetModel())}
		if o.plugins != nil {
			shown.Plugin = o.plugins.Owner(v.GetId())
		}
		i.Vehicles = append(i.Vehicles, shown)
	}
	return i
}

func infoOf(st host.PluginStatus) infoPlugin {
	p := infoPlugin{
		Name: st.Name, Vendor: st.Vendor, Version: st.Version, Digest: st.Digest, State: st.State, PID: st.PID,
		Vehicles: st.Vehicles, OthersVehicles: st.OthersVehicles, Starts: st.Starts, Crashes: st.Crashes,
	}
	if !st.Started.IsZero() {
		p.StartedAt = timeText(st.Started)
	}
	return p
}

func (o *overview) counters() infoCounters {
	b := o.bridge
	return infoCounters{Commands: b.counts.get(), Dropped: b.Stats().Dropped, Connections: b.counts.connections.Load()}
}

// encode leaves out vehicles that have no room.
func (i info) encode() []byte {
	for {
		b, _ := json.Marshal(i) // plain fields
		if len(b) <= maxPayload || len(i.Vehicles) == 0 {
			return b
		}
		keep := len(i.Vehicles) * maxPayload / len(b) * 9 / 10
		i.VehiclesLeftOut += len(i.Vehicles) - keep
		i.Vehicles = i.Vehicles[:keep]
	}
}

// short is a plugin's text, cut off where it is too long to be shown.
func short(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxNameShown)], "")
}
