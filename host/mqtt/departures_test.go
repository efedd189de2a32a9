package mqtt_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// remove takes a car off the list.
func (f *fleet) remove(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cars = deleteCar(f.cars, id)
	close(f.changed)
	f.changed = make(chan struct{})
}

func deleteCar(cars []*vehiclev1.Vehicle, id string) (rest []*vehiclev1.Vehicle) {
	for _, v := range cars {
		if v.GetId() != id {
			rest = append(rest, v)
		}
	}
	return rest
}

// leaving is a world whose time passes as the test says, in hours, with a state directory
// and an announcer.
type leaving struct {
	*world
	plugin *supervised
	hours  *atomic.Int64
	dir    string
}

func (l *leaving) options(o *mqtt.Options) {
	o.NoInitialRefresh, o.GreetWithin = false, time.Millisecond
	o.Announcer, _ = homeassistant.New(homeassistant.Options{}) // has nothing to refuse
	o.Fleet, o.StateDir, o.AgeInterval = l.plugin, l.dir, time.Millisecond
	o.Now = func() time.Time { return observed.Add(time.Duration(l.hours.Load()) * time.Hour) }
}

func newLeaving(t *testing.T) *leaving {
	t.Helper()
	l := &leaving{plugin: newSupervised("car1", "car2"), hours: &atomic.Int64{}, dir: t.TempDir()}
	l.world = newWorldAt(t, newMosquitto(t).URL(), l.plugin.fleet, l.options)
	for _, car := range []string{"car1", "car2"} {
		l.holds("hyundai/"+car+"/status/last_updated", "2026")
		l.publish("hyundai/"+car+"/commands/schedule", "off", false)
		l.holds("hyundai/"+car+"/schedule", "{}")
	}
	require.Len(t, l.held("homeassistant/#"), 3)
	return l
}

// serves says whether the plugin does, and waits until the bridge has seen it.
func (l *leaving) serves(now bool, state host.State) {
	st := *l.plugin.status.Load()
	st.Serving, st.State = now, state
	l.plugin.status.Store(&st)
	l.holds("hyundai/bridge/account/p", `"state":"`+string(state)+`"`)
}

// remembered is what a later run finds.
func (l *leaving) remembered() string {
	body, err := os.ReadFile(filepath.Join(l.dir, "mqtt-topics.json"))
	require.NoError(l.t, err)
	return string(body)
}

// TestACarThatIsGoneForGoodIsForgotten: all its topics and its announcement go off the
// broker, not before it has been gone for a week, and not while a plugin that may have it
// does not serve; if it comes back, so do they.
func TestACarThatIsGoneForGoodIsForgotten(t *testing.T) {
	l := newLeaving(t)
	l.hours.Store(1)
	l.plugin.remove("car2")
	l.holds("hyundai/car2/availability", "lost")
	await.True(t, "it is noted when", func() bool { return strings.Contains(l.remembered(), `"gone":{"car2":"2026-03-01T`) })

	l.serves(false, host.Degraded)
	l.hours.Store(24 * 8)
	l.holds("hyundai/car1/status/age", `"value":11520`) // eight days
	assert.Contains(t, l.held("hyundai/car2/#"), "hyundai/car2/state")

	l.serves(true, host.Ready)
	await.True(t, "it is off the broker", func() bool { return len(l.held("hyundai/car2/#")) == 0 && len(l.held("homeassistant/#")) == 2 })
	assert.NotEmpty(t, l.held("hyundai/car1/#"))
	await.True(t, "and of the memory", func() bool { return !strings.Contains(l.remembered(), "car2") })

	l.plugin.add("car2")
	l.discovery("hyundai/car2/commands/refresh")
	await.True(t, "it is back", func() bool { return l.held("hyundai/car2/#")["hyundai/car2/state"] != "" })
	assert.NotContains(t, l.held("hyundai/car2/#"), "hyundai/car2/schedule")
	assert.Len(t, l.held("homeassistant/#"), 3)
}

