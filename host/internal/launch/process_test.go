//go:build unix

package launch_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const handshake = "1|1|unix|/tmp/socket|grpc|certificate"

// output is what a process said.
type output struct {
	mu     sync.Mutex
	stdout []string
	stderr strings.Builder
}

// image of a program that is held until the test ends.
func image(t *testing.T, path string) *launch.Image {
	t.Helper()
	images := &launch.Images{Dir: t.TempDir()}
	t.Cleanup(images.Close)
	i, err := images.Load(path)
	require.NoError(t, err)
	images.Release(i)
	return i
}

// run starts a shell script.
func run(t *testing.T, script string) (*launch.Process, *output) {
	t.Helper()
	out := &output{}
	p := launch.New(launch.Spec{
		Image: image(t, "/bin/sh"), Args: []string{"-c", script}, Env: []string{"PATH=/bin:/usr/bin", "OWN=1"}, Dir: t.TempDir(),
		Stderr: func(r io.Reader) {
			b, _ := io.ReadAll(r) // ends with the pipe
			out.mu.Lock()
			defer out.mu.Unlock()
			out.stderr.Write(b)
		},
		Stdout: func(line string) {
			out.mu.Lock()
			defer out.mu.Unlock()
			out.stdout = append(out.stdout, line)
		},
	}, []string{"ADDED=2"})
	require.NoError(t, p.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, p.Kill(context.Background())) })
	return p, out
}

func ended(t *testing.T, p *launch.Process) {
	t.Helper()
	require.NotErrorIs(t, p.Wait(await.Context(t, "the end of the process")), context.DeadlineExceeded)
}

// lines are what the runner's Stdout carries, to its end.
func lines(t *testing.T, p *launch.Process) []string {
	t.Helper()
	var all []string
	s := bufio.NewScanner(p.Stdout())
	for s.Scan() {
		all = append(all, s.Text())
	}
	require.NoError(t, s.Err())
	return all
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestHandshakeIsFoundInNoise(t *testing.T) {
	p, out := run(t, `
		echo hello; echo 'a|b|c|d|e'; echo '1|1|carrier-pigeon|x|grpc'
		head -c 100000 /dev/zero | tr '\0' x; echo
		echo '`+handshake+`'
		echo '`+handshake+`'
		head -c 1000000 /dev/zero | tr '\0' y; echo; echo bye; echo oops >&2; exit 3`)
	assert.Equal(t, []string{handshake}, lines(t, p), "the first well-formed line, and nothing else")
	ended(t, p)
	require.ErrorContains(t, p.ExitError(), "exit status 3")
	out.mu.Lock()
	defer out.mu.Unlock()
	assert.Equal(t, "hello", out.stdout[0])
	assert.Equal(t, "bye", out.stdout[len(out.stdout)-1], "drained to the end, whatever the length of lines")
	assert.Equal(t, "oops\n", out.stderr.String())
	b, err := io.ReadAll(p.Stderr())
	require.NoError(t, err)
	assert.Empty(t, b, "go-plugin's own parser gets nothing")
}

func TestEnvironmentIsWhatWasGiven(t *testing.T) {
	t.Setenv("SECRET_OF_THE_HUB", "x")
	p, out := run(t, "env")
	ended(t, p)
	assert.Empty(t, lines(t, p))
	out.mu.Lock()
	defer out.mu.Unlock()
	text := strings.Join(out.stdout, "\n")
	assert.Contains(t, text, "OWN=1")
	assert.Contains(t, text, "ADDED=2")
	assert.NotContains(t, text, "SECRET_OF_THE_HUB")
}

// TestGrandchildThatHoldsThePipes must not hide the end of its parent.
func TestGrandchildThatHoldsThePipes(t *testing.T) {
	if _, err := os.Stat("/usr/bin/setsid"); err != nil {
		t.Skip("no setsid here")
	}
	p, out := run(t, "setsid sleep 1000 & echo $!; exit 0")
	ended(t, p)
	assert.Empty(t, lines(t, p), "the pipes are closed although somebody holds them")
	out.mu.Lock()
	defer out.mu.Unlock()
	require.NotEmpty(t, out.stdout)
	var pid int
	_, err := fmt.Sscan(out.stdout[0], &pid)
	require.NoError(t, err)
	_ = syscall.Kill(pid, syscall.SIGKILL) // it left the group, so it is ours to end
}

// TestTheGroupGoes: children that stayed in the group end with the process, and
// with Kill.
func TestTheGroupGoes(t *testing.T) {
	for name, tc := range map[string]struct {
		script string
		kill   bool
	}{
		"the process ends": {"sleep 1000 & echo $!; exit 0", false},
		"Kill":             {"sleep 1000 & echo $!; wait", true},
		"Kill of a frozen one that ignores signals": {"trap '' TERM INT HUP; sleep 1000 & echo $!; kill -STOP $$; wait", true},
	} {
		t.Run(name, func(t *testing.T) {
			p, out := run(t, tc.script)
			var pid int
			await.True(t, "the child is named", func() bool {
				out.mu.Lock()
				defer out.mu.Unlock()
				if len(out.stdout) == 0 {
					return false
				}
				_, err := fmt.Sscan(out.stdout[0], &pid)
				return err == nil
			})
			if tc.kill {
				require.NoError(t, p.Kill(await.Context(t, "Kill")))
				require.ErrorContains(t, p.ExitError(), "killed")
			}
			ended(t, p)
			await.True(t, "the child has gone", func() bool { return gone(pid) || zombie(pid) })
			require.NoError(t, p.Kill(t.Context()), "again does no harm")
		})
	}
}

// zombie: dead, and its new parent has not asked yet.
func zombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(b), ") Z ")
}

func TestStdinStaysOpenWhileTheHostLives(t *testing.T) {
	p, out := run(t, "echo started; cat; echo never")
	await.True(t, "it has started", func() bool {
		out.mu.Lock()
		defer out.mu.Unlock()
		return len(out.stdout) == 1
	})
	select {
	case <-p.Exited():
		t.Fatal("stdin ended although the host lives")
	default:
	}
}

func TestWhatCannotStart(t *testing.T) {
	i := image(t, "/bin/true")
	p := launch.New(launch.Spec{Image: i, Dir: "/nonexistent"}, nil)
	require.ErrorIs(t, p.Start(t.Context()), os.ErrNotExist)
	assert.Zero(t, p.PID())
	assert.Empty(t, p.ID())
	require.NoError(t, p.Kill(t.Context()))
	p.KillWhenStarted() // returns: there is nothing
}

func TestKillWhenStarted(t *testing.T) {
	p := launch.New(launch.Spec{Image: image(t, "/bin/sleep"), Args: []string{"1000"}, Stderr: func(r io.Reader) { _, _ = io.Copy(io.Discard, r) }}, nil)
	killed := make(chan struct{})
	go func() {
		p.KillWhenStarted()
		close(killed)
	}()
	require.NoError(t, p.Start(t.Context()))
	<-killed
	ended(t, p)
	assert.Empty(t, lines(t, p))
}
