package host_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
)

var goodSettings = json.RawMessage(`{"username":"somebody@example.com","password":"secret-1"}`)

// spec is a plugin that this test binary plays.
func spec(name, role string, s stage) host.PluginSpec {
	return host.PluginSpec{
		Name: name, Path: os.Args[0], Settings: goodSettings,
		Env: []string{roleEnv + "=" + role, stageEnv + "=" + string(s)},
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

	mu     sync.Mutex
	events []host.Event
	log    bytes.Buffer
}

func (h *hub) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(p)
}

func (h *hub) logged() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.String()
}

func start(t *testing.T, s stage, change func(*host.Options), specs ...host.PluginSpec) *hub {
	t.Helper()
	h := &hub{t: t, stage: s}
	o := host.Options{
		Plugins: specs, StateDir: filepath.Join(string(s), "state"),
		Logger: slog.New(slog.NewJSONHandler(h, &slog.HandlerOptions{Level: slog.LevelDebug})),
		// No pause between crashes, but for those tests that want one.
		Random: func() float64 { return 0 },
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
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, h.Stop(ctx))
	})
	return h
}

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
	require.Eventually(h.t, cond, 20*time.Second, 2*time.Millisecond, what)
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
	h.eventually("the crash is seen", func() bool { return h.status(name).Crashes == st.Crashes+1 })
}

func (h *hub) saw(kind host.EventKind, state host.State) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if e.Kind == kind && e.State == state {
			return true
		}
	}
	return false
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// quickProbes find a plugin that stands still within a second.
func quickProbes(o *host.Options) {
	o.ProbeInterval, o.ProbeTimeout = 200*time.Millisecond, 500*time.Millisecond
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
