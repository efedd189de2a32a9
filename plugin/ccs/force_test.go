package ccs

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

func TestWhatTheNextRereadMayCure(t *testing.T) {
	t.Parallel()
	long := shared.NewError(shared.ReasonVehicleUnreachable)
	long.RetryAfter = 24 * time.Hour
	short := shared.NewError(shared.ReasonVehicleUnreachable)
	short.RetryAfter = 30 * time.Minute
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"outage":             {shared.NewError(shared.ReasonVendorUnavailable), true},
		"timeout":            {shared.NewError(shared.ReasonVendorTimeout), true},
		"garbage":            {shared.NewError(shared.ReasonInvalidResponse), true},
		"no state":           {noState(), true},
		"car out of reach":   {short, true},
		"no data for a day":  {long, false},
		"firewall for hours": {Blocked(), false},
		"quota":              {shared.NewError(shared.ReasonRateLimited), false},
		"client refused":     {shared.NewError(shared.ReasonVendorChanged), false},
		"low battery":        {shared.NewError(shared.ReasonGuardRefused), false},
		"session ended":      {sdk.ErrSessionExpired, false},
		"caller gone":        {context.Canceled, false},
	} {
		assert.Equal(t, tc.want, passes(tc.err), name)
	}
}
