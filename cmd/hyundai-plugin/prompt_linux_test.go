package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

// desk is a terminal, and the person before it, who sees what is printed.
type desk struct {
	t        *testing.T
	window   *os.File // the person's side
	terminal *os.File // the program's

	mu   sync.Mutex
	seen bytes.Buffer
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	window, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(int(window.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(window.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	d := &desk{t: t, window: window, terminal: terminal}
	var reading sync.WaitGroup
	reading.Go(func() {
		b := make([]byte, 1024)
		for {
			n, err := window.Read(b) // fails when the terminal is closed
			d.mu.Lock()
			d.seen.Write(b[:n])
			d.mu.Unlock()
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		_, _ = window.WriteString("\n") // a question that a test left open would hold the terminal
		assert.NoError(t, terminal.Close())
		reading.Wait()
		assert.NoError(t, window.Close())
	})
	return d
}

// reads returns what is on the screen once it ends with a question.
func (d *desk) reads(end string) string {
	d.t.Helper()
	var text string
	await.True(d.t, fmt.Sprintf("%q at the end of the screen", end), func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		text = d.seen.String()
		return strings.HasSuffix(text, end)
	})
	return text
}

func (d *desk) types(line string) {
	d.t.Helper()
	_, err := d.window.WriteString(line + "\n")
	require.NoError(d.t, err)
}

// modes of the terminal as they are now.
func (d *desk) modes() uint32 {
	d.t.Helper()
	state, err := unix.IoctlGetTermios(int(d.terminal.Fd()), unix.TCGETS)
	require.NoError(d.t, err)
	return state.Lflag
}

func (d *desk) echoes() bool { d.t.Helper(); return d.modes()&unix.ECHO != 0 }

// runs starts a command at the terminal. It ends with the test.
func (d *desk) runs(ctx context.Context, p *person, args ...string) <-chan int {
	done := make(chan int, 1)
	lookup := func(name string) (string, bool) { v, ok := p.env[name]; return v, ok }
	d.t.Cleanup(func() {
		for range done { // ctx has ended, so it ends
		}
	})
	go func() {
		defer close(done)
		done <- run(ctx, append([]string{args[0], "--state", p.state}, args[1:]...), lookup, d.terminal, d.terminal, d.terminal)
	}()
	return done
}

func TestLoginAsksAtATerminal(t *testing.T) {
	p := newPerson(t)
	for _, name := range []string{"HYUNDAI_USERNAME", "HYUNDAI_PASSWORD", "HYUNDAI_BRAND"} {
		delete(p.env, name)
	}
	demo := cloudsim.DemoAccount()
	d := newDesk(t)
	done := d.runs(t.Context(), p, "login")
	d.reads("[kia]: ")
	d.types("lada")
	d.reads("it is one of kia, hyundai, genesis\r\nBrand of the car (kia, hyundai or genesis) [kia]: ")
	d.types("Hyundai")
	d.reads("E-mail address of the account: ")
	d.types(demo.Email)
	d.reads("(it is not shown): ")
	d.types(demo.Password)
	assert.Zero(t, await.Value(t, "the end of the login", done))
	screen := d.reads("within seconds.\r\n")
	assert.Contains(t, screen, "2 vehicle(s)")
	redacttest.NotIn(t, screen, demo.Password)

	p.env["HYUNDAI_USERNAME"], p.env["HYUNDAI_PASSWORD"], p.env["HYUNDAI_BRAND"] = demo.Email, demo.Password, "hyundai"
	status, _, complaint := p.does(t, "vehicles")
	assert.Zero(t, status, complaint)
	assert.Equal(t, 1, p.cloud.Attempts(cloudsim.Login), "the service takes up the session")
}

// Only what is not set is asked for, and only so often.
func TestLoginAsksForWhatIsMissing(t *testing.T) {
	p := newPerson(t)
	delete(p.env, "HYUNDAI_PASSWORD")
	d := newDesk(t)
	done := d.runs(t.Context(), p, "login")
	for range tries {
		d.reads("(it is not shown): ")
		d.types("")
	}
	assert.Equal(t, 1, await.Value(t, "the end of the login", done))
	assert.NotContains(t, d.reads("hyundai-plugin: it cannot be empty\r\n"), "E-mail")
	assert.Zero(t, p.cloud.Attempts(cloudsim.Login))

	status := await.Value(t, "the list or its refusal", d.runs(t.Context(), p, "vehicles"))
	assert.Equal(t, 1, status, "other commands do not ask")
}

// Who types at once does not see it either.
func TestPasswordThatIsTypedAtOnce(t *testing.T) {
	p := newPerson(t)
	delete(p.env, "HYUNDAI_PASSWORD")
	for range 20 {
		d := newDesk(t)
		done := d.runs(t.Context(), p, "login")
		d.reads("(it is not shown): ")
		assert.False(t, d.echoes(), "the question comes after that")
		d.types("x")
		assert.Equal(t, 1, await.Value(t, "the end of the login", done))
		assert.True(t, d.echoes())
	}
}

// After Ctrl-C the terminal shows again what is typed.
func TestCtrlCAtThePassword(t *testing.T) {
	p := newPerson(t)
	delete(p.env, "HYUNDAI_PASSWORD")
	d := newDesk(t)
	// The process of this test is the program when it is told so.
	cmd := exec.CommandContext(await.Context(t, "the program's end"), os.Args[0], "login", "--state", p.state)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "HYUNDAI_") })
	cmd.Env = append(cmd.Env, asProgram+"=1")
	for name, value := range p.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = d.terminal, d.terminal, d.terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // what has ended long ago does not mind
		_ = cmd.Wait()
	})
	d.reads("(it is not shown): ")
	await.True(t, "the terminal shows nothing, and makes a signal of Ctrl-C", func() bool { return d.modes()&(unix.ECHO|unix.ISIG) == unix.ISIG })
	_, err := d.window.WriteString("\x03")
	require.NoError(t, err)
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	assert.Equal(t, 1, exit.ExitCode())
	assert.True(t, d.echoes())
	assert.Zero(t, p.cloud.Attempts(cloudsim.Login))
}
