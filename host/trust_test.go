//go:build linux

package host_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// installed is a plugin of the corpus at a path of its own, where a test can
// replace it.
func installed(t *testing.T, name, role string) host.PluginSpec {
	t.Helper()
	p := hostile(t, name, role)
	body, err := os.ReadFile(p.Path)
	require.NoError(t, err)
	p = elsewhere(t, p)
	require.NoError(t, os.WriteFile(p.Path, body, 0o700))
	return p
}

// elsewhere gives a plugin a path of its own, where there is nothing yet.
func elsewhere(t *testing.T, p host.PluginSpec) host.PluginSpec {
	t.Helper()
	p.Path = filepath.Join(t.TempDir(), "program")
	p.SameUser = true // the stage is the test's own
	p.Env = append(p.Env, programEnv+"="+p.Path)
	return p
}

// replace puts another program at the plugin's path, which behaves the same, and
// returns what puts the former one back.
func replace(t *testing.T, p host.PluginSpec) (putBack func()) {
	t.Helper()
	body, err := os.ReadFile(p.Path)
	require.NoError(t, err)
	put := func(body []byte) {
		beside := p.Path + ".new"
		require.NoError(t, os.WriteFile(beside, body, 0o700))
		require.NoError(t, os.Rename(beside, p.Path))
	}
	put(append(append([]byte{}, body...), "another release"...))
	return func() { put(body) }
}

// soon: some pause between attempts, but a short one.
func soon(o *host.Options) { o.Random = func() float64 { return 0.02 } }

// recorded is what the host keeps about a plugin.
type recorded struct {
	Digest     string    `json:"digest"`
	Trusted    time.Time `json:"trusted"`
	Quarantine *struct {
		Why string `json:"why"`
	} `json:"quarantine"`
}

func recordPath(s stage, name string) string { return s.path("state/.host/" + name + ".json") }

func recordOf(t *testing.T, s stage, name string) (r recorded) {
	t.Helper()
	b, err := os.ReadFile(recordPath(s, name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &r))
	return r
}

// untrusted waits until the plugin is refused, and returns the sentence.
func (h *hub) untrusted(name string) string {
	h.t.Helper()
	h.eventually("it is refused", func() bool { return h.status(name).Reason == string(shared.ReasonPluginUntrusted) })
	_, err := read(h, name)
	require.ErrorIs(h.t, err, shared.ReasonPluginUntrusted, "and its callers hear it at once")
	assert.Zero(h.t, h.status(name).PID)
	return h.status(name).Message
}

