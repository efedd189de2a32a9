// Package launch starts plugin processes for go-plugin, as its Runner, and keeps
// hold of them: in a process group of their own, ended with their host, killed
// within a bound whatever they do.
//
// go-plugin's own runner waits for ever on a frozen plugin or on a grandchild
// that holds a pipe, and parses stderr in a way that can panic the host; see
// docs/architecture.md, section "The process".
package launch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// pipeGrace is how long output is still read after the process has ended, for a
// grandchild may hold the pipes open.
const pipeGrace = 200 * time.Millisecond

// Spec of a process.
type Spec struct {
	// Image is what is executed. It is needed until Start returns.
	Image *Image
	Args  []string
	// User to run as; nil for the host's own.
	User   *User
	Limits Limits
	// Env is the whole environment but for what go-plugin adds.
	Env []string
	Dir string
	// Stderr reads what the process writes to stderr until it ends. It is
	// called in a goroutine of its own.
	Stderr func(io.Reader)
	// Stdout gets each line on stdout that is not the handshake.
	Stdout func(line string)
}

// Process is a plugin process. It implements runner.Runner.
type Process struct {
	cmd    *exec.Cmd
	spec   Spec
	stdin  *os.File // our end; its closing tells the plugin that we are gone
	stdout *io.PipeReader

	started chan struct{} // closed when Start has succeeded or failed
	exited  chan struct{} // closed when the process is reaped
	drained chan struct{} // closed when, after that, its output has been read
	exitErr error

	mu     sync.Mutex
	reaped bool // its number may belong to somebody else
}

var _ runner.Runner = (*Process)(nil)

// New prepares a process. env is what go-plugin wants to add.
func New(spec Spec, env []string) *Process {
	spec.Env = append(append([]string{}, spec.Env...), env...)
	return &Process{cmd: spec.command(), spec: spec, started: make(chan struct{}), exited: make(chan struct{}), drained: make(chan struct{})}
}

func (s Spec) command() *exec.Cmd {
	path := s.Image.copy
	if s.Image.sealed != nil {
		path = sealedPath
	}
	cmd := s.Limits.command(path, s.Args)
	if s.Image.sealed != nil {
		cmd.ExtraFiles = []*os.File{s.Image.sealed}
	}
	cmd.Env, cmd.Dir = s.Env, s.Dir
	cmd.SysProcAttr = sysProcAttr(s.User)
	return cmd
}

