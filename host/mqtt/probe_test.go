package mqtt_test

import (
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// TestProbeSeesAHandlerThatBlocks: the fault for which all this exists, in
// somebody else's code, shows in the hub's own loop.
func TestProbeSeesAHandlerThatBlocks(t *testing.T) {
	probes := make(chan time.Duration, 1000)
	var late atomic.Int64 // the clock stands still but for the test
	w := newWorld(t, newFleet("car1"), func(o *mqtt.Options) {
		o.ProbeInterval = 5 * time.Millisecond
		o.Now = func() time.Time { return observed.Add(time.Duration(late.Load())) }
		o.OnProbe = func(d time.Duration) {
			select {
			case probes <- d:
			default: // the test has seen enough
			}
		}
	})
	for range 2 {
		assert.Zero(t, await.Value(t, "a probe", probes))
	}

	entered, release := make(chan struct{}), make(chan struct{})
	confirmed(t, w.hub.Client().Subscribe("somebody/elses", 0, func(paho.Client, paho.Message) {
		close(entered)
		<-release
	}))
	w.publish("somebody/elses", "x", false)
	<-entered

	// A probe is on its way behind the message, or is about to be.
	const block = 30 * time.Second
	await.True(t, "it grows while the message is under way", func() bool {
		late.Add(int64(time.Millisecond))
		return w.bridge.Stats().LoopDelay > 0
	})
	late.Add(int64(block))
	assert.GreaterOrEqual(t, w.bridge.Stats().LoopDelay, block)

	close(release)
	await.True(t, "the delay is measured", func() bool { return await.Value(t, "a probe", probes) >= block })
}
