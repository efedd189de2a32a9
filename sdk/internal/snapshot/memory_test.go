package snapshot

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/journal"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// A snapshot of an older version is rounded as this one rounds.
func TestARecalledSnapshotIsNormalized(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cars")
	open := func() *Memory {
		disk, err := journal.Open(path)
		require.NoError(t, err)
		return NewMemory(Options{Disk: disk, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	}
	before := open()
	before.saveLocked("car", &recollection{last: &vehiclev1.VehicleData{Battery: &vehiclev1.Battery{Soc: proto.Float64(60.26)}}})
	before.Close()

	now := open()
	defer now.Close()
	assert.InDelta(t, 60.3, now.Last("car").GetBattery().GetSoc(), 1e-9)
}
