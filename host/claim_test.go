package host_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// TestCarsOfAnotherPlugin stay with the plugin that comes first in the options, and the
// other one gets neither their commands nor the word about them.
func TestCarsOfAnotherPlugin(t *testing.T) {
	t.Parallel()
	s1, s2 := newStage(t), newStage(t)
	h := start(t, s1, nil, spec("one", "plugin", s1), spec("two", "plugin", s2))
	h.reaches("one", host.Ready)
	h.reaches("two", host.Ready)

	cars := map[string]int{}
	for _, v := range h.Vehicles() {
		cars[v.GetId()]++
		assert.Equal(t, "one", h.Owner(v.GetId()))
	}
	assert.Equal(t, map[string]int{"fast": 1, "slow": 1, "outage": 1, "noisy": 1}, cars, "each once")
	assert.Equal(t, []int{4, 0}, []int{h.status("one").Vehicles, h.status("one").OthersVehicles})
	assert.Equal(t, []int{0, 4}, []int{h.status("two").Vehicles, h.status("two").OthersVehicles})

	plugin, err := h.Find(t.Context(), "fast")
	require.NoError(t, err)
	_, err = plugin.RefreshCached(t.Context(), "fast")
	require.NoError(t, err)
	assert.Equal(t, []int{1, 0}, []int{s1.count("cached fast"), s2.count("cached fast")})

	// It is told once, whatever becomes of the process.
	claims := func() (all []host.Event) {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, e := range h.events {
			if e.Kind == host.EventClaim {
				all = append(all, e)
			}
		}
		return all
	}
	h.eventually("the claim is told", func() bool { return len(claims()) == 1 })
	assert.Equal(t, "two", claims()[0].Plugin)
	assert.Contains(t, claims()[0].Message, "4 of the cars of plugin one")
	h.kill("two")
	h.reaches("two", host.Ready)
	require.NoError(t, h.Restart(t.Context(), "two"))
	assert.Len(t, claims(), 1)
	assert.Empty(t, h.Owner("nobody's"))
}

// TestCarsOfAPluginThatIsSlowToStart are not another's meanwhile, if they were its own
// before. A file that is damaged keeps nobody from starting.
func TestCarsOfAPluginThatIsSlowToStart(t *testing.T) {
	t.Parallel()
	s1, s2 := newStage(t), newStage(t)
	h := start(t, s1, nil, spec("one", "plugin", s1), spec("two", "plugin", s2))
	h.reaches("one", host.Ready)
	h.reaches("two", host.Ready)
	h.ended()

	slow := spec("one", "silent", s1)
	h = start(t, s1, nil, slow, spec("two", "plugin", s2))
	h.reaches("two", host.Ready)
	h.eventually("two has listed its cars", func() bool { return h.status("two").OthersVehicles == 4 })
	assert.Equal(t, "one", h.Owner("fast"))
	assert.Empty(t, h.Vehicles(), "nobody has listed them who has them")
	h.ended()

	require.NoError(t, os.WriteFile(filepath.Join(s1.path("state"), ".host", ".owners.json"), []byte("{"), 0o600))
	h = start(t, s1, nil, slow, spec("two", "plugin", s2))
	h.reaches("two", host.Ready)
	h.eventually("two has the cars", func() bool { return h.Owner("fast") == "two" })
	assert.Contains(t, h.logged(), "the file is damaged")
}

func TestNextEvent(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := spec("p", "plugin", s)
	h, err := host.New(host.Options{Plugins: []host.PluginSpec{p}, StateDir: s.path("state"), StartTimeout: await.Limit, InitializeTimeout: await.Limit})
	require.NoError(t, err)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = h.NextEvent(canceled)
	require.ErrorIs(t, err, context.Canceled)

	require.NoError(t, h.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, h.Stop(await.Context(t, "the host stops"))) })
	for _, want := range []host.State{host.Verifying, host.Starting, host.Initializing} {
		ev, err := h.NextEvent(await.Context(t, "the next event"))
		require.NoError(t, err)
		assert.Equal(t, want, ev.State)
		assert.Equal(t, "p", ev.Plugin)
	}
}

func TestSelfDescription(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	h := start(t, s, nil, spec("p", "plugin", s))
	h.eventually("the plugin has said what it is", func() bool { return h.status("p").Vendor != "" })
	assert.Equal(t, []string{"Test", "1.0.0"}, []string{h.status("p").Vendor, h.status("p").Version})
}

func TestRestartOfNobody(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	h := start(t, s, nil, spec("p", "plugin", s))
	require.ErrorIs(t, h.Restart(t.Context(), "q"), shared.ReasonInvalidCommand)
}
