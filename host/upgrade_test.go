//go:build linux

package host_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// release is a version of the plugin that this test binary plays.
func release(t *testing.T, version int) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	return fmt.Sprintf("# version %d\nexec '%s'", version, self)
}

// staged is that plugin, at a path of its own.
func staged(t *testing.T, s stage) host.PluginSpec {
	t.Helper()
	p := elsewhere(t, spec("p", "plugin", s))
	write(t, p.Path, release(t, 1))
	return p
}

// later makes a call beside the test.
func later(f func() (*vehiclev1.VehicleData, error)) <-chan error {
	out := make(chan error, 1)
	go func() {
		_, err := f()
		out <- err
	}()
	return out
}

// TestUpgradeIsARestartWithoutAGap: what is under way ends where it began.
func TestUpgradeIsARestartWithoutAGap(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	h := start(t, s, nil, staged(t, s))
	h.reaches("p", host.Ready)
	plugin, old := h.Plugin("p"), h.status("p")
	cached := later(func() (*vehiclev1.VehicleData, error) { return plugin.RefreshCached(context.Background(), "slow") })
	force := later(func() (*vehiclev1.VehicleData, error) { return plugin.RefreshForce(context.Background(), "noisy") })
	h.eventually("both are at the vendor", func() bool { return s.count("cached slow") == 1 && s.count("force noisy") == 1 })

	require.NoError(t, h.Upgrade(t.Context(), "p"))
	now := h.status("p")
	assert.NotEqual(t, old.PID, now.PID)
	assert.Equal(t, old.Digest, now.Digest)
	assert.Equal(t, host.Ready, now.State)
	assert.Equal(t, 2, now.Starts)
	assert.Len(t, h.Vehicles(), 4)
	_, err := plugin.RefreshCached(t.Context(), "fast")
	require.NoError(t, err)
	assert.False(t, gone(old.PID), "it has work to do")

	s.set("release")
	require.NoError(t, <-cached)
	require.NoError(t, <-force)
	h.eventually("the old process has ended", func() bool { return gone(old.PID) })
	assert.Equal(t, 1, s.count("cached slow"), "answered by the process that was asked")
	assert.Equal(t, 1, s.count("force noisy"))
	assert.Equal(t, 2, s.count("list"), "one login for each process")
	st := h.status("p")
	assert.Zero(t, st.Crashes)
	assert.Zero(t, st.Replayed)
	assert.Equal(t, now.PID, st.PID)
}

// TestAnotherProgramAtThePathIsSeen, until it is the one that runs.
func TestAnotherProgramAtThePathIsSeen(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := staged(t, s)
	h := start(t, s, frequentProbes, p)
	h.reaches("p", host.Ready)
	old := h.status("p")
	assert.Empty(t, old.Available)

	write(t, p.Path, release(t, 2))
	h.eventually("it is seen", func() bool { return h.status("p").Available.Digest != "" })
	st := h.status("p")
	assert.Equal(t, old.PID, st.PID, "it only lies there")
	assert.NotEqual(t, old.Digest, st.Available.Digest)
	require.NoError(t, h.Upgrade(t.Context(), "p"))
	now := h.status("p")
	assert.Equal(t, st.Available.Digest, now.Digest)
	assert.Empty(t, now.Available)
}

// TestWhatEndsWithTheDrainIsAnswered: an answer that is on its way when the old
// process says that it is done is not cut off.
func TestWhatEndsWithTheDrainIsAnswered(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	h := start(t, s, nil, staged(t, s))
	h.reaches("p", host.Ready)
	cars := []string{"fast", "noisy"} // the others' forces wait for something else
	for round := 1; round <= size(5, 50); round++ {
		answers := map[string]<-chan error{}
		for _, car := range cars {
			answers[car] = later(func() (*vehiclev1.VehicleData, error) { return h.Plugin("p").RefreshForce(context.Background(), car) })
		}
		for _, car := range cars {
			h.eventually(fmt.Sprint(car, " is at the vendor, round ", round), func() bool { return s.count("force "+car) == round })
		}
		require.NoError(t, h.Upgrade(t.Context(), "p"))
		s.set("release")
		for car, answer := range answers {
			assert.NoError(t, <-answer, "%s, round %d", car, round)
		}
		require.NoError(t, os.Remove(s.path("release")))
	}
}