// TestACarThatLeftInAFormerRunIsForgotten, with the topics that its plugin had named.
func TestACarThatLeftInAFormerRunIsForgotten(t *testing.T) {
	l := newLeaving(t)
	l.plugin.remove("car2")
	l.hours.Store(1)
	await.True(t, "it is noted when", func() bool { return strings.Contains(l.remembered(), `"gone":{"car2":`) })
	require.NoError(t, l.bridge.Stop(await.Context(t, "the bridge stops")))
	require.Contains(t, l.held("hyundai/car2/#"), "hyundai/car2/extra/in_park")

	l.hours.Store(24 * 9)
	o := mqtt.Options{Client: l.hub, ProbeInterval: -1}
	l.options(&o)
	begun := l.hours.Load()
	o.Now = func() time.Time { return observed.Add(time.Duration(begun+l.hours.Load()-24*9) * time.Hour) }
	l.start(o)
	l.hours.Add(1) // the plugins have had time
	await.True(t, "it is off the broker", func() bool { return len(l.held("hyundai/car2/#")) == 0 && len(l.held("homeassistant/#")) == 2 })
	await.True(t, "and of the memory", func() bool { return !strings.Contains(l.remembered(), "car2") })
}

// TestForget: a person may take a car off at once that no plugin lists, and hears when the
// broker holds nothing of it any more.
func TestForget(t *testing.T) {
	l := newLeaving(t)
	refused := l.ask("forget", `{"vehicle":"car2"}`)
	assert.Equal(t, "invalid_command", refused["reason"])
	assert.Contains(t, refused["error"], "off the account")
	assert.Equal(t, "unknown_vehicle", l.ask("forget", `{"vehicle":"other"}`)["reason"])
	assert.Equal(t, "missing", l.ask("forget", `{}`)["code"])

	l.plugin.remove("car2")
	l.holds("hyundai/car2/availability", "lost")
	assert.Equal(t, "ok", l.ask("forget", `{"vehicle":"car2"}`)["status"])
	assert.Empty(t, l.held("hyundai/car2/#"))
	assert.Len(t, l.held("homeassistant/#"), 2)
	assert.Equal(t, "unknown_vehicle", l.ask("forget", `{"vehicle":"car2"}`)["reason"])
}

// TestAnnouncementsThatAreNotWantedAnyMore go off the broker: all of them if nothing is to be
// announced, and those on the old topics if they have others now.
func TestAnnouncementsThatAreNotWantedAnyMore(t *testing.T) {
	l := newLeaving(t)
	require.NoError(t, l.bridge.Stop(await.Context(t, "the bridge stops")))

	moved := mqtt.Options{Client: l.hub, ProbeInterval: -1}
	l.options(&moved)
	var err error
	moved.Announcer, err = homeassistant.New(homeassistant.Options{Prefix: "ha"})
	require.NoError(t, err)
	b := l.start(moved)
	await.True(t, "they are where they belong", func() bool { return len(l.held("homeassistant/#")) == 0 && len(l.held("ha/#")) == 3 })
	require.NoError(t, b.Stop(await.Context(t, "the bridge stops")))

	off := mqtt.Options{Client: l.hub, ProbeInterval: -1}
	l.options(&off)
	off.Announcer = nil
	l.start(off)
	await.True(t, "nothing is announced", func() bool { return len(l.held("ha/#")) == 0 })
	assert.NotEmpty(t, l.held("hyundai/car1/#"))
	await.True(t, "nothing is remembered", func() bool { return !strings.Contains(l.remembered(), "ha/device") })
}

// TestACarThatWasOnlyAnnouncedIsForgotten, too: the former run ended before it had anything
// to say of it.
func TestACarThatWasOnlyAnnouncedIsForgotten(t *testing.T) {
	l := newLeaving(t)
	require.NoError(t, l.bridge.Stop(await.Context(t, "the bridge stops")))
	var remembered map[string]any
	require.NoError(t, json.Unmarshal([]byte(l.remembered()), &remembered))
	announcements, _ := remembered["announcements"].(map[string]any)
	announcements["car9"] = "homeassistant/device/car9/config"
	body, err := json.Marshal(remembered)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(l.dir, "mqtt-topics.json"), body, 0o600))
	l.publish("homeassistant/device/car9/config", "{}", true)
	l.hours.Store(1)
	o := mqtt.Options{Client: l.hub, ProbeInterval: -1}
	l.options(&o)
	l.start(o)

	l.hours.Store(2)
	l.holds("hyundai/car9/availability", "lost")
	await.True(t, "it is noted when", func() bool { return strings.Contains(l.remembered(), `"gone":{"car9":`) })
	l.hours.Store(24 * 8)
	await.True(t, "it is off the broker", func() bool { return len(l.held("hyundai/car9/#")) == 0 && len(l.held("homeassistant/#")) == 3 })
	await.True(t, "and of the memory", func() bool { return !strings.Contains(l.remembered(), "car9") })
}
