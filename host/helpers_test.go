package host_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

var goodSettings = json.RawMessage(`{"username":"somebody@example.com","password":"secret-1"}`)

// spec is a plugin that this test binary plays.
func spec(name, role string, s stage) host.PluginSpec {
	return host.PluginSpec{
		Name: name, Path: os.Args[0], Settings: goodSettings,
		// The race detector makes a program wait a second at its end.
		Env: []string{roleEnv + "=" + role, stageEnv + "=" + string(s), mark(), "GORACE=atexit_sleep_ms=0"},
		// A program with the race detector needs more address space than any
		// limit allows, and the stage is the test's own.
		MemoryLimit: -1, SameUser: true,
	}
}

// hub is a running host with what it tells.
type hub struct {
	*host.Host
	t     *testing.T
	stage stage

	log await.Log

	mu     sync.Mutex
	events []host.Event
}

func (h *hub) logged() string { return h.log.String() }

func start(t *testing.T, s stage, change func(*host.Options), specs ...host.PluginSpec) *hub {
	t.Helper()
	h := &hub{t: t, stage: s}
	o := host.Options{
		Plugins: specs, StateDir: filepath.Join(string(s), "state"),
		Logger: slog.New(slog.NewJSONHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		// No pause between crashes, but for those tests that want one.
		Random: func() float64 { return 0 },
		// However slow the machine is, no process fails for it, but in those tests
		// that are about one which is late.
		StartTimeout: await.Limit, InitializeTimeout: await.Limit, UpgradeTimeout: await.Limit, ProbeTimeout: await.Limit,
		OnEvent: func(e host.Event) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.events = append(h.events, e)
		},
	}
	if change != nil {
		change(&o)
	}
	var err error
	h.Host, err = host.New(o)
	require.NoError(t, err)
	require.NoError(t, h.Start(t.Context()))
	t.Cleanup(h.ended)
	return h
}

// ended stops a host, as the end of its test does.
func (h *hub) ended() {
	h.t.Helper()
	require.NoError(h.t, h.Stop(await.Context(h.t, "the end of the host")))
}

// late is when a start that does not end is given up. The other plugin, which has
// the same limit, may need more than one attempt on a slow machine.
func late(o *host.Options) { o.StartTimeout, o.CrashLimit = 3*time.Second, -1 }

func newStage(t *testing.T) stage { t.Helper(); return stage(t.TempDir()) }

func (h *hub) status(name string) host.PluginStatus {
	for _, st := range h.Status() {
		if st.Name == name {
			return st
		}
	}
	h.t.Fatalf("no plugin %s", name)
	return host.PluginStatus{}
}

func (h *hub) eventually(what string, cond func() bool) {
	h.t.Helper()
	await.True(h.t, what, cond)
}

func (h *hub) reaches(name string, state host.State) {
	h.t.Helper()
	h.eventually(fmt.Sprintf("%s is %s", name, state), func() bool { return h.status(name).State == state })
}

// kill kills the plugin's process and waits until the host has seen it.
func (h *hub) kill(name string) {
	h.t.Helper()
	st := h.status(name)
	require.Positive(h.t, st.PID, "0 would be everybody here")
	require.NoError(h.t, syscall.Kill(st.PID, syscall.SIGKILL))
	h.eventually("the crash is seen", func() bool { return h.status(name).Crashes > st.Crashes })
}

// happens waits for an event. A status that lasts for a moment may be missed by
// who looks at it now and then, and shows before its event does.
func (h *hub) happens(what string, match func(host.Event) bool) {
	h.t.Helper()
	h.eventually(what, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return slices.ContainsFunc(h.events, match)
	})
}

// enters waits until the hub is told of a state.
func (h *hub) enters(state host.State) {
	h.t.Helper()
	h.happens(fmt.Sprintf("the event of the state %s", state), func(e host.Event) bool {
		return e.Kind == host.EventState && e.State == state
	})
}

// crashReports are those that the hub was told of.
func (h *hub) crashReports() (all []host.CrashReport) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if e.Kind == host.EventCrash {
			all = append(all, *e.Crash)
		}
	}
	return all
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// frequentProbes find what does not need a limit of time.
func frequentProbes(o *host.Options) { o.ProbeInterval = 200 * time.Millisecond }

// quickProbes find a plugin that stands still within seconds. On a slow machine
// they may find one that does not.
func quickProbes(o *host.Options) {
	o.ProbeInterval, o.ProbeTimeout = 200*time.Millisecond, 2*time.Second
}

func (h *hub) logs(words string) {
	h.t.Helper()
	h.eventually("the log says: "+words, func() bool { return strings.Contains(h.logged(), words) })
}

// digestOf is what a pin has to say.
func digestOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
