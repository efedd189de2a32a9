package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// install puts a plugin at path whose program is another one for each mark, and
// works like any other.
func install(t *testing.T, path, mark string) {
	t.Helper()
	program, err := os.ReadFile(filepath.Join(binaries, "hyundai-plugin"))
	require.NoError(t, err)
	next := path + ".next"
	require.NoError(t, os.WriteFile(next, append(program, mark...), 0o700))
	require.NoError(t, os.Rename(next, path))
}

// end stops a program and waits for it.
func (p *program) end() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.ended()
}

func (p *program) hangUp() {
	p.t.Helper()
	if signal.Ignored(syscall.SIGHUP) {
		p.t.Skip("SIGHUP is ignored here, as under nohup, and so it is by the program")
	}
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGHUP))
}

// killPlugin kills the process of a line "pid N".
func killPlugin(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(n, syscall.SIGKILL))
}

// TestAnotherProgram is not started before somebody has accepted it, by a signal
// or at the next start.
func TestAnotherProgram(t *testing.T) {
	t.Parallel()
	path, state := filepath.Join(t.TempDir(), "plugin"), stateFor(t)
	install(t, path, "1")
	p := runDemo(t, nil, "--plugin", path, "--state", state)
	first, _ := p.find(`plugin +pid (\d+) +ready`)
	p.find(`^Try `)

	install(t, path, "2")
	killPlugin(t, first[1])
	p.find(`plugin backoff: .* is not the program that was trusted on .*--accept-plugin, or send SIGHUP`)
	p.hangUp()
	p.find(`plugin upgraded`)

	require.NoError(t, os.Remove(path))
	require.NoError(t, os.WriteFile(path, []byte("not even a program"), 0o700))
	p.hangUp()
	p.find(`was not upgraded, and what ran before goes on: .*`)
	p.end()

	install(t, path, "3")
	p = runDemo(t, nil, "--plugin", path, "--state", state)
	p.find(`plugin +backoff: .* is not the program that was trusted`)
	p.end()
	p = runDemo(t, nil, "--plugin", path, "--state", state, "--accept-plugin")
	p.find(`plugin +pid \d+ +ready`)
	p.end()
	p = runDemo(t, nil, "--plugin", path, "--state", state)
	p.find(`plugin +pid \d+ +ready`)
	p.end()
}

// TestQuarantine outlives the hub and ends when somebody says so.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	state := stateFor(t)
	p := runDemo(t, nil, "--state", state)
	m, _ := p.find(`plugin +pid (\d+) +ready`)
	p.find(`^Try `)
	killUntilQuarantined(p, m[1])
	p.end()

	p = runDemo(t, nil, "--state", state, "--http", "0")
	at, _ := p.find(`^http +(\S+)`)
	p.find(`plugin +quarantined: .*too often.*--release`)
	status, body := ask(t, http.MethodGet, "http://"+at[1]+"/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, body, `"what":"plugin","plugin":"hyundai","state":"quarantined","reason":"plugin_quarantined","message":"The plugin process was killed`)
	p.end()

	p = runDemo(t, nil, "--state", state, "--release")
	p.find(`plugin released from quarantine`)
	m, _ = p.find(`plugin +pid (\d+) +ready`)
	p.find(`^Try `)
	killUntilQuarantined(p, m[1]) // a second quarantine is not lifted
	p.end()

	p = runDemo(t, nil, "--state", state, "--json")
	p.find(`"state":"quarantined"`)
	p.hangUp()
	p.find(`"event":"upgrade".*"ok":true`)
	p.end()
}

// killUntilQuarantined kills each process of the plugin, which takes five at most: a
// slow machine may make crashes of its own.
func killUntilQuarantined(p *program, pid string) {
	p.t.Helper()
	const limit = 5
	for range limit {
		killPlugin(p.t, pid)
		m, _ := p.find(`plugin (?:ready, pid (\d+)|(quarantined): .* is not started again.*--release)`)
		if m[2] != "" {
			return
		}
		pid = m[1]
	}
	p.t.Fatalf("%d crashes, and no quarantine", limit)
}

// TestUpgradeWithoutAGap: a signal for each of several upgrades, and no command is
// lost.
func TestUpgradeWithoutAGap(t *testing.T) {
	t.Parallel()
	p := runDemo(t, nil, "--json")
	broker, _ := p.find(`"address":"([^"]+)".*"event":"broker"`)
	p.find(`"event":"ready"`)
	client := mqttClient(t, "tcp://"+broker[1])
	for n := range 3 {
		p.hangUp()
		for _, car := range []string{ioniq, tucson} {
			token := client.Publish("hyundai/"+car+"/commands/refresh", 1, false, "cached")
			await.Value(t, "the broker's acknowledgement", token.Done())
		}
		seen := map[string]int{}
		for seen["command"] < 2 || seen["upgrade"] < 1 {
			line, _ := p.find(`"event":"(command|upgrade)".*`)
			assert.Contains(t, line[0], `"ok":true`, "round %d", n)
			seen[line[1]]++
		}
		assert.Equal(t, map[string]int{"command": 2, "upgrade": 1}, seen)
	}
	client.Disconnect(100)
	p.end()
}

func TestReleaseOfAPluginThatIsWell(t *testing.T) {
	t.Parallel()
	p := runDemo(t, nil, "--release", "--json")
	_, lines := p.find(`"event":"ready"`)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	for _, line := range append(lines, p.ended()...) {
		assert.NotContains(t, line, fmt.Sprintf("%q", "released"))
	}
}