// Start implements runner.Runner.
func (p *Process) Start(context.Context) (err error) {
	defer close(p.started)
	var files []*os.File
	defer func() {
		if err != nil {
			closeAll(files)
		}
	}()
	pipe := func() (r, w *os.File) {
		if err != nil {
			return nil, nil
		}
		if r, w, err = os.Pipe(); err == nil {
			files = append(files, r, w)
		}
		return r, w
	}
	stdinR, stdinW := pipe()
	stdoutR, stdoutW := pipe()
	stderrR, stderrW := pipe()
	if err != nil {
		return fmt.Errorf("pipes for the plugin: %w", err)
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdinR, stdoutW, stderrW
	p.stdin = stdinW

	started := make(chan error, 1)
	go p.own(started)
	if err = <-started; err != nil {
		return err
	}
	closeAll([]*os.File{stdinR, stdoutW, stderrW})

	handshake, toPlugin := io.Pipe()
	p.stdout = handshake
	var readers sync.WaitGroup
	readers.Go(func() { p.readStdout(Throttle(stdoutR), toPlugin) })
	readers.Go(func() { p.spec.Stderr(Throttle(stderrR)) })
	go p.closePipes(&readers, toPlugin, stdoutR, stderrR)
	return nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// closePipes ends the readers once the process has ended, also if a grandchild
// still holds the other ends.
func (p *Process) closePipes(readers *sync.WaitGroup, handshake *io.PipeWriter, ends ...*os.File) {
	defer close(p.drained)
	<-p.exited
	done := make(chan struct{})
	go func() {
		readers.Wait()
		close(done)
	}()
	timer := time.NewTimer(pipeGrace)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	closeAll(ends)
	<-done
	_ = handshake.Close()
	_ = p.stdin.Close()
}

// readStdout passes the first well-formed handshake line on and drains the rest
// without a limit.
func (p *Process) readStdout(r io.Reader, handshake *io.PipeWriter) {
	reader := bufio.NewReaderSize(r, 4<<10)
	found := false
	for {
		line, tooLong, err := readLine(reader)
		switch {
		case !found && !tooLong && isHandshake(line):
			found = true
			// go-plugin reads it, or has given up and closed its end.
			_, _ = io.WriteString(handshake, line+"\n")
		case line != "" && p.spec.Stdout != nil:
			p.spec.Stdout(line)
		}
		if err != nil {
			return
		}
	}
}

// readLine reads a line and keeps at most the buffer's length of it.
func readLine(r *bufio.Reader) (line string, tooLong bool, err error) {
	part, err := r.ReadSlice('\n')
	line = strings.TrimRight(string(part), "\r\n")
	for errors.Is(err, bufio.ErrBufferFull) {
		tooLong = true
		_, err = r.ReadSlice('\n')
	}
	return line, tooLong, err
}

// isHandshake knows go-plugin's line: core version, protocol version, network,
// address, protocol, and a certificate.
func isHandshake(line string) bool {
	parts := strings.Split(strings.TrimSpace(line), "|")
	if len(parts) < 5 || (parts[2] != "unix" && parts[2] != "tcp") || parts[3] == "" {
		return false
	}
	for _, version := range parts[:2] {
		if _, err := strconv.Atoi(version); err != nil {
			return false
		}
	}
	return true
}

// Exited is closed when the process has ended and is reaped.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Drained is closed when the process has ended and what it wrote has been read,
// at most 200 ms after its end.
func (p *Process) Drained() <-chan struct{} { return p.drained }

// CheckLimits says which limits are not in force. Only once the program runs.
func (p *Process) CheckLimits() error { return p.spec.Limits.check(p.PID()) }

// ExitError says how the process ended: nil for status 0. Only after Exited.
func (p *Process) ExitError() error { return p.exitErr }

// PID of the process; 0 before Start.
func (p *Process) PID() int {
	if p.cmd.Process == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// Wait implements runner.Runner.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.exited:
		return p.exitErr
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Kill implements runner.Runner: it kills the whole process group and waits for
// the end, or for ctx.
func (p *Process) Kill(ctx context.Context) error {
	if p.cmd.Process == nil {
		return nil
	}
	p.killGroup()
	return ignoreExit(p.Wait(ctx))
}

// killGroup kills what is there to be killed. Once the process is reaped its
// number may belong to somebody else.
func (p *Process) killGroup() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		killTree(p.cmd.Process)
	}
}

// KillWhenStarted kills the process group as soon as there is one.
func (p *Process) KillWhenStarted() {
	<-p.started
	if p.cmd.Process != nil {
		p.killGroup()
	}
}

func ignoreExit(err error) error {
	if errors.As(err, new(*exec.ExitError)) {
		return nil
	}
	return err
}

// Stdout implements runner.Runner: it carries the handshake line only.
func (p *Process) Stdout() io.ReadCloser { return p.stdout }

// Stderr implements runner.Runner: nothing, for it is read here.
func (p *Process) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name implements runner.Runner.
func (p *Process) Name() string { return p.spec.Image.Path }

// ID implements runner.Runner.
func (p *Process) ID() string {
	if p.cmd.Process == nil {
		return ""
	}
	return strconv.Itoa(p.cmd.Process.Pid)
}

// Diagnose implements runner.Runner.
func (p *Process) Diagnose(context.Context) string { return "" }

// PluginToHost implements runner.Runner.
func (p *Process) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin implements runner.Runner.
func (p *Process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
