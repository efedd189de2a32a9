package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// stormBatch commands are sent at once.
const stormBatch = 100

// stormCommands are as many as it takes for kills, a freeze and an upgrade to get in
// their way. make soak has the ten thousand.
func stormCommands() int {
	return atLeast(400, 10_000)
}

// TestTenThousandCommands: while commands come in, the plugin is killed, frozen,
// and replaced by another version. Each command is answered exactly once; no car
// is woken that nobody asked to wake; nobody logs in twice.
func TestTenThousandCommands(t *testing.T) {
	t.Parallel()
	cars := cloudsim.Fleet(40)
	program := filepath.Join(t.TempDir(), "hyundai-plugin")
	put(t, program, "")
	s := newSystemWith(t, cloudsim.Options{ForceDelay: 5 * time.Millisecond, Speed: 60, Accounts: []cloudsim.Account{{
		Brand: profile.Kia, Email: "fleet@example.com", Password: "fleet-password", Cars: cars,
	}}}, quickly, true, func(o *host.Options) {
		o.Plugins[0].Path = program
		o.ProbeInterval, o.ProbeTimeout = 200*time.Millisecond, time.Second
		o.CrashLimit, o.Random = -1, func() float64 { return 0 }
	})

	random := rand.New(rand.NewPCG(3, 14))
	forces, batches := 0, stormCommands()/stormBatch
	sent, answered := map[string]int{}, map[string]int{}
	collect := func(n int) {
		for range n {
			c := s.next()
			answered[c.Vehicle+" "+c.Command]++
		}
	}

	// What a machine is too fast or too slow for in one batch happens in another.
	var w weather
	for batch := 0; batch < batches || !w.upgraded; batch++ {
		require.Less(t, batch, 10*batches, "no call was replayed, or no freeze was found: %+v", s.status())
		for range stormBatch {
			vehicle, payload := cars[random.IntN(len(cars))].ID, []string{"cached", "smart:604800", "force"}[random.IntN(3)]
			if payload == "force" {
				forces++
			}
			s.command(vehicle, payload)
			sent[vehicle+" "+payload]++
		}
		w.hit(s.status())
		if batch >= batches/2 && !w.upgraded && w.wasRough(s.status()) { // else it could rescue the only frozen process
			put(t, program, "another version")
			w.upgrade(s)
		}
		if batch > 0 {
			collect(stormBatch) // one batch is always under way
		}
	}
	collect(stormBatch)
	w.upgrading.Wait()
	assert.Equal(t, sent, answered, "each command is answered, and none twice")

	// Once more for each car: what comes before is an answer too many.
	for _, car := range cars {
		s.command(car.ID, "nonsense")
	}
	for range cars {
		c := s.next()
		assert.ErrorIs(t, c.Err, shared.ReasonInvalidCommand, "answered twice: %+v", c)
	}
	assert.LessOrEqual(t, s.cloud.Calls(cloudsim.Wake), forces)
	assert.Equal(t, 1, s.cloud.Calls(cloudsim.Login))
	st := s.status()
	t.Logf("%d kills, %d freezes, %d crashes %v, %d starts, %d replayed; %d forces, %d wakes", w.kills, w.freezes,
		st.Crashes, st.CrashesByCause, st.Starts, st.Replayed, forces, s.cloud.Calls(cloudsim.Wake))
}

// weather is what happens to the plugin meanwhile.
type weather struct {
	last           int // process that was hit
	kills, freezes int
	upgraded       bool // or about to be
	upgrading      sync.WaitGroup
}

// hit kills or freezes the process that serves, once.
func (w *weather) hit(st host.PluginStatus) {
	switch {
	case st.State != host.Ready || st.PID == 0 || st.PID == w.last:
		return
	case (w.kills+w.freezes)%8 == 1:
		w.freezes++
		_ = syscall.Kill(st.PID, syscall.SIGSTOP) // gone is as good
	default:
		w.kills++
		_ = syscall.Kill(st.PID, syscall.SIGKILL) // as above
	}
	w.last = st.PID
}

// wasRough reports whether all has happened that the test is about.
func (w *weather) wasRough(st host.PluginStatus) bool {
	return st.CrashesByCause[host.CauseFrozen] > 0 && st.CrashesByCause[host.CauseSignal] > 0 && st.Replayed > 0
}

// upgrade tries until it is not the old process's end that spoils it.
func (w *weather) upgrade(s *system) {
	w.upgraded = true
	w.upgrading.Go(func() {
		for s.hub.Upgrade(s.t.Context(), pluginName) != nil {
			if s.t.Context().Err() != nil {
				return
			}
		}
	})
}

// put lays the plugin at a path, with something behind its end that makes it
// another program that does the same.
func put(t *testing.T, path, version string) {
	t.Helper()
	program, err := os.ReadFile(filepath.Join(binaries, "hyundai-plugin"))
	require.NoError(t, err)
	next := path + ".next"
	require.NoError(t, os.WriteFile(next, append(program, version...), 0o755))
	require.NoError(t, os.Rename(next, path))
}
