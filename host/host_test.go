package host_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func TestLife(t *testing.T) {
	s := newStage(t)
	t.Setenv("HUB_SECRET", "nobody's business")
	h := start(t, s, nil, spec("p", "plugin", s))
	plugin := h.Plugin("p")
	data, err := plugin.RefreshCached(t.Context(), "fast") // waits until the plugin is ready
	require.NoError(t, err)
	assert.Equal(t, "fast", data.GetVehicle().GetId())
	assert.Len(t, h.Vehicles(), 4)
	assert.Nil(t, h.Plugin("another"))

	st := h.status("p")
	assert.Equal(t, host.Ready, st.State)
	assert.Equal(t, 1, st.Starts)
	parent, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", st.PID))
	if runtime.GOOS == "linux" {
		require.NoError(t, err)
		fields := strings.Fields(string(parent[bytes.LastIndexByte(parent, ')')+1:]))
		assert.Equal(t, fmt.Sprint(os.Getpid()), fields[1], "the plugin is a direct child")
		for _, file := range []string{"environ", "cmdline"} {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", st.PID, file))
			require.NoError(t, err)
			assert.NotContains(t, string(b), "nobody's business", "the hub's environment stays with the hub")
			assert.NotContains(t, string(b), "secret-1", "settings travel inside the connection")
		}
	}
	h.ended()
	assert.True(t, gone(st.PID))
	require.NoError(t, h.Stop(t.Context()), "twice does no harm")
	_, err = plugin.RefreshCached(t.Context(), "fast")
	require.ErrorIs(t, err, shared.ReasonDraining)
	for _, state := range []host.State{host.Verifying, host.Starting, host.Initializing, host.Ready, host.Draining, host.Stopped} {
		h.enters(state)
	}
	require.Error(t, h.Start(t.Context()))
}

// TestKillInTheMiddleOfCalls: whatever is under way when the plugin dies is
// answered. Reads are made again after the restart; a wake never is.
func TestKillInTheMiddleOfCalls(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	h := start(t, s, nil, spec("p", "plugin", s))
	h.reaches("p", host.Ready)
	plugin := h.Plugin("p")
	type result struct {
		data *vehiclev1.VehicleData
		err  error
	}
	call := func(f func() (*vehiclev1.VehicleData, error)) <-chan result {
		out := make(chan result, 1)
		go func() {
			d, err := f()
			out <- result{d, err}
		}()
		return out
	}
	ctx := t.Context()
	cached := call(func() (*vehiclev1.VehicleData, error) { return plugin.RefreshCached(ctx, "slow") })
	force := call(func() (*vehiclev1.VehicleData, error) { return plugin.RefreshForce(ctx, "fast") })
	h.eventually("both calls are at the vendor", func() bool { return s.count("cached slow") == 1 && s.count("force fast") == 1 })
	h.kill("p")
	forced := <-force
	require.ErrorIs(t, forced.err, shared.ReasonPluginDown)
	assert.True(t, shared.AsAPIError(forced.err).MayHaveHappened, "the car may have been woken")
	var refresh *shared.RefreshError
	require.ErrorAs(t, forced.err, &refresh)
	assert.Equal(t, shared.ModeForce, refresh.Mode)
	s.set("release")
	read := <-cached
	require.NoError(t, read.err, "the read was made again")
	assert.Equal(t, 2, s.count("cached slow"))
	assert.Equal(t, 1, s.count("force fast"), "the wake was not")
	h.happens("the crash is told", func(e host.Event) bool { return e.Kind == host.EventCrash && e.State == host.Crashed })
	assert.Equal(t, 2, h.status("p").Starts)
}

// TestReadIsMadeTwiceAtMost: a call that kills the plugin each time does not do
// so for ever.
func TestReadIsMadeTwiceAtMost(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	h := start(t, s, nil, spec("p", "plugin", s))
	h.reaches("p", host.Ready)
	out := make(chan error, 1)
	go func() {
		_, err := h.Plugin("p").RefreshCached(context.Background(), "slow")
		out <- err
	}()
	for n := 1; n <= 2; n++ {
		h.eventually("the call is at the vendor", func() bool { return s.count("cached slow") == n })
		h.kill("p")
	}
	require.ErrorIs(t, <-out, shared.ReasonPluginDown)
	h.reaches("p", host.Ready)
	assert.Equal(t, 2, s.count("cached slow"))
}

