//go:build linux

package host_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

// hostile is a plugin that plays a role of the corpus, protected as by default.
func hostile(t *testing.T, name, role string) host.PluginSpec {
	t.Helper()
	path, err := hostileProgram()
	require.NoError(t, err)
	return host.PluginSpec{Name: name, Path: path, Args: []string{role}, Settings: goodSettings, Env: []string{mark()}}
}

// misbehaviour is one entry of the corpus.
type misbehaviour struct {
	spec    func(*host.PluginSpec)
	options func(*host.Options)
	// then does what there is to do and checks what the user sees.
	then func(h *hub)
	// stops: then ends the whole host.
	stops bool
	// needsRoot: the protection needs a user of the plugin's own.
	needsRoot bool
}

// served: it misbehaves, and serves all the same.
func served(h *hub) {
	h.t.Helper()
	h.reaches("bad", host.Ready)
	for range 3 {
		_, err := read(h, "bad")
		require.NoError(h.t, err)
	}
	assert.Zero(h.t, h.status("bad").Crashes)
}

func read(h *hub, plugin string) (soc float64, err error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), await.Limit)
	defer cancel()
	data, err := h.Plugin(plugin).RefreshCached(ctx, "car1")
	return data.GetBattery().GetSoc(), err
}

// refused: a read ends with the reason, and the error says so in words.
func refused(reason shared.Reason, words ...string) func(*hub) {
	return func(h *hub) {
		h.t.Helper()
		_, err := read(h, "bad")
		require.ErrorIs(h.t, err, reason)
		for _, w := range words {
			assert.Contains(h.t, err.Error(), w)
		}
	}
}

// neverStarts: the hub and the callers hear why, and the status says it.
func neverStarts(reason shared.Reason, words ...string) func(*hub) {
	return func(h *hub) {
		h.t.Helper()
		refused(reason, words...)(h)
		h.happens("the hub hears why", func(e host.Event) bool {
			return e.Plugin == "bad" && e.Reason == string(reason) && e.Message != ""
		})
		h.eventually("the status says why", func() bool {
			st := h.status("bad")
			return st.Reason == string(reason) && st.Message != ""
		})
	}
}

// crashes: the process ends for the cause, the report tells it, and the plugin
// comes back.
func crashes(cause host.CrashCause, words ...string) func(*hub) {
	return func(h *hub) {
		h.t.Helper()
		h.eventually("it has crashed", func() bool { return h.status("bad").LastCrash != nil })
		r := h.status("bad").LastCrash
		assert.Equal(h.t, cause, r.Cause, "%+v", r)
		for _, w := range words {
			assert.Contains(h.t, r.Message, w)
		}
		h.eventually("it is started again", func() bool { return h.status("bad").Starts > 1 })
	}
}

// dies: as crashes, under a read, which is made once more and then answered. Each
// of the two reports has the call that was under way.
func dies(cause host.CrashCause, words ...string) func(*hub) {
	return func(h *hub) {
		h.t.Helper()
		_, err := read(h, "bad")
		require.ErrorIs(h.t, err, shared.ReasonPluginDown)
		h.eventually("both crashes are told", func() bool { return len(underWay(h.crashReports())) >= 2 })
		assert.Len(h.t, underWay(h.crashReports()), 2)
		assert.Equal(h.t, 1, h.status("bad").Replayed)
		for _, r := range h.crashReports() {
			assert.Equal(h.t, cause, r.Cause, "%+v", r)
		}
		crashes(cause, words...)(h)
	}
}

// underWay are the reports with a call in them.
func underWay(all []host.CrashReport) (some []host.CrashReport) {
	for _, r := range all {
		if len(r.InFlight) > 0 {
			some = append(some, r)
		}
	}
	return some
}

// stops: the end of the host is bounded.
func stops(h *hub) {
	h.t.Helper()
	h.reaches("bad", host.Ready)
	pid := h.status("bad").PID
	h.ended()
	assert.True(h.t, gone(pid))
}

func smallMemory(s *host.PluginSpec) { s.MemoryLimit = 200 << 20 }

