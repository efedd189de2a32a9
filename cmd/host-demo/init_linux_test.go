package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/config"
	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/prompt/prompttest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// initAt runs host-demo init at a terminal; its exit status comes when it has ended.
func initAt(t *testing.T, d *prompttest.Desk, file string, args ...string) <-chan int {
	t.Helper()
	cmd := exec.CommandContext(await.Context(t, "the program's end"), filepath.Join(binaries, "host-demo"), append([]string{"init", "--config", file}, args...)...)
	cmd.Env = environ(t)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = d.Terminal, d.Terminal, d.Terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, cmd.Start())
	ended := make(chan int, 1)
	go func() { // ends with the program
		_ = cmd.Wait() // its status tells
		ended <- cmd.ProcessState.ExitCode()
	}()
	return ended
}

// TestInit: a few answers make a file that is right, for the person alone.
func TestInit(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "new", "hub.yaml")
	d := prompttest.NewDesk(t)
	ended := initAt(t, d, file)
	for _, step := range [][2]string{
		{"[kia]: ", "Hyundai"},
		{"account: ", "me@example.com"},
		{"(it is not shown): ", "0 #: 'secret' "},
		{"[none]: ", "http://broker"},
		{"[none]: ", "broker.lan"},
		{"User name at the broker [none]: ", "hub"},
		{"Password at the broker (it is not shown): ", "12345678"},
		{"[yes]: ", ""},
		{"schedule? (yes or no) [yes]: ", "no"},
	} {
		d.Reads(step[0])
		d.Types(step[1])
	}
	assert.Zero(t, await.Value(t, "the end of init", ended))
	screen := d.Reads("runs it.\r\n")
	assert.Contains(t, screen, `begins with "http", which is not known`)
	assert.NotContains(t, screen, "secret'")
	assert.NotContains(t, screen, "12345678")

	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, "-rw-------", info.Mode().String())
	c, err := config.Load(config.Sources{File: file, Environment: config.Environment{}})
	require.NoError(t, err)
	a, err := c.Account("")
	require.NoError(t, err)
	require.NoError(t, a.Check())
	assert.JSONEq(t, `{"username":"me@example.com","password":"0 #: 'secret' ","brand":"hyundai","schedule":"off"}`, string(a.Settings()))
	assert.Equal(t, "tcp://broker.lan:1883", c.Broker.URL)
	user, password := c.Broker.Login()
	assert.Equal(t, "hub 12345678", strings.Join([]string{user, password}, " "))
	assert.True(t, *c.HomeAssistant.Enabled)

	again := prompttest.NewDesk(t)
	assert.Equal(t, 2, await.Value(t, "the refusal", initAt(t, again, file)))
	again.Reads("replace it with --force\r\n")
}

func TestInitWithoutATerminal(t *testing.T) {
	t.Parallel()
	status, _, complaint := asked(t, "", "init", "--config", filepath.Join(t.TempDir(), "hub.yaml"))
	assert.Equal(t, 2, status)
	assert.Contains(t, complaint, "docs/settings.md")
}
