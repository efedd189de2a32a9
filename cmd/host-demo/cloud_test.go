package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// aloneCloud is host-demo cloud as a process, and what it told a client.
type aloneCloud struct {
	*program
	url string
	env []string
}

// runAlone starts host-demo cloud and reads what it tells.
func runAlone(t *testing.T, args ...string) *aloneCloud {
	t.Helper()
	c := &aloneCloud{program: runDemo(t, nil, append([]string{"cloud", "--listen", "127.0.0.1:0"}, args...)...)}
	match, _ := c.find(`^Scripted cloud at (http://127\.0\.0\.1:\d+)`)
	c.url = match[1]
	for range 2 {
		match, _ = c.find(`^  export (.*)`)
		c.env = append(c.env, strings.Fields(match[1])...)
	}
	return c
}

// terminal runs hyundai-plugin against the cloud, as somebody would who copies
// the lines that it printed.
func (c *aloneCloud) terminal(args ...string) (string, error) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), filepath.Join(binaries, "hyundai-plugin"), args...)
	cmd.Env = append(environ(c.t), c.env...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		out = append(out, exit.Stderr...)
	}
	return string(out), err
}

// stop ends the cloud as Ctrl-C does.
func (c *aloneCloud) stop() {
	c.t.Helper()
	require.NoError(c.t, c.cmd.Process.Signal(syscall.SIGINT))
	c.ended()
}

func TestCloudAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := filepath.Join(dir, "script.yaml")
	require.NoError(t, os.WriteFile(script, []byte("steps:\n- {fault: refusal, code: \"5921\", path: /carstatus/latest, after: 1}\n"), 0o600))
	c := runAlone(t, "--script", script, "--force-delay", "10ms")
	state := []string{"--state", filepath.Join(dir, "state")}
	refresh := func(more ...string) (string, error) {
		return c.terminal(append(append(append([]string{"refresh"}, state...), more...), ioniq)...)
	}

	recording := filepath.Join(dir, "traffic.jsonl")
	out, err := refresh("--record", recording)
	require.NoError(t, err, out)
	_, err = refresh()
	require.Error(t, err, "the script's refusal")
	match, _ := c.find(`^\S+  read .* REFUSAL$`)
	assert.Contains(t, match[0], " 400 ")
	assert.Contains(t, match[0], "/carstatus/latest")

	// While it runs it can be steered, as its own words say.
	resp, err := http.Post(c.url+"/_cloud/scripts", "application/x-www-form-urlencoded", strings.NewReader(`{"steps":[{"fault":"down"}]}`))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusCreated, resp.StatusCode)
	_, err = refresh()
	require.Error(t, err)
	resp, err = http.Get(c.url + "/_cloud/")
	require.NoError(t, err)
	var told struct {
		Calls map[string]struct{ Attempts, Taken int }
	}
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, errors.Join(err, resp.Body.Close()))
	require.NoError(t, json.Unmarshal(body, &told), string(body))
	assert.Equal(t, 1, told.Calls["login"].Attempts)
	assert.Zero(t, told.Calls["wake"].Attempts)
	http.DefaultClient.CloseIdleConnections()
	c.stop()

	// What was recorded from one cloud is the answer of the next.
	replay := runAlone(t, "--replay", recording)
	out, err = replay.terminal("vehicles", "--state", filepath.Join(dir, "replay"))
	require.NoError(t, err, out)
	assert.NotContains(t, out, ioniq)
	id := regexp.MustCompile(`0{8}-0000-4000-8000-0{11}\d`).FindString(out)
	require.NotEmpty(t, id, out)
	out, err = replay.terminal("refresh", "--state", filepath.Join(dir, "replay"), id)
	require.NoError(t, err, out)
	assert.Contains(t, out, "62 %")
	replay.stop()
}

func TestCloudAloneSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "script.yaml")
	require.NoError(t, os.WriteFile(script, []byte("steps: [{fault: explode}]"), 0o600))
	for _, tc := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--nonsense"}, 2, "unknown flag: --nonsense"},
		{[]string{"nonsense"}, 2, `unknown command "nonsense"`},
		{[]string{"--speed", "0"}, 2, "-speed"},
		{[]string{"--cars", "-1"}, 2, "below zero"},
		{[]string{"--brand", "lada"}, 1, "lada"},
		{[]string{"--listen", "0.0.0.0:0"}, 1, "loopback"},
		{[]string{"--script", script}, 1, "script.yaml: script: step 1: fault \"explode\" is not known"},
		{[]string{"--script", "nowhere.yaml"}, 1, "nowhere.yaml"},
		{[]string{"--replay", script}, 1, "recording: line 1"},
	} {
		out, err := exec.CommandContext(t.Context(), filepath.Join(binaries, "host-demo"), append([]string{"cloud"}, tc.args...)...).CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "%v", tc.args)
		assert.Equal(t, tc.status, exit.ExitCode(), "%v", tc.args)
		assert.Contains(t, string(out), tc.want)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(binaries, "host-demo"), "cloud", "-h").CombinedOutput()
	require.NoError(t, err)
	assert.Contains(t, string(out), "-force-delay")
}

// TestLoginByHandIsTakenUp: the service is refused at its first start, a person logs
// in from a terminal, and the service goes on by itself.
func TestLoginByHandIsTakenUp(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "script.yaml")
	require.NoError(t, os.WriteFile(script, []byte("steps:\n- {fault: captcha}\n"), 0o600))
	c, state := runAlone(t, "--script", script), stateFor(t)
	service := runDemo(t, c.env, "--state", state, "--http", "127.0.0.1:0")
	service.find(`asks for a captcha`)
	await.True(t, "a login, which is not made twice in a moment", func() bool {
		out, err := c.terminal("login", "--state", state)
		assert.True(t, err == nil || strings.Contains(out, "Next try: in"), out)
		return err == nil
	})
	service.find(`car +Tucson`)
	require.NoError(t, service.cmd.Process.Signal(os.Interrupt))
	service.ended()
	c.stop()
}