func corpus() map[string]misbehaviour {
	return map[string]misbehaviour{
		// At the start.
		"no-handshake": {
			options: late,
			then:    neverStarts(shared.ReasonPluginDown, "did not say within 3s where it listens"),
		},
		"freezes-at-start": {
			options: late,
			then:    neverStarts(shared.ReasonPluginDown, "did not say within"),
		},
		"exits":         {then: neverStarts(shared.ReasonPluginDown, "exit status 3", "Its log has the reason")},
		"other-version": {then: neverStarts(shared.ReasonIncompatible, "version 1")},
		"wrong-digest": {
			spec: func(s *host.PluginSpec) { s.Args[0], s.SHA256 = "good", strings.Repeat("ab", 32) },
			then: neverStarts(shared.ReasonPluginUntrusted, "is pinned"),
		},
		"false-handshake":     {then: crashes(host.CauseDisconnected, "connection")},
		"handshake-elsewhere": {then: crashes(host.CauseDisconnected, "connection")},
		"exits-in-initialize": {then: crashes(host.CauseExit, "exit status 0")},
		"hangs-in-initialize": {
			// However slow the machine is, the read must not find it in quarantine,
			// and the other plugin has as many attempts as it needs.
			options: func(o *host.Options) { o.InitializeTimeout, o.CrashLimit = time.Second, -1 },
			then:    refused(shared.ReasonDeadlineExceeded),
		},
		"many-cars": {then: func(h *hub) {
			h.reaches("bad", host.Ready)
			assert.Equal(h.t, 20_000, h.status("bad").Vehicles)
		}},
		// What it writes.
		"numeric-message":   {then: served},
		"handshake-noise":   {then: served},
		"long-lines":        {then: served},
		"endless-line":      {then: served},
		"slow-drip":         {then: served},
		"binary-noise":      {then: served},
		"lost-clock-in-log": {then: served},
		"flood": {then: func(h *hub) {
			served(h)
			assert.Less(h.t, len(h.logged()), 4<<20, "the hub's log is not flooded")
		}},
		"false-panic": {then: func(h *hub) {
			served(h)
			h.kill("bad")
			// On a slow machine the end of its connection shows long before its own.
			assert.Contains(h.t, []host.CrashCause{host.CauseSignal, host.CauseDisconnected}, h.status("bad").LastCrash.Cause, "a word does not make a panic")
		}},
		// What it answers.
		"huge-reply": {spec: func(s *host.PluginSpec) { s.MemoryLimit = 4 << 30 }, then: func(h *hub) {
			refused(shared.ReasonInvalidResponse, "larger than 4 MiB")(h)
			assert.Zero(h.t, h.status("bad").Crashes)
		}},
		"too-many-cars": {then: func(h *hub) {
			served(h)
			assert.Less(h.t, len(h.Vehicles()), 21_000)
			h.logs("more cars than a hub can look after")
		}},
		"invalid-utf8":    {then: refused(shared.ReasonInternal)},
		"broken-protobuf": {then: refused(shared.ReasonInternal)},
		"missing-parts":   {then: refused(shared.ReasonInvalidResponse, "another vehicle")},
		"no-metadata":     {then: refused(shared.ReasonInvalidResponse, "where its data comes from")},
		"other-car":       {then: refused(shared.ReasonInvalidResponse, "another vehicle")},
		"clock-far-off":   {then: refused(shared.ReasonInvalidResponse, "from the future")},
		"unknown-enum":    {then: served},
		"never-answers": {then: func(h *hub) {
			h.reaches("bad", host.Ready)
			ctx, cancel := context.WithTimeout(h.t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err := h.Plugin("bad").RefreshCached(ctx, "car1")
			require.ErrorIs(h.t, err, shared.ReasonDeadlineExceeded)
			h.eventually("the probe that follows finds it alive", func() bool { return h.status("bad").State == host.Ready })
			assert.Zero(h.t, h.status("bad").Crashes)
		}},
		"error-storm": {then: func(h *hub) {
			h.reaches("bad", host.Ready)
			for range 100 {
				_, err := read(h, "bad")
				var api *shared.APIError
				require.ErrorAs(h.t, err, &api)
				assert.NotEmpty(h.t, api.Reason)
				assert.Less(h.t, len(api.Error()), 2000)
			}
			assert.Zero(h.t, h.status("bad").Crashes, "an error is no crash")
		}},
		"says-unavailable": {then: func(h *hub) {
			refused(shared.ReasonPluginDown)(h)
			refused(shared.ReasonPluginDown)(h)
			assert.Zero(h.t, h.status("bad").Crashes, "it lives, whatever it says")
		}},
		"says-draining": {then: refused(shared.ReasonDraining)},
		// How it is.
		"silent-health": {
			// No probe takes this for its own limit.
			options: func(o *host.Options) { o.ProbeTimeout, o.ProbeInterval = 200*time.Millisecond, await.Limit },
			then:    func(h *hub) { served(h); h.logs("does not say how it is") },
		},
		"stuck-workers":   {then: crashes(host.CauseStuck, "All workers of the plugin were stuck")},
		"ending-health":   {then: func(h *hub) { served(h); h.logs("ended its health stream") }},
		"empty-health":    {then: served},
		"flapping-health": {then: flapping},
		// What it brings without being asked.
		"floods-updates": {then: func(h *hub) {
			served(h)
			for range 20 {
				d, err := h.Update(h.t.Context())
				require.NoError(h.t, err)
				assert.Equal(h.t, "car1", d.GetVehicle().GetId(), "no other car is its own")
			}
		}},
		"false-updates": {then: func(h *hub) { served(h); h.logs("updates are not taken any more") }},
		// How it ends.
		"panics":                 {then: dies(host.CausePanic, "panic: no map for this car")},
		"panics-in-goroutine":    {then: crashes(host.CausePanic, "panic: in the background")},
		"exits-cleanly":          {then: dies(host.CauseExit, "exit status 0")},
		"freezes-in-call":        {options: quickProbes, then: dies(host.CauseFrozen, "did not answer any more")},
		"closes-its-socket":      {options: frequentProbes, then: closesItsSocket},
		"crashes-always":         {then: quarantined},
		"grandchild-holds-pipes": {stops: true, then: func(h *hub) { dies(host.CauseExit, "exit status 1")(h); noStrays(h) }},
		"freezes-in-stop":        {stops: true, then: stops},
		"hangs-in-drain":         {stops: true, then: stops},
		"ignores-signals":        {stops: true, then: stops},
		// What it takes.
		"memory-hog": {spec: smallMemory, then: func(h *hub) {
			dies(host.CausePanic, "fatal error", "memory")(h)
			// Which word of Go's it is hangs on what it was asked for last: heap, or what the heap is kept in.
			assert.Regexp(h.t, "out of memory|cannot allocate memory", h.status("bad").LastCrash.Message)
		}},
		"shared-hog": {spec: smallMemory, options: frequentProbes, then: func(h *hub) {
			_, err := read(h, "bad")
			require.NoError(h.t, err)
			crashes(host.CauseMemory, "more memory than it may")(h)
		}},
		"descriptor-hog": {then: func(h *hub) { _, _ = read(h, "bad"); h.logs("out of files") }},
		"disk-hog":       {then: func(h *hub) { served(h); h.logs("no more:") }},
		"locked-folder":  {then: served},
		"fork-storm": {stops: true, needsRoot: true, then: func(h *hub) {
			_, _ = read(h, "bad")
			h.logs("no more children")
			noStrays(h)
		}},
		// What it gives away.
		"tells-secrets": {options: frequentProbes, then: tellsSecrets},
	}
}

// TestHostilePlugins: whatever a plugin does, the hub lives, its other plugin
// answers, the user is told what happened, and nothing stays behind.
func TestHostilePlugins(t *testing.T) {
	t.Parallel()
	_, err := hostileProgram()
	require.NoError(t, err)
	for role, m := range corpus() {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			if m.needsRoot && os.Geteuid() != 0 {
				t.Skip("needs root, for a user of the plugin's own")
			}
			bad := hostile(t, "bad", role)
			if m.spec != nil {
				m.spec(&bad)
			}
			h := start(t, newStage(t), func(o *host.Options) {
				o.StateDir = "" // below the runtime directory, where every user can get to
				if m.options != nil {
					m.options(o)
				}
			}, bad, hostile(t, "good", "good"))
			ended := make(chan struct{})
			var neighbour sync.WaitGroup
			neighbour.Go(func() {
				h.reaches("good", host.Ready)
				for {
					soc, err := read(h, "good")
					assert.NoError(t, err, "the other plugin is not concerned")
					assert.InDelta(t, 50, soc, 0)
					select {
					case <-ended:
						return
					case <-time.After(20 * time.Millisecond):
					}
				}
			})
			t.Cleanup(func() { redacttest.NotIn(t, h.logged(), "secret-1") })
			defer neighbour.Wait()
			defer close(ended)
			if !m.stops {
				m.then(h)
				return
			}
			ended <- struct{}{} // the neighbour is stopped, too
			m.then(h)
		})
	}
}

