//go:build linux

package host_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// processes of a plugin that live.
func processes(p host.PluginSpec) int { return len(having(programEnv + "=" + p.Path)) }

// TestUpgradeThatFails leaves everything as it was.
func TestUpgradeThatFails(t *testing.T) {
	t.Parallel()
	bad := func(role string) func(*testing.T, string) {
		return func(t *testing.T, path string) { t.Helper(); write(t, path, as(t, role)) }
	}
	for name, tc := range map[string]struct {
		install func(t *testing.T, path string)
		reason  shared.Reason
		says    string
		hangs   bool
	}{
		"ends at once":          {bad("exits"), shared.ReasonPluginDown, "exit status 3", false},
		"does not speak":        {bad("no-handshake"), shared.ReasonPluginDown, "where it listens", true},
		"freezes":               {bad("freezes-at-start"), shared.ReasonPluginDown, "where it listens", true},
		"leads nowhere":         {bad("false-handshake"), shared.ReasonPluginDown, "", false},
		"hangs in Initialize":   {bad("hangs-in-initialize"), shared.ReasonDeadlineExceeded, "", true},
		"dies in Initialize":    {bad("exits-in-initialize"), shared.ReasonPluginDown, "", false},
		"refuses its settings":  {bad("refuses-settings"), shared.ReasonConfigInvalid, "Not these.", false},
		"speaks another tongue": {bad("other-version"), shared.ReasonIncompatible, "version 1", false},
		"is no program":         {func(t *testing.T, path string) { t.Helper(); write(t, path, "no-such-command") }, shared.ReasonPluginDown, "exit status 127", false},
		"is not there":          {func(t *testing.T, path string) { t.Helper(); require.NoError(t, os.Remove(path)) }, shared.ReasonPluginDown, "there is no file", false},
		"may be changed by others": {
			func(t *testing.T, path string) { t.Helper(); require.NoError(t, os.Chmod(path, 0o757)) },
			shared.ReasonPluginUntrusted, "chmod o-w", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := newStage(t), script(t, "p", as(t, "good"))
			h := start(t, s, func(o *host.Options) {
				soon(o)
				if tc.hangs {
					o.UpgradeTimeout = time.Second
				}
			}, p)
			h.reaches("p", host.Ready)
			before, record := h.status("p"), recordOf(t, s, "p")
			tc.install(t, p.Path)
			err := h.Upgrade(t.Context(), "p")
			require.ErrorIs(t, err, tc.reason)
			assert.Contains(t, err.Error(), "was not upgraded, and what ran before goes on")
			assert.Contains(t, err.Error(), tc.says)

			after := h.status("p")
			assert.Equal(t, before.PID, after.PID)
			assert.Equal(t, host.Ready, after.State)
			assert.Equal(t, 1, after.Starts)
			assert.Zero(t, after.Crashes)
			assert.Empty(t, after.Reason)
			_, err = read(h, "p")
			require.NoError(t, err)
			assert.Equal(t, record, recordOf(t, s, "p"), "not trusted")
			h.eventually("the new process is gone", func() bool { return processes(p) == 1 })
			h.logs("plugin was not upgraded; what ran before goes on")

			write(t, p.Path, as(t, "good"))
			// Where the limit is short, a slow machine may need more than one attempt.
			h.eventually("the next one succeeds", func() bool {
				err := h.Upgrade(t.Context(), "p")
				if !tc.hangs {
					require.NoError(t, err)
				}
				return err == nil
			})
		})
	}
}

func TestUpgradeKeepsToThePin(t *testing.T) {
	t.Parallel()
	s, p := newStage(t), script(t, "p", as(t, "good"))
	p.SHA256 = digestOf(t, p.Path)
	h := start(t, s, soon, p)
	h.reaches("p", host.Ready)
	require.NoError(t, h.Upgrade(t.Context(), "p"), "the same is the right one")
	pid := h.status("p").PID
	write(t, p.Path, "# another\n"+as(t, "good"))
	err := h.Upgrade(t.Context(), "p")
	require.ErrorIs(t, err, shared.ReasonPluginUntrusted)
	assert.Contains(t, err.Error(), "is pinned")
	assert.Equal(t, pid, h.status("p").PID)
}

// TestUpgradesComeOneAfterTheOther: there are never more than two processes.
func TestUpgradesComeOneAfterTheOther(t *testing.T) {
	t.Parallel()
	firstCtx, cancelFirst := context.WithCancel(t.Context())
	defer cancelFirst()
	h, p, first := upgrading(firstCtx, t, "hangs-in-initialize")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, h.Upgrade(ctx, "p"), shared.ReasonDeadlineExceeded, "the second waits as long as it likes")
	assert.Equal(t, 2, processes(p))
	cancelFirst()
	require.ErrorIs(t, <-first, shared.ReasonCanceled)

	write(t, p.Path, as(t, "good"))
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { assert.NoError(t, h.Upgrade(t.Context(), "p")) })
	}
	all.Wait()
	assert.Equal(t, 4, h.status("p").Starts)
	h.eventually("the last one is alone", func() bool { return processes(p) == 1 })
	_, err := read(h, "p")
	require.NoError(t, err)
}

// upgrading begins an upgrade to a role that never becomes ready, and waits until its process
// runs beside the former one. The result comes when the upgrade has ended.
func upgrading(ctx context.Context, t *testing.T, role string) (h *hub, p host.PluginSpec, upgraded <-chan error) {
	t.Helper()
	s, p := newStage(t), script(t, "p", as(t, "good"))
	h = start(t, s, soon, p)
	h.reaches("p", host.Ready)
	write(t, p.Path, as(t, role))
	ended := make(chan error, 1)
	go func() { ended <- h.Upgrade(ctx, "p") }()
	h.eventually("it is under way", func() bool { return processes(p) == 2 })
	return h, p, ended
}

// TestUpgradeThatIsCanceled says so, however far the new process has come.
func TestUpgradeThatIsCanceled(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"hangs-in-initialize", "no-handshake", "freezes-at-start"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			h, p, upgraded := upgrading(ctx, t, role)
			cancel()
			require.ErrorIs(t, <-upgraded, shared.ReasonCanceled)
			h.eventually("the former one is alone", func() bool { return processes(p) == 1 })
			_, err := read(h, "p")
			require.NoError(t, err)
		})
	}
}

func TestStopDuringUpgrade(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"hangs-in-initialize", "no-handshake", "freezes-at-start"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			h, p, upgraded := upgrading(context.Background(), t, role)
			h.ended()
			require.ErrorIs(t, <-upgraded, shared.ReasonDraining)
			assert.Zero(t, processes(p))
			require.ErrorIs(t, h.Upgrade(t.Context(), "p"), shared.ReasonDraining, "and no other after it")
		})
	}
}

// TestStopWhileAnOldProcessRetires does not wait for what it is doing.
func TestStopWhileAnOldProcessRetires(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := staged(t, s)
	h := start(t, s, nil, p)
	h.reaches("p", host.Ready)
	force := later(func() (*vehiclev1.VehicleData, error) {
		return h.Plugin("p").RefreshForce(context.Background(), "fast")
	})
	h.eventually("it is at the vendor", func() bool { return s.count("force fast") == 1 })
	require.NoError(t, h.Upgrade(t.Context(), "p"))
	assert.Equal(t, 2, processes(p))
	h.ended()
	assert.Zero(t, processes(p))
	err := <-force
	require.Error(t, err)
	assert.True(t, shared.AsAPIError(err).MayHaveHappened || errors.Is(err, shared.ReasonDraining), "%v", err)
}
