package prompttest

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// Desk is a terminal, and the person before it, who sees what is printed.
type Desk struct {
	t *testing.T
	// Window is the person's side, Terminal the program's.
	Window, Terminal *os.File

	mu   sync.Mutex
	seen bytes.Buffer
}

// Open opens the two sides of a terminal, as Desk has them. The caller closes them.
func Open(t *testing.T) (window, terminal *os.File) {
	t.Helper()
	window, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(int(window.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(window.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return window, terminal
}

// NewDesk opens one, until the end of the test.
func NewDesk(t *testing.T) *Desk {
	t.Helper()
	window, terminal := Open(t)
	d := &Desk{t: t, Window: window, Terminal: terminal}
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

// Reads returns what is on the screen once it ends with a question.
func (d *Desk) Reads(end string) string {
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

// Screen is what has been printed.
func (d *Desk) Screen() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen.String()
}

// Types types a line.
func (d *Desk) Types(line string) {
	d.t.Helper()
	_, err := d.Window.WriteString(line + "\n")
	require.NoError(d.t, err)
}

// Modes of the terminal as they are now.
func (d *Desk) Modes() uint32 {
	d.t.Helper()
	state, err := unix.IoctlGetTermios(int(d.Terminal.Fd()), unix.TCGETS)
	require.NoError(d.t, err)
	return state.Lflag
}

// Echoes reports whether the terminal shows what is typed.
func (d *Desk) Echoes() bool { d.t.Helper(); return d.Modes()&unix.ECHO != 0 }