// flapping: only so much of it is heard, in bounded pieces.
func flapping(h *hub) {
	h.t.Helper()
	served(h)
	h.eventually("more of its health has been heard than may come at once", func() bool { return len(h.flaps()) > 24 })
	st := h.status("bad")
	assert.LessOrEqual(h.t, len(st.Message), 500)
	assert.LessOrEqual(h.t, len(st.Reason), 500)
	assert.Empty(h.t, st.Figures.Counters, "none that is known")
	// Twenty at once and two a second are taken, however fast it sends.
	flaps := h.flaps()
	lasted := flaps[len(flaps)-1].Time.Sub(flaps[0].Time)
	assert.LessOrEqual(h.t, float64(len(flaps)), 30+3*lasted.Seconds())
}

// flaps are the events that tell of the plugin's health.
func (h *hub) flaps() (all []host.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if e.Plugin == "bad" && e.Kind == host.EventHealth {
			all = append(all, e)
		}
	}
	return all
}

func closesItsSocket(h *hub) {
	h.t.Helper()
	_, err := read(h, "bad")
	require.NoError(h.t, err)
	pid := h.status("bad").PID
	crashes(host.CauseDisconnected, "closed its connection")(h)
	h.eventually("it is gone", func() bool { return gone(pid) })
	_, err = read(h, "bad")
	require.NoError(h.t, err, "the next process serves")
}

