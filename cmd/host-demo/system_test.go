package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

const (
	ioniq  = "11111111-2222-4333-8444-555555555501" // CCS2
	tucson = "11111111-2222-4333-8444-555555555502" // CCS1
	// quick re-reads, as suits a car that answers in milliseconds.
	quickly = `["5ms","20ms","60ms","150ms","400ms","1s","3s"]`
)

// order is one command and what has to come of it.
type order struct {
	vehicle, payload string
	reason           shared.Reason // empty: it succeeds
}

func mixed(n int) []order {
	kinds := []order{
		{ioniq, "cached", ""},
		{tucson, "cached", ""},
		{ioniq, "smart:1", ""},
		{tucson, "smart", ""},
		{ioniq, "force", ""},
		{ioniq, "nonsense", shared.ReasonInvalidCommand},
		{tucson, "force", ""},
		{"no-such-car", "force", shared.ReasonUnknownVehicle},
		{tucson, "smart:0", shared.ReasonInvalidCommand},
		{ioniq, " ", shared.ReasonInvalidCommand},
	}
	all := make([]order, n)
	for i := range all {
		all[i] = kinds[i%len(kinds)]
	}
	return all
}

func (o order) check(t *testing.T, err error) {
	t.Helper()
	if o.reason == "" {
		assert.NoError(t, err, "%s %s", o.vehicle, o.payload)
		return
	}
	assert.ErrorIs(t, err, o.reason, "%s %s", o.vehicle, o.payload)
}

// TestConsecutiveCommands is what the service before this one could not do: the
// first command worked, and then nothing did.
func TestConsecutiveCommands(t *testing.T) {
	t.Parallel()
	s := newSystem(t, cloudsim.Options{ForceDelay: 10 * time.Millisecond, Speed: 60}, quickly)
	for _, o := range mixed(atLeast(30, 200)) {
		s.command(o.vehicle, o.payload)
		got := s.next()
		assert.Equal(t, o.vehicle, got.Vehicle)
		o.check(t, got.Err)
	}
	assert.Equal(t, 1, s.cloud.Calls(cloudsim.Login))
	assert.Equal(t, 0, s.status().Crashes)
	assert.Equal(t, host.Ready, s.status().State)
}

func TestBurstOfCommands(t *testing.T) {
	t.Parallel()
	s := newSystem(t, cloudsim.Options{ForceDelay: 30 * time.Millisecond, Speed: 60}, quickly)
	orders := mixed(atLeast(80, 200))
	rand.Shuffle(len(orders), func(i, j int) { orders[i], orders[j] = orders[j], orders[i] })
	want := map[string]int{}
	for _, o := range orders {
		s.command(o.vehicle, o.payload)
		want[fmt.Sprint(o.reason)]++
	}
	got := map[string]int{}
	for range orders {
		reason := ""
		if err := s.next().Err; err != nil {
			reason = string(shared.AsAPIError(err).Reason)
		}
		got[reason]++
	}
	assert.Equal(t, want, got, "every command is answered, each in its way")
	forces := len(orders) / 5
	assert.LessOrEqual(t, s.cloud.Wakes(ioniq)+s.cloud.Wakes(tucson), 2*forces, "no more wakes than commands that may wake")
	assert.Empty(t, s.served)
}

// TestWhoWaitsForTheMarkerSeesAWholeState: status/last_updated comes after every
// other topic of its refresh, for a listener on the real broker.
func TestWhoWaitsForTheMarkerSeesAWholeState(t *testing.T) {
	t.Parallel()
	s := newSystem(t, cloudsim.Options{ForceDelay: 10 * time.Millisecond, Speed: 60}, quickly)
	type message struct {
		topic, value, timestamp string
		kept                    bool // from before
	}
	messages := make(chan message, 100_000)
	token := s.client.Subscribe("hyundai/"+ioniq+"/#", 1, func(_ paho.Client, m paho.Message) {
		var body struct {
			Value     any    `json:"value"`
			Timestamp string `json:"timestamp"`
		}
		if strings.Contains(m.Topic(), "/responses/") || json.Unmarshal(m.Payload(), &body) != nil {
			return // no state, but an answer, or a command
		}
		messages <- message{strings.TrimPrefix(m.Topic(), "hyundai/"+ioniq+"/"), fmt.Sprint(body.Value), body.Timestamp, m.Retained()}
	})
	await.Value(t, "the broker's acknowledgement", token.Done())
	times := map[string]string{}
	for _, mode := range []string{"cached", "force", "smart:1"} {
		s.command(ioniq, mode)
		require.NoError(t, s.next().Err)
		for {
			m := await.Value(t, "the marker", messages)
			times[m.topic] = m.timestamp
			if m.topic != "status/last_updated" || m.kept {
				continue
			}
			for _, topic := range []string{
				"battery/level", "battery/charging_status", "battery/plug_status", "battery/aux_level", "ev/range", "ev/charge_limit",
				"status/doors/locked", "status/windows/front_left", "status/climate/is_on", "status/tires/front_left_pressure", "status/odometer",
			} {
				assert.Equal(t, m.value, times[topic], "%s: %s came late", mode, topic)
			}
			for _, topic := range []string{"status/data_source", "status/update_method"} {
				assert.Equal(t, m.timestamp, times[topic], "%s: %s came late", mode, topic)
			}
			assert.GreaterOrEqual(t, times["status/error"], m.timestamp, "%s: status/error came late", mode)
			break
		}
		assert.Empty(t, messages, "nothing comes after the marker")
	}
}

