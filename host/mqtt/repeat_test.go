package mqtt_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestAnIDActsOnce, however often the command comes.
func TestAnIDActsOnce(t *testing.T) {
	f, calls := counting("car1")
	var late atomic.Int64
	w := newWorld(t, f, func(o *mqtt.Options) {
		o.Now = func() time.Time { return observed.Add(time.Duration(late.Load())) }
	})
	const command = `{"mode":"force","id":"once"}`
	for range 10 {
		w.publish("hyundai/car1/commands/refresh", command, false)
	}
	first := w.answers("car1")
	require.NoError(t, (<-w.served).Err)
	w.publish("hyundai/car1/commands/refresh", `{"mode":"force","id":"twice"}`, false)
	assert.Equal(t, "twice", w.answers("car1")[0]["id"], "no second answer to the first")
	require.NoError(t, (<-w.served).Err)
	assert.EqualValues(t, 2, calls.Load())

	late.Store(int64(5 * time.Minute))
	w.publish("hyundai/car1/commands/refresh", command, false)
	assert.Equal(t, first[len(first)-1], w.answers("car1")[0], "whoever has lost it asks again")
	assert.EqualValues(t, 2, calls.Load())
	w.publish("hyundai/car1/commands/refresh", "force", false)
	w.publish("hyundai/car1/commands/refresh", "force", false)
	for range 2 { // without an id each is a command of its own
		require.NoError(t, (<-w.served).Err)
	}
	assert.Empty(t, w.served)
}

// TestIDsOverARestart: what was done is not done again, and what was interrupted is
// told.
func TestIDsOverARestart(t *testing.T) {
	f := newFleet("car1")
	entered := make(chan struct{}, 1)
	f.refresh = func(ctx context.Context, mode shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		if mode == shared.ModeCached {
			return snapshot(id), nil
		}
		entered <- struct{}{}
		<-ctx.Done()
		return nil, shared.AsAPIError(ctx.Err())
	}
	dir := t.TempDir()
	server, at := newBroker(t, new(auth.AllowHook), nil)
	w := newWorldAt(t, "tcp://"+at, f, func(o *mqtt.Options) { o.StateDir, o.Now = dir, time.Now })
	w.publish("hyundai/car1/commands/refresh", `{"mode":"cached","id":"done"}`, false)
	w.answers("car1")
	w.publish("hyundai/car1/commands/refresh", `{"mode":"force","id":"interrupted"}`, false)
	<-entered
	// The broker takes away the answer that the end of the bridge makes, as a crash would.
	w.hub.Client().Disconnect(0)
	gone(t, server, "hub")
	require.NoError(t, w.bridge.Stop(await.Context(t, "the bridge stops")))
	for range 2 {
		<-w.served
	}

	for n := range 3 {
		w.publish("hyundai/car1/commands/refresh", fmt.Sprintf(`{"mode":"cached","id":"while off %d"}`, n), false)
	}
	w.start(mqtt.Options{Client: w.paho("hub", "hyundai"), Fleet: f, NoInitialRefresh: true, StateDir: dir, OnCommand: func(s mqtt.Served) { w.served <- s }})
	for range 3 { // it was not off for long
		require.NoError(t, await.Value(t, "an answer", w.served).Err)
	}
	for _, id := range []string{"done", "interrupted"} {
		w.publish("hyundai/car1/commands/refresh", fmt.Sprintf(`{"mode":"force","id":%q}`, id), false)
	}
	w.publish("hyundai/car1/commands/refresh", `{"mode":"cached","id":"new"}`, false)
	require.NoError(t, await.Value(t, "an answer", w.served).Err)
	assert.Empty(t, entered, "no car was woken again")
}

// TestACrashInTheMiddleOfACommand: nobody knows what became of it.
func TestACrashInTheMiddleOfACommand(t *testing.T) {
	dir := t.TempDir()
	begun := fmt.Sprintf(`{"vehicle":"car1","id":"crashed","at":%q}`+"\n", time.Now().Format(time.RFC3339Nano))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mqtt-commands.jsonl"), []byte(begun), 0o600))
	f, calls := counting("car1")
	w := newWorld(t, f, func(o *mqtt.Options) { o.StateDir, o.Now = dir, time.Now })
	for range 2 {
		w.publish("hyundai/car1/commands/refresh", `{"mode":"force","id":"crashed"}`, false)
	}
	a := w.answers("car1")
	require.Len(t, a, 1)
	assert.Equal(t, []any{"crashed", "failed", "canceled", true}, []any{a[0]["id"], a[0]["state"], a[0]["reason"], a[0]["may_have_happened"]})
	require.ErrorIs(t, (<-w.served).Err, shared.ReasonCanceled)
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	require.NoError(t, (<-w.served).Err)
	assert.EqualValues(t, 1, calls.Load())
}
