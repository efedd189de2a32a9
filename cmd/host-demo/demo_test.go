package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/host-demo/internal/broker"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

// environ is this process's environment without what would change a demo, such as
// a developer's own account.
func environ(tb testing.TB) []string {
	tb.Helper()
	others := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return strings.HasPrefix(name, "HYUNDAI_") || strings.HasPrefix(name, "MQTT_") ||
			slices.Contains([]string{"LOG_LEVEL", "INITIAL_REFRESH", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "STATE_DIRECTORY", shared.ReattachEnv, sdk.DebugEnv}, name)
	})
	return append(others, "XDG_CONFIG_HOME=/nonexistent")
}

// program is a running host-demo.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	lines  chan string
	stderr await.Log
}

func runDemo(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	p := &program{t: t, lines: make(chan string, 10_000)}
	p.cmd = exec.Command(filepath.Join(binaries, "host-demo"), args...)
	p.cmd.Env = append(environ(t), env...)
	p.cmd.Stderr = &p.stderr
	p.start()
	return p
}

func (p *program) start() {
	p.t.Helper()
	out, err := p.cmd.StdoutPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, p.cmd.Start())
	go func() { // ends with the program
		defer close(p.lines)
		s := bufio.NewScanner(out)
		for s.Scan() {
			p.lines <- s.Text()
		}
	}()
	p.t.Cleanup(func() { _ = p.cmd.Process.Kill() })
}

// find returns the first line that matches, and those before it.
func (p *program) find(pattern string) (match []string, before []string) {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.After(await.Limit)
	for {
		select {
		case line, open := <-p.lines:
			require.True(p.t, open, "ended without %s\n%s\n%s", pattern, strings.Join(before, "\n"), &p.stderr)
			if m := re.FindStringSubmatch(line); m != nil {
				return m, before
			}
			before = append(before, line)
		case <-timeout:
			p.t.Fatalf("no %s in\n%s\n%s", pattern, strings.Join(before, "\n"), &p.stderr)
		}
	}
}