func TestFirstProgramIsTrustedAndNoOtherAfterIt(t *testing.T) {
	t.Parallel()
	s, p := newStage(t), installed(t, "p", "good")
	first := digestOf(t, p.Path)
	h := start(t, s, soon, p)
	h.reaches("p", host.Ready)
	r := recordOf(t, s, "p")
	assert.Equal(t, first, r.Digest)
	assert.WithinDuration(t, time.Now(), r.Trusted, time.Minute)
	assert.Nil(t, r.Quarantine)
	info, err := os.Stat(recordPath(s, "p"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	assert.Equal(t, first, h.status("p").Digest)

	putBack := replace(t, p)
	other := digestOf(t, p.Path)
	pid := h.status("p").PID
	_, err = read(h, "p")
	require.NoError(t, err)
	assert.Equal(t, pid, h.status("p").PID, "what runs goes on")

	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	says := h.untrusted("p")
	for _, words := range []string{p.Path, first[:12], other[:12], "not the program that was trusted on", "accept the new one"} {
		assert.Contains(t, says, words)
	}
	assert.Equal(t, 1, h.status("p").Starts)
	h.ended()

	again := start(t, s, soon, p)
	again.untrusted("p")
	assert.Zero(t, again.status("p").Starts, "a new host remembers")
	assert.Equal(t, 1, strings.Count(again.logged(), "plugin does not start"), "said once, not at each attempt")
	assert.Equal(t, r, recordOf(t, s, "p"))

	putBack()
	again.reaches("p", host.Ready)
	assert.Empty(t, again.status("p").Reason)
	assert.Equal(t, first, again.status("p").Digest, "what is trusted runs again by itself")
	assert.Zero(t, again.status("p").Crashes, "and none of this was a crash")
}

func TestAcceptChanges(t *testing.T) {
	t.Parallel()
	s, p := newStage(t), installed(t, "p", "good")
	p.AcceptChanges = true
	h := start(t, s, soon, p)
	h.reaches("p", host.Ready)
	h.logs("any program at its path is accepted")
	replace(t, p)
	h.kill("p")
	h.reaches("p", host.Ready)
	h.logs("plugin program has changed and is accepted")
	assert.Equal(t, digestOf(t, p.Path), recordOf(t, s, "p").Digest)
	h.ended()

	p.AcceptChanges = false
	strict := start(t, s, soon, p)
	strict.reaches("p", host.Ready)
	strict.ended()
	replace(t, p)
	start(t, s, soon, p).untrusted("p")
}

func TestPin(t *testing.T) {
	t.Parallel()
	s, p := newStage(t), installed(t, "p", "good")
	h := start(t, s, soon, p)
	h.reaches("p", host.Ready)
	h.ended()
	former := recordOf(t, s, "p").Digest
	replace(t, p)
	now := digestOf(t, p.Path)

	for name, pin := range map[string]string{"of the former program": former, "of none": strings.Repeat("ab", 32), "no digest": "x"} {
		p.SHA256 = pin
		wrong := start(t, s, soon, p)
		assert.Contains(t, wrong.untrusted("p"), "is pinned", name)
		wrong.ended()
		assert.Equal(t, former, recordOf(t, s, "p").Digest, name)
	}
	for _, pin := range []string{now, strings.ToUpper(now), "sha256:" + now} {
		p.SHA256 = pin
		right := start(t, s, soon, p)
		right.reaches("p", host.Ready)
		assert.Equal(t, now, recordOf(t, s, "p").Digest, "whatever was recorded before")
		right.ended()
	}
	// A pin is stricter than a wish to accept anything.
	replace(t, p)
	p.AcceptChanges = true
	assert.Contains(t, start(t, s, soon, p).untrusted("p"), "is pinned")
}

func TestProgramThatOthersMayChange(t *testing.T) {
	t.Parallel()
	for name, unsafe := range map[string]func(p host.PluginSpec) (path string, mode, safe os.FileMode){
		"file":   func(p host.PluginSpec) (string, os.FileMode, os.FileMode) { return p.Path, 0o757, 0o700 },
		"folder": func(p host.PluginSpec) (string, os.FileMode, os.FileMode) { return filepath.Dir(p.Path), 0o777, 0o755 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := newStage(t), installed(t, "p", "good")
			path, mode, safe := unsafe(p)
			h := start(t, s, soon, p)
			h.reaches("p", host.Ready)
			require.NoError(t, os.Chmod(path, mode))
			_, err := read(h, "p")
			require.NoError(t, err, "what runs goes on")
			require.NoError(t, syscall.Kill(h.status("p").PID, syscall.SIGKILL))
			says := h.untrusted("p")
			assert.Contains(t, says, "other users could change its program")
			assert.Contains(t, says, "chmod o-w")
			require.NoError(t, os.Chmod(path, safe))
			h.reaches("p", host.Ready)
			h.ended()

			require.NoError(t, os.Chmod(path, mode))
			loose := start(t, s, func(o *host.Options) { o.AllowUnsafeFiles = true }, p)
			loose.reaches("p", host.Ready)
			loose.logs("its program may be changed by others")
			require.NoError(t, os.Chmod(path, safe)) // to be removed by whoever made it
		})
	}
}

func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty": "", "not JSON": "\x00\x01", "cut off": `{"digest": "ab`, "another type": `{"digest": 5}`,
		"half of it right": `{"digest": "` + strings.Repeat("ab", 32) + `", "trusted": "yesterday"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := newStage(t), installed(t, "p", "good")
			require.NoError(t, os.MkdirAll(s.path("state/.host"), 0o700))
			require.NoError(t, os.WriteFile(recordPath(s, "p"), []byte(body), 0o600))
			h := start(t, s, soon, p, installed(t, "other", "good"))
			assert.Contains(t, h.untrusted("p"), "remove "+recordPath(s, "p")+" to start anew")
			h.reaches("other", host.Ready)
			left, err := os.ReadFile(recordPath(s, "p"))
			require.NoError(t, err)
			assert.Equal(t, body, string(left), "for somebody to look at")
			require.NoError(t, os.Remove(recordPath(s, "p"))) // as the sentence says
			h.reaches("p", host.Ready)
			assert.Equal(t, digestOf(t, p.Path), recordOf(t, s, "p").Digest)
		})
	}
}

// TestTrustThatCannotBeStored is none: the next host would trust anything.
func TestTrustThatCannotBeStored(t *testing.T) {
	t.Parallel()
	s, p := newStage(t), installed(t, "p", "good")
	missing := p.Path
	p.Path += ".later" // so that nothing is recorded before the directory is gone
	h := start(t, s, soon, p)
	h.eventually("it is looked for", func() bool { return h.status("p").Reason == string(shared.ReasonPluginDown) })
	require.NoError(t, os.RemoveAll(s.path("state/.host")))
	require.NoError(t, os.Rename(missing, p.Path))
	h.eventually("it is told", func() bool { return strings.Contains(h.status("p").Message, "cannot write its StateDir") })
	// Three more attempts.
	attempts := strings.Count(h.logged(), `"state":"verifying"`)
	h.eventually("it is tried again", func() bool {
		return strings.Count(h.logged(), `"state":"verifying"`) > attempts+3 || h.status("p").Starts > 0
	})
	assert.Zero(t, h.status("p").Starts)
	require.NoError(t, os.Mkdir(s.path("state/.host"), 0o700))
	h.reaches("p", host.Ready)
	assert.Equal(t, digestOf(t, p.Path), recordOf(t, s, "p").Digest)
}
