package shared_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// asked notes how it was asked.
type asked struct {
	shared.VehicleRefresher
	how *string
}

func (a asked) RefreshCached(_ context.Context, id string) (*vehiclev1.VehicleData, error) {
	*a.how = "cached " + id
	return nil, nil
}

func (a asked) RefreshForce(_ context.Context, id string) (*vehiclev1.VehicleData, error) {
	*a.how = "force " + id
	return nil, nil
}

func (a asked) RefreshSmart(_ context.Context, id string, maxAge time.Duration) (*vehiclev1.VehicleData, error) {
	*a.how = "smart " + id + " " + maxAge.String()
	return nil, nil
}

// TestRefreshAsksAsTheModeSays; above all a word that is no mode wakes no car.
func TestRefreshAsksAsTheModeSays(t *testing.T) {
	t.Parallel()
	for mode, want := range map[shared.Mode]string{
		shared.ModeCached: "cached a", shared.ModeForce: "force a", shared.ModeSmart: "smart a 1m0s",
	} {
		how := ""
		_, err := shared.Refresh(t.Context(), asked{how: &how}, mode, "a", time.Minute)
		require.NoError(t, err)
		assert.Equal(t, want, how)
	}

	how := ""
	_, err := shared.Refresh(t.Context(), asked{how: &how}, "FORCE", "a", 0)
	require.ErrorIs(t, err, shared.ReasonInvalidCommand)
	assert.Empty(t, how)
}