// TestFrozenPluginDoesNotFreezeTheHub: SIGSTOP, in a call and in the stop.
func TestFrozenPluginDoesNotFreezeTheHub(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	h := start(t, s, nil, spec("p", "plugin", s), spec("other", "plugin", s))
	h.reaches("p", host.Ready)
	pid := h.status("p").PID
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	h.eventually("it stands", func() bool { return stopped(pid) })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := h.Plugin("p").RefreshCached(ctx, "fast")
	require.ErrorIs(t, err, shared.ReasonDeadlineExceeded)
	_, err = h.Plugin("other").RefreshCached(t.Context(), "fast")
	require.NoError(t, err)
	h.ended()
	assert.True(t, gone(pid))
}

func TestPluginsThatDoNotStart(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for name, tc := range map[string]struct {
		spec   host.PluginSpec
		reason shared.Reason
		says   string
	}{
		"no such file":   {host.PluginSpec{Name: "bad", Path: "/nonexistent/plugin", Settings: goodSettings, SameUser: true}, shared.ReasonPluginDown, "no file"},
		"not executable": {host.PluginSpec{Name: "bad", Path: string(s), Settings: goodSettings, SameUser: true}, shared.ReasonPluginDown, "cannot be started"},
		"not a plugin":   {spec("bad", "not-a-plugin", s), shared.ReasonPluginDown, "vehicle plugin?"},
		"no handshake":   {spec("bad", "silent", s), shared.ReasonPluginDown, "did not start"},
		"other version":  {spec("bad", "other-version", s), shared.ReasonIncompatible, "version 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, newStage(t), func(o *host.Options) {
				late(o)
				o.Random = func() float64 { return 0.9 }
			}, tc.spec, spec("good", "plugin", s))
			h.reaches("good", host.Ready)
			_, err := h.Plugin("bad").RefreshCached(t.Context(), "fast")
			require.ErrorIs(t, err, tc.reason)
			assert.Contains(t, err.Error(), tc.says)
			_, err = h.Plugin("good").RefreshCached(t.Context(), "fast")
			require.NoError(t, err, "the other plugin is not concerned")
		})
	}
}

func TestCommonVersionIsFound(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	h := start(t, s, nil, spec("p", "both-versions", s))
	h.reaches("p", host.Ready)
	_, err := h.Plugin("p").RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
}

// TestNoiseDoesNotHurt: lines before the handshake, long ones, and a line on
// stderr that is known to end hubs.
func TestNoiseDoesNotHurt(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	h := start(t, s, nil, spec("p", "noise", s))
	h.reaches("p", host.Ready)
	_, err := h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.NoError(t, err)
}

func TestSettingsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := spec("p", "plugin", s)
	p.Settings = json.RawMessage(`{}`)
	h := start(t, s, nil, p)
	h.reaches("p", host.Degraded)
	_, err := h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.ErrorIs(t, err, shared.ReasonConfigInvalid)
	assert.Equal(t, string(shared.ReasonConfigInvalid), h.status("p").Reason)
	pid := h.status("p").PID

	// Better ones can be handed over without a restart.
	cars, err := h.Plugin("p").Initialize(t.Context(), shared.Config{Settings: goodSettings})
	require.NoError(t, err)
	assert.Len(t, cars, 4)
	h.reaches("p", host.Ready)
	assert.Equal(t, pid, h.status("p").PID)
	_, err = h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.NoError(t, err)
	h.kill("p")
	h.reaches("p", host.Ready)
	_, err = h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.NoError(t, err, "the next process gets them, too")
}

func TestLoginThatIsRefusedIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.set("refuse")
	h := start(t, s, nil, spec("p", "plugin", s))
	h.reaches("p", host.Degraded)
	_, err := h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.ErrorIs(t, err, shared.ReasonAuthFailed)
	_, err = h.Find(t.Context(), "fast")
	require.ErrorIs(t, err, shared.ReasonAuthFailed, "who cannot say which cars it has says why")
	assert.Equal(t, 1, s.count("list"))
}

func TestOutageAtTheStartPasses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.set("outage")
	// With a pause between attempts: five of them open the breaker for a minute.
	h := start(t, s, func(o *host.Options) { o.Random = func() float64 { return 0.99 } }, spec("p", "plugin", s))
	h.eventually("the failure is known", func() bool { return h.status("p").Reason == string(shared.ReasonVendorUnavailable) })
	_, err := h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.ErrorIs(t, err, shared.ReasonVendorUnavailable, "answered at once")
	require.NoError(t, os.Remove(s.path("outage")))
	h.reaches("p", host.Ready)
	_, err = h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.NoError(t, err)
}

