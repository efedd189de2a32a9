package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/prompt"
	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/prompt/prompttest"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

// runs starts a command at a terminal. It ends with the test.
func runs(t *testing.T, d *prompttest.Desk, p *person, args ...string) <-chan int {
	t.Helper()
	done := make(chan int, 1)
	t.Cleanup(func() {
		for range done { // ctx has ended, so it ends
		}
	})
	go func() {
		defer close(done)
		done <- run(t.Context(), append([]string{args[0], "--state", p.state}, args[1:]...), p.environment(), d.Terminal, d.Terminal, d.Terminal)
	}()
	return done
}

func TestLoginAsksAtATerminal(t *testing.T) {
	p := newPerson(t)
	for _, name := range []string{"HYUNDAI_USERNAME", "HYUNDAI_PASSWORD", "HYUNDAI_BRAND"} {
		delete(p.env, name)
	}
	demo := cloudsim.DemoAccount()
	d := prompttest.NewDesk(t)
	done := runs(t, d, p, "login")
	d.Reads("[kia]: ")
	d.Types("lada")
	d.Reads("it is one of kia, hyundai, genesis\r\nBrand of the car (kia, hyundai or genesis) [kia]: ")
	d.Types("Hyundai")
	d.Reads("E-mail address of the account: ")
	d.Types(demo.Email)
	d.Reads("(it is not shown): ")
	d.Types(demo.Password)
	assert.Zero(t, await.Value(t, "the end of the login", done))
	screen := d.Reads("within seconds.\r\n")
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
	d := prompttest.NewDesk(t)
	done := runs(t, d, p, "login")
	for range prompt.Tries {
		d.Reads("(it is not shown): ")
		d.Types("")
	}
	assert.Equal(t, 1, await.Value(t, "the end of the login", done))
	assert.NotContains(t, d.Reads("hyundai-plugin: it cannot be empty\r\n"), "E-mail")
	assert.Zero(t, p.cloud.Attempts(cloudsim.Login))

	status := await.Value(t, "the list or its refusal", runs(t, d, p, "vehicles"))
	assert.Equal(t, 2, status, "other commands do not ask")
}

// Who types at once does not see it either.
func TestPasswordThatIsTypedAtOnce(t *testing.T) {
	p := newPerson(t)
	delete(p.env, "HYUNDAI_PASSWORD")
	for range 20 {
		d := prompttest.NewDesk(t)
		done := runs(t, d, p, "login")
		d.Reads("(it is not shown): ")
		assert.False(t, d.Echoes(), "the question comes after that")
		d.Types("x")
		assert.Equal(t, 1, await.Value(t, "the end of the login", done))
		assert.True(t, d.Echoes())
	}
}

// After Ctrl-C the terminal shows again what is typed.
func TestCtrlCAtThePassword(t *testing.T) {
	p := newPerson(t)
	delete(p.env, "HYUNDAI_PASSWORD")
	d := prompttest.NewDesk(t)
	// The process of this test is the program when it is told so.
	cmd := exec.CommandContext(await.Context(t, "the program's end"), os.Args[0], "login", "--state", p.state)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "HYUNDAI_") })
	cmd.Env = append(cmd.Env, asProgram+"=1")
	for name, value := range p.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = d.Terminal, d.Terminal, d.Terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // what has ended long ago does not mind
		_ = cmd.Wait()
	})
	d.Reads("(it is not shown): ")
	await.True(t, "the terminal shows nothing, and makes a signal of Ctrl-C", func() bool { return d.Modes()&(unix.ECHO|unix.ISIG) == unix.ISIG })
	_, err := d.Window.WriteString("\x03")
	require.NoError(t, err)
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	assert.Equal(t, 1, exit.ExitCode())
	assert.True(t, d.Echoes())
	assert.Zero(t, p.cloud.Attempts(cloudsim.Login))
}
