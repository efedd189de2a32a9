package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/mosquittotest"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

// twoAccounts is a file for two accounts of a scripted cloud, a Hyundai and a Kia, and the
// cars' ids.
func twoAccounts(t *testing.T, broker string) (file string, cars []string) {
	t.Helper()
	first := cloudsim.DemoAccount()
	second := first
	second.Brand, second.Email, second.Cars = profile.Kia, "second@example.com", cloudsim.Fleet(1)
	cloud, err := cloudsim.New(cloudsim.Options{Accounts: []cloudsim.Account{first, second}})
	require.NoError(t, err)
	require.NoError(t, cloud.Start("127.0.0.1:0"))
	t.Cleanup(func() { closeCloud(t, cloud) })

	state := stateFor(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "password"), []byte(second.Password+"\n"), 0o600))
	file = filepath.Join(dir, "hub.yaml")
	text := fmt.Sprintf(`state: %s
plugin: %s
broker: {url: %q}
accounts:
  first:
    username: %s
    password: %s
    brand: hyundai
    endpoints: &cloud {login: %[6]q, cci: %[6]q, api: %[6]q}
  second:
    username: %[7]s
    password_file: password
    brand: kia
    endpoints: *cloud
`, state, filepath.Join(binaries, "hyundai-plugin"), broker, first.Email, first.Password, cloud.URL(), second.Email)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file, []string{first.Cars[0].ID, second.Cars[0].ID}
}

// runTwoAccounts runs a hub of that file, and waits until both plugins are ready.
func runTwoAccounts(t *testing.T) (p *program, file string, cars []string, watcher *listener) {
	t.Helper()
	broker := mosquittotest.New(t)
	broker.Start()
	file, cars = twoAccounts(t, broker.URL())
	watcher = listen(t, mqttClient(t, broker.URL()))
	p = runDemo(t, nil, "--config", file)
	match, _ := p.find(`^Break +kill -9 (\d+ \d+)$`)
	assert.NotEmpty(t, match)
	return p, file, cars, watcher
}

// TestTwoAccountsOfOneFile have a process each, and their cars stand side by side at the
// broker.
func TestTwoAccountsOfOneFile(t *testing.T) {
	t.Parallel()
	p, file, cars, watcher := runTwoAccounts(t)
	for _, car := range cars {
		watcher.holds("hyundai/"+car+"/status/data_source", `cached`)
	}
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	p.ended()

	// The commands for people find the same accounts.
	ask := func(args ...string) (string, error) {
		cmd := exec.CommandContext(await.Context(t, "the command's end"), filepath.Join(binaries, "hyundai-plugin"), append(args, "--config", file)...)
		cmd.Env = environ(t)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := ask("vehicles", "--account", "second")
	require.NoError(t, err, out)
	assert.Contains(t, out, cars[1])
	assert.NotContains(t, out, cars[0])
	out, err = ask("vehicles")
	require.Error(t, err)
	assert.Contains(t, out, "say with --account which one: first, second")
	out, err = ask("refresh", "IONIQ 5", "--account", "first")
	require.NoError(t, err, out)
	assert.Contains(t, out, "State of charge", "a car is found by its name, too")
}

// asked runs host-demo here, with no settings but those of a file.
func asked(t *testing.T, file string, args ...string) (status int, out, complaint string) {
	t.Helper()
	cmd := exec.CommandContext(await.Context(t, "the command's end"), filepath.Join(binaries, "host-demo"), args...)
	cmd.Env = environ(t)
	if file != "" {
		cmd.Env = append(cmd.Env, "HYUNDAI_CONFIG="+file)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // its status tells
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

func TestConfigCommands(t *testing.T) {
	t.Parallel()
	file, _ := twoAccounts(t, "tcp://127.0.0.1:1")
	status, out, complaint := asked(t, file, "config", "check")
	assert.Zero(t, status, complaint)
	assert.Contains(t, out, "are right. Accounts: first, second.")
	status, out, _ = asked(t, file, "config", "show")
	assert.Zero(t, status)
	assert.Contains(t, out, "tcp://127.0.0.1:1")
	demo := cloudsim.DemoAccount()
	redacttest.NotIn(t, out, demo.Email, demo.Password, "second@example.com")
	status, out, _ = asked(t, "", "config", "check")
	assert.Zero(t, status)
	assert.Contains(t, out, "Nothing is set")
	status, out, _ = asked(t, "", "config", "list")
	assert.Zero(t, status)
	assert.Contains(t, out, "HYUNDAI_PASSWORD[_FILE]")

	status, out, _ = asked(t, "", "config", "schema")
	assert.Zero(t, status)
	var schema jsonschema.Schema
	require.NoError(t, json.Unmarshal([]byte(out), &schema))
	committed, err := os.ReadFile("../../docs/hub.schema.json")
	require.NoError(t, err)
	assert.Equal(t, string(committed), out, "make generate")

	broken := filepath.Join(t.TempDir(), "hub.yaml")
	require.NoError(t, os.WriteFile(broken, []byte("broker:\n  hots: b\naccounts:\n  a: {username: me}\n"), 0o600))
	for _, args := range [][]string{{"config", "check"}, {"config", "show"}, {}} {
		status, _, complaint = asked(t, broken, args...)
		assert.Equal(t, 2, status)
		assert.Contains(t, complaint, "hub.yaml:2: broker.hots is not known; perhaps host is meant")
	}
}

// TestAPluginOfAnotherMakeAlone runs under its own name.
func TestAPluginOfAnotherMakeAlone(t *testing.T) {
	t.Parallel()
	cloud := demoCloud(t, cloudsim.DemoAccount())
	demo := cloudsim.DemoAccount()
	given := filepath.Join(t.TempDir(), "acme.json")
	body, err := json.Marshal(map[string]any{
		"username": demo.Email, "password": demo.Password, "brand": demo.Brand,
		"endpoints": map[string]string{"login": cloud.URL(), "cci": cloud.URL(), "api": cloud.URL()},
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(given, body, 0o600))
	state := stateFor(t)
	p := runDemo(t, nil, "--plugin", filepath.Join(binaries, "hyundai-plugin"), "--settings", given, "--name", "acme", "--state", state)
	p.find(`^car +Ioniq 5`)
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	p.ended()
	_, err = os.Stat(filepath.Join(state, "acme"))
	require.NoError(t, err)
}

// TestTheVersionIsSaid by both programs.
func TestTheVersionIsSaid(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"host-demo", "hyundai-plugin"} {
		out, err := exec.CommandContext(context.Background(), filepath.Join(binaries, program), "--version").Output()
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(string(out), program+" version "), string(out))
	}
}