func TestHealthShowsInTheState(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.set("down")
	h := start(t, s, nil, spec("p", "plugin", s))
	h.reaches("p", host.Ready)
	for i := range 5 { // of one car alone they would not be the cloud's
		_, err := h.Plugin("p").RefreshCached(t.Context(), fmt.Sprint("down", i))
		require.ErrorIs(t, err, shared.ReasonVendorUnavailable)
	}
	h.reaches("p", host.Degraded)
	st := h.status("p")
	assert.Equal(t, "open", st.Breaker)
	assert.Equal(t, string(shared.ReasonCircuitOpen), st.Reason)
	assert.NotEmpty(t, st.Message)
	_, err := h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.ErrorIs(t, err, shared.CircuitBreakerOpenError, "typed across the boundary")
	assert.Positive(t, shared.AsAPIError(err).RetryAfter)
}

func TestFind(t *testing.T) {
	t.Parallel()
	s1, s2 := newStage(t), newStage(t)
	h := start(t, s1, nil, spec("one", "plugin", s1), host.PluginSpec{Name: "broken", Path: "/nonexistent", Settings: goodSettings, SameUser: true},
		spec("two", "both-versions", s2))
	found, err := h.Find(t.Context(), "car1") // of the second; Find waits for it
	require.NoError(t, err)
	_, err = found.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	_, err = h.Find(t.Context(), "nobody's")
	require.ErrorIs(t, err, shared.ReasonPluginDown, "the broken plugin might have it")

	alone := start(t, s2, nil, spec("one", "plugin", s2))
	_, err = alone.Find(t.Context(), "nobody's")
	require.ErrorIs(t, err, shared.ReasonUnknownVehicle)
}

func TestRequestIDsJoinTheLogs(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	h := start(t, s, nil, spec("p", "plugin", s))
	ctx := shared.WithCallInfo(t.Context(), shared.CallInfo{RequestID: "req-4711"})
	_, err := h.Plugin("p").RefreshCached(ctx, "noisy")
	require.NoError(t, err)
	h.eventually("the plugin's line is in the hub's log", func() bool {
		for line := range strings.Lines(h.logged()) {
			if strings.Contains(line, "a line of the vendor's") {
				return strings.Contains(line, `"request_id":"req-4711"`) && strings.Contains(line, `"level":"WARN"`) &&
					strings.Contains(line, `"plugin":"p"`) && strings.Contains(line, `"vehicle":"noisy"`)
			}
		}
		return false
	})
	redacttest.NotIn(t, h.logged(), "secret-1", "somebody@example.com")
}

// playHub is a hub that says what its plugin's pid is, and waits to be killed.
func playHub(s stage) {
	h, err := host.New(host.Options{Plugins: []host.PluginSpec{spec("p", "plugin", s)}})
	if err != nil {
		panic(err)
	}
	if err := h.Start(context.Background()); err != nil {
		panic(err)
	}
	if _, err := h.Plugin("p").RefreshCached(context.Background(), "fast"); err != nil {
		panic(err)
	}
	fmt.Println(h.Status()[0].PID)
	select {}
}

// TestPluginDiesWithItsHub: a hub that is killed leaves no plugin behind.
func TestPluginDiesWithItsHub(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"=hub", stageEnv+"="+string(s))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	var pid int
	_, err = fmt.Sscan(line, &pid)
	require.NoError(t, err)
	require.False(t, gone(pid))
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // killed
	await.True(t, "the plugin has died with its hub", func() bool { return gone(pid) || zombie(pid) })
}

// zombie: dead, and nobody has asked for its status. The orphan's new parent may
// be slow to.
func zombie(pid int) bool { return stateOf(pid) == "Z" }

// stateOf is the letter that Linux has for what a process does.
func stateOf(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // gone: none
	_, after, _ := strings.Cut(string(b), ") ")
	return after[:min(1, len(after))]
}

func TestStopDuringStart(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	h := start(t, s, nil, spec("p", "silent", s))
	h.reaches("p", host.Starting)
	h.ended()
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]host.Options{
		"no plugin": {},
		"bad name":  {Plugins: []host.PluginSpec{{Name: "../x", Path: "/x"}}},
		"twice":     {Plugins: []host.PluginSpec{{Name: "x", Path: "/x"}, {Name: "x", Path: "/y"}}},
		"no path":   {Plugins: []host.PluginSpec{{Name: "x"}}},
	} {
		_, err := host.New(o)
		require.Error(t, err, name)
	}
}
