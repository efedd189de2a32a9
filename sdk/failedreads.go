package sdk

import (
	"errors"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// failedReads are the last readings of cars that came to nothing: who asks again within
// moments is told the same, without a call. Safe for concurrent use.
type failedReads struct {
	mu  sync.Mutex
	all map[string]failedRead
}

type failedRead struct {
	at  time.Time
	err *shared.APIError
}

// note takes down how a reading came out. What our own rules refuse has cost no call.
func (f *failedReads) note(vehicleID string, err error, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var api *shared.APIError
	if !errors.As(err, &api) || api.Source == shared.SourcePlugin || errors.Is(err, gate.ErrRefused) {
		delete(f.all, vehicleID)
		return
	}
	if f.all == nil {
		f.all = map[string]failedRead{}
	}
	f.all[vehicleID] = failedRead{now, api}
}

// lately is the failure of a car's last reading, if that was within an interval.
func (f *failedReads) lately(vehicleID string, now time.Time, interval time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	last, failed := f.all[vehicleID]
	since := now.Sub(last.at)
	if !failed || since < 0 || since >= interval {
		return nil
	}
	again := *last.err
	again.RetryAfter = max(again.RetryAfter-since, interval-since)
	return &again
}