// TestCallsDuringUpgrades all succeed, and no wake is made twice.
func TestCallsDuringUpgrades(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.set("release")
	h := start(t, s, nil, staged(t, s))
	h.reaches("p", host.Ready)
	done := make(chan struct{})
	var callers sync.WaitGroup
	var reads, forces atomic.Int64
	call := func(n *atomic.Int64, f func() (*vehiclev1.VehicleData, error)) {
		callers.Go(func() {
			for {
				if _, err := f(); !assert.NoError(t, err) {
					return
				}
				n.Add(1)
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	plugin := h.Plugin("p")
	for _, car := range []string{"fast", "slow", "noisy"} {
		call(&reads, func() (*vehiclev1.VehicleData, error) { return plugin.RefreshCached(context.Background(), car) })
	}
	call(&forces, func() (*vehiclev1.VehicleData, error) { return plugin.RefreshForce(context.Background(), "fast") })
	upgrades := size(4, 20)
	for range upgrades {
		require.NoError(t, h.Upgrade(t.Context(), "p"))
	}
	close(done)
	callers.Wait()
	t.Logf("%d reads, %d forces", reads.Load(), forces.Load())
	assert.EqualValues(t, forces.Load(), s.count("force fast"))
	st := h.status("p")
	assert.Equal(t, 1+upgrades, st.Starts)
	assert.Equal(t, 1+upgrades, s.count("list"))
	assert.Zero(t, st.Crashes)
}

func TestUpgradeToAChangedProgram(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := staged(t, s)
	h := start(t, s, soon, p)
	h.reaches("p", host.Ready)
	before := recordOf(t, s, "p")
	write(t, p.Path, release(t, 2))
	require.NoError(t, h.Upgrade(t.Context(), "p"))
	digest := digestOf(t, p.Path)
	assert.Equal(t, digest, h.status("p").Digest)
	r := recordOf(t, s, "p")
	assert.Equal(t, digest, r.Digest)
	assert.True(t, r.Trusted.After(before.Trusted))
	h.logs("plugin was replaced")
	h.kill("p")
	h.reaches("p", host.Ready)
	h.ended()

	again := start(t, s, soon, p)
	again.reaches("p", host.Ready)
	assert.Equal(t, digest, again.status("p").Digest, "trusted from then on")
	again.ended()
	write(t, p.Path, release(t, 1))
	start(t, s, soon, p).untrusted("p")
}

func TestUpgradeOutOfQuarantine(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := crashed(t, s)
	h := start(t, s, soon, p)
	h.inQuarantine("p")
	write(t, p.Path, as(t, "exits"))
	require.ErrorIs(t, h.Upgrade(t.Context(), "p"), shared.ReasonPluginDown)
	h.inQuarantine("p")
	assert.NotNil(t, recordOf(t, s, "p").Quarantine, "a failure lifts nothing")

	write(t, p.Path, as(t, "good"))
	require.NoError(t, h.Upgrade(t.Context(), "p"))
	h.reaches("p", host.Ready)
	_, err := read(h, "p")
	require.NoError(t, err)
	assert.Empty(t, h.status("p").Reason)
	r := recordOf(t, s, "p")
	assert.Nil(t, r.Quarantine)
	assert.Equal(t, digestOf(t, p.Path), r.Digest)
	h.ended()
	start(t, s, soon, p).reaches("p", host.Ready)
}

// TestUpgradeOfAPluginThatIsDown starts it at once.
func TestUpgradeOfAPluginThatIsDown(t *testing.T) {
	t.Parallel()
	s, p := newStage(t), script(t, "p", as(t, "exits"))
	h := start(t, s, func(o *host.Options) { o.CrashLimit = -1; o.Random = func() float64 { return 0.99 } }, p)
	h.eventually("it rests", func() bool { return h.status("p").Crashes >= 2 && h.status("p").State == host.Backoff })
	write(t, p.Path, as(t, "good"))
	require.NoError(t, h.Upgrade(t.Context(), "p"))
	st := h.status("p")
	assert.Equal(t, host.Ready, st.State)
	assert.Zero(t, st.RetryAt)
	_, err := read(h, "p")
	require.NoError(t, err)
	assert.Empty(t, h.status("p").Reason)
	require.ErrorIs(t, h.Upgrade(t.Context(), "nobody"), shared.ReasonInvalidCommand)
	assert.False(t, strings.Contains(h.logged(), "panic:"))
}
