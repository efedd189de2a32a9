package snapshot

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/journal"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stuckDisk is a journal that writes when it is let.
type stuckDisk struct {
	*journal.Journal
	let chan struct{}

	mu      sync.Mutex
	written int
}

func (d *stuckDisk) Set(entries ...journal.Entry) error {
	<-d.let
	d.mu.Lock()
	d.written += len(entries)
	d.mu.Unlock()
	return d.Journal.Set(entries...)
}

func openJournal(t *testing.T, path string) *journal.Journal {
	t.Helper()
	disk, err := journal.Open(path)
	require.NoError(t, err)
	return disk
}

func memoryOn(disk Disk) *Memory {
	return NewMemory(Options{Disk: disk, Logger: slog.New(slog.DiscardHandler), Now: time.Now, HeldBack: func() {}, Older: func() {}})
}

// take takes in a charge that a car has reported n minutes after the first report.
func take(m *Memory, id string, n int, soc float64) {
	at := time.Now().Add(-time.Hour).Add(time.Duration(n) * time.Minute)
	m.Accept(id, &vehiclev1.VehicleData{
		Battery: &vehiclev1.Battery{Soc: proto.Float64(soc)}, Refresh: &vehiclev1.Refresh{ObservedAt: proto.Int64(at.UnixMilli())},
	}, func(_, _ *vehiclev1.VehicleData) {})
}

// A snapshot of an older version is rounded as this one rounds.
func TestARecalledSnapshotIsNormalized(t *testing.T) {
	disk := openJournal(t, filepath.Join(t.TempDir(), "cars"))
	body, err := proto.Marshal(&vehiclev1.VehicleData{Battery: &vehiclev1.Battery{Soc: proto.Float64(60.26)}})
	require.NoError(t, err)
	require.NoError(t, disk.Set(journal.Entry{Key: carKey("car"), Value: carState{Snapshot: body}}))

	m := memoryOn(disk)
	assert.InDelta(t, 60.3, m.Last("car").GetBattery().GetSoc(), 1e-9)
	require.NoError(t, m.Close(t.Context()))
}

// TestAStuckDiskHoldsNobodyUp: what is read is believed at once, however long the disk
// takes, and the newest of each car is on it at the end.
func TestAStuckDiskHoldsNobodyUp(t *testing.T) {
	const cars, rounds = 200, 5
	path := filepath.Join(t.TempDir(), "cars")
	disk := &stuckDisk{Journal: openJournal(t, path), let: make(chan struct{})}
	m := memoryOn(disk)
	for round := range rounds {
		for car := range cars {
			take(m, fmt.Sprint("car", car), round, float64(50+round))
		}
	}
	assert.InDelta(t, 54, m.Last("car7").GetBattery().GetSoc(), 1e-9)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, m.Flush(ended), context.Canceled, "the disk is stuck")
	require.ErrorIs(t, m.Close(ended), context.Canceled, "and holds up no end")

	close(disk.let)
	require.NoError(t, m.Flush(await.Context(t, "everything is on the disk")))
	assert.LessOrEqual(t, disk.written, 2*cars, "the newest of each is enough")
	again := memoryOn(openJournal(t, path)) // killed: nothing was closed
	for car := range cars {
		assert.InDelta(t, 54, again.Last(fmt.Sprint("car", car)).GetBattery().GetSoc(), 1e-9)
	}
	require.NoError(t, again.Close(t.Context()))

	m.Forget(map[string]bool{"car7": true})
	require.NoError(t, m.Close(t.Context()))
	again = memoryOn(openJournal(t, path))
	assert.NotNil(t, again.Last("car7"))
	assert.Nil(t, again.Last("car8"), "the account has it no more")
	require.NoError(t, again.Close(t.Context()))
}

// TestWhatComesAfterTheEnd of an account is not kept, and no news to anybody.
func TestWhatComesAfterTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cars")
	var log bytes.Buffer
	m := NewMemory(Options{Disk: openJournal(t, path), Logger: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now, HeldBack: func() {}, Older: func() {}})
	take(m, "car", 0, 50)
	require.NoError(t, m.Close(t.Context()))
	take(m, "car", 1, 51)
	assert.InDelta(t, 51, m.Last("car").GetBattery().GetSoc(), 1e-9)
	require.NoError(t, m.Flush(t.Context()))
	again := memoryOn(openJournal(t, path))
	assert.InDelta(t, 50, again.Last("car").GetBattery().GetSoc(), 1e-9)
	require.NoError(t, again.Close(t.Context()))
	assert.Empty(t, log.String())
}
