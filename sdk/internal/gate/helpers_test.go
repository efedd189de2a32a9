package gate

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disk keeps documents as a file would: what is there survives a process.
type disk struct {
	lock   sync.Mutex
	mu     sync.Mutex
	docs   map[string][]byte
	writes int
	fails  bool
	// killIn: the process is killed at so many half writes from now; 0: it is not. The
	// first half of a write is before it, the second after.
	killIn int
}

// killed is what ends a process.
type killed struct{}

func (d *disk) half() {
	if d.killIn > 0 {
		if d.killIn--; d.killIn == 0 {
			panic(killed{})
		}
	}
}

// alive says whether a process lives on after what it does.
func (d *disk) alive(do func()) (lives bool) {
	defer func() {
		if p := recover(); p != nil && p != (killed{}) {
			panic(p)
		}
	}()
	do()
	return true
}

func newDisk() *disk { return &disk{docs: map[string][]byte{}} }

func (d *disk) Get(name string, v any) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	body, ok := d.docs[name]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(body, v)
}

func (d *disk) Put(name string, v any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails {
		return errors.New("no space left")
	}
	d.half()
	body, err := json.Marshal(v)
	d.docs[name] = body
	d.writes++
	d.half()
	return err
}

func (d *disk) Keep(name string, v any) error { return d.Put(name, v) }

func (d *disk) Lock() (unlock func()) {
	d.lock.Lock()
	return d.lock.Unlock
}

// damage empties all files, as a loss of power may.
func (d *disk) damage() {
	for name := range d.docs {
		d.docs[name] = nil
	}
}

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func berlin(tb testing.TB) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(tb, err)
	return zone
}

// noon is a Wednesday in Berlin.
func noon(tb testing.TB) *clock {
	tb.Helper()
	return &clock{time.Date(2026, 7, 1, 12, 0, 0, 0, berlin(tb))}
}

func policy(tb testing.TB) Policy {
	tb.Helper()
	return Policy{
		CallsPerDay: 100, Reserve: 20, LoginsPerDay: 3, WakesPerDay: 4, WakeInterval: 10 * time.Minute, AuxStop: 60, AuxResume: 75,
		Prices: map[Class]int{Wake: 7, Read: 2}, Zone: berlin(tb), ResetAt: 5 * time.Minute,
	}
}

func open(p Policy, d *disk, c *clock) *Gate {
	return New(options(p, d, c))
}

// options of a gate whose vendor works.
func options(p Policy, d *disk, c *clock) Options {
	return Options{
		Policy: p, Docs: d, Account: "me", Build: "1", Logger: slog.New(slog.DiscardHandler), Now: c.now,
		BreakerFailures: 5, BreakerTimeout: time.Minute, Cars: func() int { return 1 },
		Odometer: func(string) float64 { return 0 }, Closed: func(*shared.APIError) {},
		Circuit: func(context.Context, string, string) {}, Decided: func(context.Context, Request, Decision) {},
	}
}

// ask without a context.
func (g *Gate) ask(r Request) Decision { return g.Ask(context.Background(), r) }

var (
	wake = Request{Class: Wake, Vehicle: "a"}
	read = Request{Class: Read, Vehicle: "a"}
	list = Request{Class: List}
)