// quarantined: after five crashes it rests, until somebody acts.
func quarantined(h *hub) {
	h.t.Helper()
	h.reaches("bad", host.Quarantined)
	st := h.status("bad")
	assert.Equal(h.t, 5, st.Crashes)
	byCause := 0
	for _, n := range st.CrashesByCause {
		byCause += n
	}
	assert.Equal(h.t, 5, byCause)
	assert.Equal(h.t, string(shared.ReasonPluginQuarantined), st.Reason)
	assert.Contains(h.t, st.Message, "panic: as always")
	refused(shared.ReasonPluginQuarantined, "not started again")(h)
	require.NoError(h.t, h.Release("bad"))
	h.eventually("it is tried again", func() bool { return h.status("bad").Crashes > st.Crashes })
	require.ErrorIs(h.t, h.Release("nobody"), shared.ReasonInvalidCommand)
}

// noStrays: nothing of the plugin's outlives it where it has a user of its own.
func noStrays(h *hub) {
	h.t.Helper()
	if os.Geteuid() != 0 {
		return // then only its process group is known
	}
	h.reaches("bad", host.Ready)
	uid := owner(h.t, h.status("bad").PID)
	h.ended()
	entries, err := os.ReadDir("/proc")
	require.NoError(h.t, err)
	for _, e := range entries {
		status, err := os.ReadFile(filepath.Join("/proc", e.Name(), "status"))
		if err == nil && strings.Contains(string(status), "\nUid:\t"+uid+"\t") {
			assert.Contains(h.t, string(status), "State:\tZ", "a stray")
		}
	}
}

func tellsSecrets(h *hub) {
	h.t.Helper()
	_, err := read(h, "bad")
	require.ErrorIs(h.t, err, shared.ReasonAuthFailed)
	texts := []string{err.Error()}
	h.eventually("it has crashed", func() bool { return h.status("bad").LastCrash != nil })
	crash, jsonErr := json.Marshal(h.status("bad"))
	require.NoError(h.t, jsonErr)
	h.mu.Lock()
	events, jsonErr := json.Marshal(h.events)
	h.mu.Unlock()
	require.NoError(h.t, jsonErr)
	for _, text := range append(texts, string(crash), string(events), h.logged()) {
		redacttest.NotIn(h.t, text, "secret-1", "somebody@example.com")
	}
}

// owner is the number of a process's user.
func owner(t *testing.T, pid int) string {
	t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	require.NoError(t, err)
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); fields[0] == "Uid:" {
			return fields[1]
		}
	}
	return ""
}