// ended waits for the end and returns what was still printed.
func (p *program) ended() []string {
	p.t.Helper()
	done := make(chan error, 1)
	var rest []string
	go func() {
		for line := range p.lines {
			rest = append(rest, line)
		}
		done <- p.cmd.Wait()
	}()
	require.NoError(p.t, await.Value(p.t, "the end of the program", done), p.stderr.String())
	return rest
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// TestDemo is what a newcomer sees.
func TestDemo(t *testing.T) {
	t.Parallel()
	p := runDemo(t, nil)
	_, before := p.find(`^Try `)
	text := strings.Join(before, "\n")
	first := strings.Split(text, "\n")[0]
	assert.Regexp(t, `127\.0\.0\.1:\d+`, first, "the broker comes before everything that has a port")
	assert.Contains(t, first, "broker")
	assert.Regexp(t, `car +Ioniq 5 +SoC \d+ % · range \d+ km · 12 V \d+ % · locked · data .+ old`, text)
	assert.Regexp(t, `car +Tucson +SoC \d+ % · range \d+ km · 12 V \d+ % · locked · data .+ old`, text)
	m := regexp.MustCompile(`plugin +pid (\d+) +ready`).FindStringSubmatch(text)
	require.NotNil(t, m, text)
	var pid int
	_, err := fmt.Sscan(m[1], &pid)
	require.NoError(t, err)
	if runtime.GOOS == "linux" {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		require.NoError(t, err)
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		assert.Equal(t, fmt.Sprint(p.cmd.Process.Pid), fields[1], "the plugin is a direct child")
	}
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(first)
	client := mqttClient(t, "tcp://"+address)
	for _, payload := range []string{"smart:60", "nonsense"} {
		token := client.Publish("hyundai/"+tucson+"/commands/refresh", 1, false, payload)
		await.Value(t, "the acknowledgement of "+payload, token.Done())
	}
	p.find(`Tucson +refresh +failed .*There is no command "nonsense"`)
	p.find(`Tucson +smart:60 +fresh in .* SoC \d+ %`)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	p.find(`plugin crashed: The plugin process was killed: signal: killed\. It starts again by itself\.`)
	p.find(`plugin ready, pid \d+`)

	client.Disconnect(100)
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	p.ended()
	assert.False(t, alive(pid))
	assert.Empty(t, p.stderr.String())
}

func TestDemoAsJSON(t *testing.T) {
	t.Parallel()
	p := runDemo(t, nil, "--json")
	var lines []string
	for seen := map[string]int{}; seen["ready"] < 1 || seen["command"] < 2; {
		line, before := p.find(`.*"event":"(command|ready)".*`)
		lines = append(append(lines, before...), line[0])
		seen[line[1]]++
	}
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	lines = append(lines, p.ended()...)

	kinds, pids := map[string]int{}, map[int]bool{}
	for n, line := range lines {
		var e map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		kinds[e["event"].(string)]++
		if pid, ok := e["pid"].(float64); ok {
			pids[int(pid)] = true
		}
		if n == 0 {
			assert.Equal(t, "broker", e["event"])
			assert.Regexp(t, `^127\.0\.0\.1:\d+$`, e["address"])
		}
	}
	for kind, n := range map[string]int{"broker": 1, "cloud": 1, "command": 2, "ready": 1, "stopping": 1} {
		assert.Equal(t, n, kinds[kind], kind)
	}
	assert.Len(t, pids, 1)
	for pid := range pids {
		assert.False(t, alive(pid))
	}
}

// TestDemoForAWhile ends by itself, however far it has come.
func TestDemoForAWhile(t *testing.T) {
	t.Parallel()
	runDemo(t, nil, "--for", "100ms").ended()
}

// secretsOf an account are what no log and no page tells. PINs are too short to be
// searched for.
func secretsOf(a cloudsim.Account) []string {
	secrets := []string{a.Email, a.Password, a.RefreshToken}
	for _, c := range a.Cars {
		secrets = append(secrets, c.VIN, fmt.Sprint(c.Latitude), fmt.Sprint(c.Longitude))
	}
	return secrets
}

// TestRealService runs the same binary as the real service: credentials from the
// environment, somebody else's broker, and a cloud that is only configured.
func TestRealService(t *testing.T) {
	t.Parallel()
	embedded, err := broker.Start()
	require.NoError(t, err)
	defer func() { require.NoError(t, embedded.Close(context.Background())) }()
	demo := cloudsim.DemoAccount()
	cloud := demoCloud(t, demo)
	env := append(endpoints(cloud),
		"HYUNDAI_USERNAME="+demo.Email, "HYUNDAI_PASSWORD="+demo.Password, "HYUNDAI_PIN=1234", "HYUNDAI_REGION=Europe", "HYUNDAI_BRAND=2",
		"MQTT_BASE_TOPIC=home/cars", "XDG_STATE_HOME="+stateFor(t),
	)
	for range 2 {
		p := runDemo(t, env, "--broker", embedded.URL())
		_, before := p.find(`^Try .*home/cars/` + ioniq)
		assert.Contains(t, before[0], embedded.Address)
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
		p.ended()
		logged := p.stderr.String()
		assert.Contains(t, logged, "worker completed")
		assert.Contains(t, logged, "1 is Kia, 2 is Hyundai", "a brand by number deserves a warning")
		redacttest.NotIn(t, logged, secretsOf(demo)...)
	}
	assert.Equal(t, 1, cloud.Calls(cloudsim.Login), "the second start takes up the session of the first")
	assert.Zero(t, cloud.Calls(cloudsim.Wake))
}

func TestWrongPasswordIsToldAndTriedOnce(t *testing.T) {
	t.Parallel()
	demo := cloudsim.DemoAccount()
	cloud := demoCloud(t, demo)
	state := stateFor(t)
	for range 3 {
		p := runDemo(t, append(endpoints(cloud), "HYUNDAI_USERNAME="+demo.Email, "HYUNDAI_PASSWORD=wrong", "HYUNDAI_BRAND=hyundai"), "--state", state)
		p.find(`plugin +pid \d+ +degraded: .*(user name|password)`)
		require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
		p.ended()
	}
	assert.Equal(t, 1, cloud.Calls(cloudsim.Login))
}

func TestWordsThatAreNotUnderstood(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--nonsense"}, {"nonsense"}, {"--for", "soon"}, {"--broker", "nonsense"}, {"--log-level", "loud"}, {"--http", "nonsense"}, {"--plugin", "/nowhere"}, {"--broker", "tcp://127.0.0.1:1"}, {"--demo", "--broker", "tcp://127.0.0.1:1"}} {
		out, err := exec.CommandContext(await.Context(t, "the end"), filepath.Join(binaries, "host-demo"), args...).CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "%v", args)
		assert.Equal(t, 2, exit.ExitCode())
		assert.NotEmpty(t, out)
	}
	out, err := exec.Command(filepath.Join(binaries, "hyundai-plugin")).CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "this program is a plugin")
}
