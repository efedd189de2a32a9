// Package mosquittotest runs Mosquitto, the broker that most homes have, for tests.
package mosquittotest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// Broker is a Mosquitto as a process of its own. It is not safe for concurrent use.
type Broker struct {
	tb     testing.TB
	path   string
	config string
	port   int
	cmd    *exec.Cmd
}

// New makes a broker that listens on a port of localhost, with some lines of
// configuration beside those that it needs, and lets everybody in unless they say
// something else. It is not started yet, and ends with the test. Without Mosquitto on
// this machine the test is skipped.
func New(tb testing.TB, lines ...string) *Broker {
	tb.Helper()
	b := &Broker{tb: tb, path: find(tb), config: filepath.Join(tb.TempDir(), "mosquitto.conf"), port: freePort(tb)}
	if os.Geteuid() == 0 {
		lines = append(lines, "user root") // its files are the test's
	}
	if !strings.Contains(strings.Join(lines, "\n"), "allow_anonymous") {
		lines = append(lines, "allow_anonymous true")
	}
	// Not 0, which is no limit: a client that is refused a message would be cut off for it.
	queue := "max_queued_messages 100000"
	lines = append([]string{fmt.Sprintf("listener %d 127.0.0.1", b.port), "log_type none", queue}, lines...)
	require.NoError(tb, os.WriteFile(b.config, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	tb.Cleanup(func() { b.End(syscall.SIGKILL) })
	return b
}

func freePort(tb testing.TB) int {
	tb.Helper()
	var config net.ListenConfig
	l, err := config.Listen(await.Context(tb, "a port"), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	require.NoError(tb, l.Close())
	at, ok := l.Addr().(*net.TCPAddr)
	require.True(tb, ok)
	return at.Port
}

// find is the path of one of Mosquitto's programs.
func find(tb testing.TB) string {
	tb.Helper()
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	tb.Skip("mosquitto is not installed here")
	return ""
}

// Persistent is the configuration of a broker that writes to its disk what it has when
// it is told to end.
func Persistent(tb testing.TB) []string {
	tb.Helper()
	return []string{"persistence true", "persistence_location " + tb.TempDir() + "/"}
}

// Passwords is the configuration of a broker that knows one user.
func Passwords(tb testing.TB, user, password string) []string {
	tb.Helper()
	path, err := exec.LookPath("mosquitto_passwd")
	if err != nil {
		tb.Skip("mosquitto_passwd is not installed here")
	}
	file := filepath.Join(tb.TempDir(), "passwords")
	out, err := exec.CommandContext(await.Context(tb, "the file of passwords"), path, "-b", "-c", file, user, password).CombinedOutput() //nolint:gosec // as it is named above
	require.NoError(tb, err, "%s", out)
	return []string{"allow_anonymous false", "password_file " + file}
}

// AccessRules is the configuration of a broker with rules in the form of its acl_file.
func AccessRules(tb testing.TB, rules string) []string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "rules")
	require.NoError(tb, os.WriteFile(file, []byte(rules), 0o600))
	return []string{"acl_file " + file}
}

// Address is host and port.
func (b *Broker) Address() string { return fmt.Sprintf("127.0.0.1:%d", b.port) }

// URL of the broker without TLS.
func (b *Broker) URL() string { return "tcp://" + b.Address() }

// Start starts it and waits until it listens.
func (b *Broker) Start() {
	b.tb.Helper()
	b.cmd = exec.Command(b.path, "-c", b.config) //nolint:gosec,noctx // it ends with the test
	require.NoError(b.tb, b.cmd.Start())
	await.True(b.tb, "mosquitto listens", func() bool {
		var d net.Dialer
		c, err := d.DialContext(context.Background(), "tcp", b.Address())
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}

// End ends it with a signal and waits for its end.
func (b *Broker) End(s syscall.Signal) {
	if b.cmd == nil {
		return
	}
	_ = b.cmd.Process.Signal(s)
	_ = b.cmd.Wait() // by the signal
	b.cmd = nil
}

// Signal sends a signal.
func (b *Broker) Signal(s syscall.Signal) {
	b.tb.Helper()
	require.NoError(b.tb, b.cmd.Process.Signal(s))
}
