package mqtt_test

import (
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
)

// TestProbeSeesAHandlerThatBlocks: the fault for which all this exists, in
// somebody else's code, shows in the hub's own loop.
func TestProbeSeesAHandlerThatBlocks(t *testing.T) {
	probes := make(chan time.Duration, 1000)
	var hub paho.Client
	w := newWorld(t, newFleet("car1"), func(o *mqtt.Options) {
		hub = o.Client
		o.ProbeInterval, o.Now = 5*time.Millisecond, time.Now
		o.OnProbe = func(d time.Duration) { probes <- d }
	})
	<-probes
	assert.Less(t, <-probes, time.Second)
	entered, release := make(chan struct{}), make(chan struct{})
	token := hub.Subscribe("somebody/elses", 0, func(paho.Client, paho.Message) {
		close(entered)
		<-release
	})
	token.Wait()
	require.NoError(t, token.Error())
	w.publish("somebody/elses", "x", false)
	<-entered
	require.Eventually(t, func() bool { return w.bridge.Stats().LoopDelay > 200*time.Millisecond }, 10*time.Second, time.Millisecond,
		"it grows while the message is under way")
	close(release)
	for {
		select {
		case d := <-probes:
			if d > 200*time.Millisecond {
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the delay was not measured")
		}
	}
}