// TestKillInTheMiddleOfCommands: each command is answered exactly once, reads
// with data, and the car is never woken more often than somebody asked for it.
func TestKillInTheMiddleOfCommands(t *testing.T) {
	t.Parallel()
	s := newSystem(t, cloudsim.Options{ForceDelay: 50 * time.Millisecond, Speed: 60, Latency: 5 * time.Millisecond}, quickly)
	forces, answered, down := 0, 0, 0
	for range 3 {
		sent := 0
		for i := range 30 {
			payload := []string{"cached", "smart:1", "force"}[i%3]
			if payload != "cached" {
				forces++
			}
			s.command([]string{ioniq, tucson}[i%2], payload)
			sent++
			if i == 15 {
				require.NoError(t, syscall.Kill(s.status().PID, syscall.SIGKILL))
			}
		}
		for range sent {
			c := s.next()
			answered++
			if c.Err == nil {
				continue
			}
			down++
			assert.True(t, errors.Is(c.Err, shared.ReasonPluginDown) || errors.Is(c.Err, shared.ReasonVehicleBusy), "%s: %v", c.Command, c.Err)
			assert.NotEqual(t, "cached", c.Command, "a read is made again: %v", c.Err)
		}
		await.True(t, "the plugin is ready again", func() bool { return s.status().State == host.Ready })
	}
	assert.Equal(t, 90, answered)
	assert.Empty(t, s.served, "no command is answered twice")
	assert.LessOrEqual(t, s.cloud.Wakes(ioniq)+s.cloud.Wakes(tucson), forces)
	assert.Equal(t, 1, s.cloud.Calls(cloudsim.Login), "the session outlives the crashes")
	assert.Equal(t, 3, s.status().Crashes)
	s.command(ioniq, "force")
	require.NoError(t, s.next().Err, "the hub goes on")
	t.Logf("%d of %d commands answered with an error", down, answered)
}

// TestKilledPluginGetsNoFreshBudget: the process is killed as soon as a wake has
// reached the vendor, again and again; the day's wakes stay spent.
func TestKilledPluginGetsNoFreshBudget(t *testing.T) {
	t.Parallel()
	const wakes = 2
	s := newSystemWith(t, cloudsim.Options{ForceDelay: time.Hour}, quickly, false, func(o *host.Options) {
		o.Plugins[0].Settings = bytes.Replace(o.Plugins[0].Settings, []byte(`"wakes_per_day":-1`), []byte(`"wakes_per_day":2`), 1)
		o.CrashLimit = -1
	})
	for n := range wakes {
		s.command(tucson, "force")
		await.True(t, "the wake has reached the vendor", func() bool { return s.cloud.Attempts(cloudsim.Wake) == n+1 })
		require.NoError(t, syscall.Kill(s.status().PID, syscall.SIGKILL))
		require.Error(t, s.next().Err)
		await.True(t, "the next process is ready", func() bool { return s.status().State == host.Ready && s.status().Crashes == n+1 })
	}
	s.command(tucson, "force")
	refused := s.next().Err
	require.ErrorIs(t, refused, shared.ReasonBudgetSpent)
	assert.Positive(t, shared.AsAPIError(refused).RetryAfter)
	assert.Equal(t, wakes, s.cloud.Attempts(cloudsim.Wake))
	s.command(tucson, "cached")
	require.NoError(t, s.next().Err, "reading goes on")
}

// TestFortyOneCars: while forty cars are being woken, for as long as they like,
// a read of the forty-first is answered, and so is one of a car that sleeps.
func TestFortyOneCars(t *testing.T) {
	t.Parallel()
	cars := cloudsim.Fleet(41)
	for i := range cars[:40] {
		cars[i].ForceDelay = time.Hour
	}
	s := newSystem(t, cloudsim.Options{Accounts: []cloudsim.Account{{
		Brand: profile.Kia, Email: "fleet@example.com", Password: "fleet-password", Cars: cars,
	}}}, `["1h"]`)
	require.Equal(t, 0, s.cloud.Calls(cloudsim.Wake), "the first reads woke nobody")
	for _, c := range cars[:40] {
		s.command(c.ID, "force")
	}
	await.True(t, "all 32 workers wait for cars", func() bool { return s.cloud.Calls(cloudsim.Wake) == 32 })
	s.command(cars[40].ID, "cached")
	s.command(cars[0].ID, "cached")
	for range 2 {
		got := s.next()
		require.NoError(t, got.Err)
		assert.Equal(t, "cached", got.Command, "no wake has ended")
	}
	s.command(cars[40].ID, "smart:60")
	_, isOpen := s.peek()
	assert.False(t, isOpen, "this one has to wake, and waits for a worker like the other twelve")
}

// peek returns a served command if there is one.
func (s *system) peek() (c vehiclev1.Verdict, ok bool) {
	select {
	case served := <-s.served:
		return served.Data.GetRefresh().GetVerdict(), true
	default:
		return 0, false
	}
}
