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
)

const (
	stormCommands = 10_000
	// stormBatch commands are sent at once, then something happens.
	stormBatch = 100
)

// TestTenThousandCommands: while commands come in, the plugin is killed, frozen,
// and replaced by another version. Each command is answered exactly once; no car
// is woken that nobody asked to wake; nobody logs in twice.
func TestTenThousandCommands(t *testing.T) {
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
	weather := startWeather(s)
	forces := 0
	sent, answered := map[string]int{}, map[string]int{}
	collect := func(n int) {
		for range n {
			c := s.next()
			answered[c.Vehicle+" "+c.Command]++
		}
	}
	for batch := range stormCommands / stormBatch {
		for range stormBatch {
			vehicle, payload := cars[random.IntN(len(cars))].ID, []string{"cached", "smart:604800", "force"}[random.IntN(3)]
			if payload == "force" {
				forces++
			}
			s.command(vehicle, payload)
			sent[vehicle+" "+payload]++
		}
		if batch == stormCommands/stormBatch/2 {
			put(t, program, "another version")
			weather.upgrade()
		}
		if batch > 0 {
			collect(stormBatch) // one batch is always under way
		}
	}
	collect(stormBatch)
	weather.end()
	assert.Equal(t, sent, answered, "each command is answered, and none twice")
	select {
	case c := <-s.served:
		assert.Fail(t, "answered twice", "%+v", c)
	case <-time.After(200 * time.Millisecond):
	}
	assert.LessOrEqual(t, s.cloud.Calls(cloudsim.Wake), forces)
	assert.Equal(t, 1, s.cloud.Calls(cloudsim.Login))
	st := s.status()
	t.Logf("%d kills, %d freezes, %d crashes %v, %d starts, %d replayed; %d forces, %d wakes", weather.kills, weather.freezes,
		st.Crashes, st.CrashesByCause, st.Starts, st.Replayed, forces, s.cloud.Calls(cloudsim.Wake))
	assert.Positive(t, st.CrashesByCause[host.CauseFrozen])
	assert.Positive(t, st.Replayed)
}

// weather is what happens to the plugin meanwhile.
type weather struct {
	s              *system
	random         *rand.Rand
	ended          chan struct{}
	running        sync.WaitGroup
	kills, freezes int
}

func startWeather(s *system) *weather {
	w := &weather{s: s, random: rand.New(rand.NewPCG(2, 71)), ended: make(chan struct{})}
	w.running.Go(w.blow)
	return w
}

// blow kills or freezes each process some time after it is ready.
func (w *weather) blow() {
	hit := 0
	for {
		select {
		case <-w.ended:
			return
		case <-time.After(time.Duration(w.random.IntN(1000)) * time.Millisecond):
		}
		st := w.s.status()
		if st.State != host.Ready || st.PID == 0 || st.PID == hit {
			continue
		}
		hit = st.PID
		signal := syscall.SIGKILL
		if w.random.IntN(10) == 0 {
			signal = syscall.SIGSTOP
			w.freezes++
		} else {
			w.kills++
		}
		_ = syscall.Kill(st.PID, signal) // gone is as good
	}
}

// upgrade tries until it is not the old process's end that spoils it.
func (w *weather) upgrade() {
	w.running.Go(func() {
		for w.s.hub.Upgrade(w.s.t.Context(), pluginName) != nil {
			if w.s.t.Context().Err() != nil {
				return
			}
		}
	})
}

func (w *weather) end() {
	close(w.ended)
	w.running.Wait()
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
