package mqtt_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/mosquittotest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// newMosquitto starts one with some lines of configuration.
func newMosquitto(t *testing.T, lines ...string) *mosquittotest.Broker {
	t.Helper()
	b := mosquittotest.New(t, lines...)
	b.Start()
	return b
}

// newPersistent starts one that keeps on its disk what it has when it is told to end.
func newPersistent(t *testing.T) *mosquittotest.Broker {
	t.Helper()
	return newMosquitto(t, mosquittotest.Persistent(t)...)
}

// session is the options of a client that the broker keeps a session for, and that
// notices soon when the broker is away.
func session(broker, id string) *paho.ClientOptions {
	return options(broker, id).SetCleanSession(false).SetOrderMatters(true).SetStore(paho.NewOrderedMemoryStore()).
		SetKeepAlive(time.Second).SetPingTimeout(time.Second).SetConnectTimeout(time.Second)
}

// campaign gives commands to a hub while its broker has a bad time.
type campaign struct {
	*world
	fleet  *fleet
	client mqtt.Client
	sender paho.Client

	mu sync.Mutex
	// ends are the last answers that were seen, by id.
	ends map[string]map[string]bool
	// soc of each car, which is new at each refresh.
	soc map[string]float64
	// again counts how often an id was served.
	again map[string]int
	done  atomic.Int64
}

const campaignCars = 10

// newCampaign is one whose hub reaches the broker in its own way, in a version of MQTT.
func newCampaign(t *testing.T, speak version, way, broker string) *campaign {
	t.Helper()
	c := &campaign{ends: map[string]map[string]bool{}, soc: map[string]float64{}, again: map[string]int{}}
	var ids []string
	for n := range campaignCars {
		ids = append(ids, fmt.Sprint("car", n))
	}
	c.fleet = newFleet(ids...)
	c.fleet.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.soc[id] += 0.01
		data := snapshot(id)
		data.Battery.Soc = proto.Float64(c.soc[id])
		data.Refresh.PolledAt = proto.Int64(time.Now().UnixNano()) // none is older than the last
		return data, nil
	}
	c.world = &world{t: t, broker: broker}
	// Only a client of the bridge's may be cut off while it is sending: the store makes it so.
	sender, err := mqtt.NewPaho(session(broker, "sender"), "sender")
	require.NoError(t, err)
	require.NoError(t, sender.Connect(await.Context(t, "the sender connects")))
	t.Cleanup(func() { sender.Client().Disconnect(100) })
	c.sender = sender.Client()
	listener := session(broker, "ends").SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { c.heard(m) })
	confirmed(t, c.connect(listener).Subscribe("hyundai/+/responses/refresh", 1, nil))
	c.client = speak(t, way, "hub")
	c.bridge = c.start(mqtt.Options{
		Client: c.client, Fleet: c.fleet, NoInitialRefresh: true, ProbeInterval: -1, StateDir: t.TempDir(),
		OnCommand: func(s mqtt.Served) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.again[s.ID]++
			c.done.Add(1)
		},
	})
	return c
}

func (c *campaign) connect(o *paho.ClientOptions) paho.Client {
	c.t.Helper()
	client := paho.NewClient(o)
	confirmed(c.t, client.Connect())
	c.t.Cleanup(func() { client.Disconnect(100) })
	return client
}

func (c *campaign) heard(m paho.Message) {
	var a struct{ ID, State string }
	if json.Unmarshal(m.Payload(), &a) != nil {
		return
	}
	switch mqtt.Stage(a.State) {
	case mqtt.StageDone, mqtt.StageRefused, mqtt.StageFailed, mqtt.StageExpired:
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.ends[a.ID] == nil {
			c.ends[a.ID] = map[string]bool{}
		}
		c.ends[a.ID][string(m.Payload())] = true
	}
}

// give gives commands; the client goes on until the broker has them.
func (c *campaign) give(from, to int) {
	for n := from; n < to; n++ {
		c.sender.Publish(fmt.Sprintf("hyundai/car%d/commands/refresh", n%campaignCars), 1, false, fmt.Sprintf(`{"mode":"cached","id":"%d","timeout":600}`, n))
	}
}

// verify waits until all have ended, and looks at what the broker holds then.
func (c *campaign) verify(commands int) {
	c.t.Helper()
	c.t.Cleanup(func() { c.tellMissing(commands) })
	await.True(c.t, "every command is answered", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.ends) == commands && len(c.again) == commands
	})
	c.mu.Lock()
	for id, ends := range c.ends {
		assert.Len(c.t, ends, 1, "one end of %s", id)
		assert.Equal(c.t, 1, c.again[id], id)
	}
	c.mu.Unlock()
	for n := range campaignCars { // the broker holds all of it, and nothing old
		car := fmt.Sprint("car", n)
		c.mu.Lock()
		want := c.soc[car]
		c.mu.Unlock()
		await.True(c.t, "the last state of "+car, func() bool {
			held := c.held("hyundai/" + car + "/#")
			var level struct{ Value float64 }
			_ = json.Unmarshal([]byte(held["hyundai/"+car+"/battery/level"]), &level)
			return level.Value == want && len(held) > 100
		})
	}
	await.True(c.t, "the hub is online", func() bool { return c.held("hyundai/bridge/state")["hyundai/bridge/state"] == "online" })
}

// tellMissing says, after a failure, which commands have not ended, for the hub or for who
// listens.
func (c *campaign) tellMissing(commands int) {
	if !c.t.Failed() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range commands {
		if id := strconv.Itoa(n); len(c.ends[id]) != 1 || c.again[id] != 1 {
			c.t.Logf("command %s: answers %v, ended %d times", id, slices.Collect(maps.Keys(c.ends[id])), c.again[id])
		}
	}
	c.t.Log("trouble:", c.bridge.Trouble(), "stats:", c.bridge.Stats())
}

// TestMosquittoThatRestarts in the middle of commands, with and without what it has
// written to its disk.
func TestMosquittoThatRestarts(t *testing.T) {
	for name, speak := range versions() {
		t.Run(name, func(t *testing.T) {
			broker := newPersistent(t)
			c := newCampaign(t, speak, broker.URL(), broker.URL())
			const commands, restarts = 1000, 3
			for n := range restarts {
				c.give(n*commands/(restarts+1), (n+1)*commands/(restarts+1))
				await.True(t, "some are served", func() bool { return c.done.Load() > int64(n*50) })
				broker.End(syscall.SIGTERM)
				broker.Start()
			}
			c.give(restarts*commands/(restarts+1), commands)
			c.verify(commands)
		})
	}
}

// TestMosquittoThatIsAway while commands are sent.
func TestMosquittoThatIsAway(t *testing.T) {
	for name, speak := range versions() {
		t.Run(name, func(t *testing.T) {
			broker := newPersistent(t)
			c := newCampaign(t, speak, broker.URL(), broker.URL())
			const commands = 200
			c.give(0, 50)
			broker.End(syscall.SIGTERM)
			await.True(t, "the hub knows", func() bool { return c.bridge.Trouble() != nil })
			c.give(50, 150)
			broker.Start()
			c.give(150, commands)
			c.verify(commands)
		})
	}
}

// TestMosquittoThatForgets everything, and even so the state is there again.
func TestMosquittoThatForgets(t *testing.T) {
	for name, speak := range versions() {
		t.Run(name, func(t *testing.T) {
			broker := newMosquitto(t)
			c := newCampaign(t, speak, broker.URL(), broker.URL())
			c.give(0, 50)
			await.True(t, "all are served", func() bool { return c.done.Load() == 50 })
			broker.End(syscall.SIGKILL)
			broker.Start()
			listens(t, c.bridge)
			for n := range campaignCars {
				car := fmt.Sprint("car", n)
				await.True(t, "the state of "+car+" is back", func() bool { return len(c.held("hyundai/"+car+"/#")) > 100 })
			}
		})
	}
}

// TestMosquittoThatHangs for longer than a client's patience.
func TestMosquittoThatHangs(t *testing.T) {
	for name, speak := range versions() {
		t.Run(name, func(t *testing.T) {
			broker := newPersistent(t)
			c := newCampaign(t, speak, broker.URL(), broker.URL())
			const commands = 200
			c.give(0, 50)
			broker.Signal(syscall.SIGSTOP)
			given := make(chan struct{})
			go func() { // the client waits for the broker
				defer close(given)
				c.give(50, commands)
			}()
			await.True(t, "the hub knows", func() bool { return c.bridge.Trouble() != nil })
			broker.Signal(syscall.SIGCONT)
			<-given
			c.verify(commands)
		})
	}
}

// TestMosquittoThatFlaps: the way to it breaks ten times while commands are served.
func TestMosquittoThatFlaps(t *testing.T) {
	for name, speak := range versions() {
		t.Run(name, func(t *testing.T) {
			broker := newPersistent(t)
			way := lay(t, broker.Address())
			c := newCampaign(t, speak, way.url, broker.URL())
			const breaks, each = 10, 20
			for n := range breaks {
				c.give(n*each, (n+1)*each)
				await.True(t, "some are served", func() bool { return c.done.Load() > int64(n*each) })
				way.lead(broker.Address())
			}
			c.verify(breaks * each)
		})
	}
}

// TestMosquittoBehindASlowLine, which takes less than the hub has to say.
func TestMosquittoBehindASlowLine(t *testing.T) {
	for name, speak := range versions() {
		t.Run(name, func(t *testing.T) {
			broker := newPersistent(t)
			way := lay(t, broker.Address())
			way.slow(time.Millisecond)
			c := newCampaign(t, speak, way.url, broker.URL())
			c.give(0, 100)
			c.verify(100)
			connection, _ := c.client.Connection()
			assert.EqualValues(t, 1, connection.Number, "the hub was never cut off")
		})
	}
}
