package sdk_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// asked is what a preview says.
type asked struct {
	wakes       bool
	price, left int64
	reason      shared.Reason
	rule        string
	// after is how long it would be refused; negative: nobody knows.
	after time.Duration
}

// previews returns a way to ask, which makes no call of the vendor.
func (r *refusing) previews(t *testing.T, e *sdk.Engine) func(context.Context, shared.Mode) asked {
	t.Helper()
	return func(ctx context.Context, mode shared.Mode) asked {
		t.Helper()
		before := vendorCalls(t, e)
		p, err := e.Preview(ctx, mode, "car1", 0)
		require.NoError(t, err)
		assert.Equal(t, before, vendorCalls(t, e), "a question is no call")

		says := asked{wakes: p.GetWakes(), price: p.GetPrice(), left: -1}
		if p.Left != nil {
			says.left = p.GetLeft()
		}
		if refusal := p.GetRefusal(); refusal != nil {
			assert.NotEmpty(t, refusal.GetSentence())
			says.reason, says.rule, says.after = shared.Reason(refusal.GetReason()), refusal.GetRule(), -1
			if refusal.AllowedAt != nil {
				says.after = time.UnixMilli(refusal.GetAllowedAt()).Sub(r.clock.now())
			}
		}
		return says
	}
}

// vendorCalls made so far, by class.
func vendorCalls(t *testing.T, e *sdk.Engine) map[string]int64 {
	t.Helper()
	calls := health(t, e).GetCounters()
	maps.DeleteFunc(calls, func(name string, _ int64) bool { return !strings.HasPrefix(name, shared.CounterCalls) })
	return calls
}

func TestPreviewOfOurOwnLimits(t *testing.T) {
	l := newLimited(t, sdk.Limits{WakeInterval: 10 * time.Minute, CallsPerDay: 100, Reserve: 20, Prices: sdk.Prices{Read: 2, Wake: 6}})
	e := l.start(t)
	ask := l.previews(t, e)
	ctx := t.Context()
	assert.Equal(t, asked{price: 2, left: 99}, ask(ctx, shared.ModeCached))
	assert.Equal(t, asked{wakes: true, price: 8, left: 99}, ask(ctx, shared.ModeForce))
	assert.Equal(t, asked{wakes: true, price: 8, left: 99}, ask(ctx, shared.ModeSmart), "nothing is known of the car yet")
	assert.Equal(t, asked{price: 2, left: 79}, ask(shared.WithCallInfo(ctx, shared.CallInfo{Background: true}), shared.ModeCached))

	_, err := e.RefreshForce(ctx, "car1")
	require.NoError(t, err)
	assert.Equal(t, asked{price: 2, left: 91}, ask(ctx, shared.ModeSmart), "its time is young")
	assert.Equal(t, asked{true, 8, 91, shared.ReasonBudgetSpent, "wake_interval", 10 * time.Minute}, ask(ctx, shared.ModeForce))
	assert.Equal(t, asked{wakes: true, price: 8, left: 91}, ask(shared.WithCallInfo(ctx, shared.CallInfo{Override: true}), shared.ModeForce))
	assert.Equal(t, 1, l.wakes)
	assert.Empty(t, health(t, e).GetCounters()["gate_decisions.wake_interval"], "a question is no refusal")

	_, err = e.Preview(ctx, shared.ModeForce, "typo", 0)
	require.ErrorIs(t, err, shared.ReasonUnknownVehicle)
	_, err = e.Preview(ctx, "hard", "car1", 0)
	require.ErrorIs(t, err, shared.ReasonInvalidCommand)
}

// A refusal has the time at which all that stands in the way has ended, and then the same
// command is allowed.
func TestPreviewSaysWhenItIsAllowed(t *testing.T) {
	night := sdk.QuietHours{From: 22 * time.Hour, To: 6 * time.Hour}
	l := newLimited(t, sdk.Limits{WakeInterval: 10 * time.Minute, Quiet: []sdk.QuietHours{night}, Zone: time.UTC})
	now := l.clock.now()
	l.clock.advance(time.Date(now.Year(), now.Month(), now.Day()+1, 21, 55, 0, 0, time.UTC).Sub(now))
	e := l.start(t)
	ask := l.previews(t, e)
	_, err := e.RefreshForce(t.Context(), "car1")
	require.NoError(t, err)
	l.clock.advance(time.Minute)

	says := ask(t.Context(), shared.ModeForce)
	assert.Equal(t, "wake_interval", says.rule)
	assert.Equal(t, 8*time.Hour+4*time.Minute, says.after, "when the interval is over it is night")
	_, err = e.RefreshForce(t.Context(), "car1")
	assert.Equal(t, says.after, shared.AsAPIError(err).RetryAfter)
	assert.Equal(t, "wake_interval", shared.AsAPIError(err).Rule)
	l.clock.advance(says.after)
	assert.Empty(t, ask(t.Context(), shared.ModeForce).reason)
	_, err = e.RefreshForce(t.Context(), "car1")
	require.NoError(t, err)
}

func TestPreviewOfWhatTheVendorRefuses(t *testing.T) {
	r := newRefusing(t)
	e := r.start(t)
	ask := r.previews(t, e)
	r.readErr = refusalOf(shared.ReasonRateLimited, 3*time.Hour)
	_, err := e.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonRateLimited)
	assert.Equal(t, asked{false, 1, -1, shared.ReasonRateLimited, "vendor_refused", 3 * time.Hour}, ask(t.Context(), shared.ModeCached))
	override := shared.WithCallInfo(t.Context(), shared.CallInfo{Override: true})
	assert.Equal(t, "vendor_refused", ask(override, shared.ModeForce).rule, "which nobody can override")
	_, err = e.RefreshCached(t.Context(), "car1")
	assert.Equal(t, "vendor_refused", shared.AsAPIError(err).Rule)
}

func TestPreviewOfAVendorThatFails(t *testing.T) {
	r := newRefusing(t)
	e := r.start(t)
	ask := r.previews(t, e)
	r.readErr = shared.NewError(shared.ReasonVendorUnavailable)
	for i := range 5 { // of both: one car's failures are not the vendor's
		_, err := e.RefreshCached(t.Context(), []string{"car1", "car2"}[i%2])
		require.Error(t, err)
	}
	assert.Equal(t, asked{false, 1, -1, shared.ReasonCircuitOpen, "circuit_open", time.Minute}, ask(t.Context(), shared.ModeCached))
	assert.Equal(t, "circuit_open", ask(t.Context(), shared.ModeForce).rule)
}

func TestPreviewOfASessionThatNeedsAPerson(t *testing.T) {
	r := newRefusing(t)
	e := r.start(t)
	ask := r.previews(t, e)
	r.LoginFunc = func(context.Context) error { return shared.NewError(shared.ReasonAuthFailed) }
	r.readErr = sdk.ErrSessionExpired
	_, err := e.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonAuthFailed)
	assert.Equal(t, asked{false, 1, -1, shared.ReasonAuthFailed, "", -1}, ask(t.Context(), shared.ModeCached))
}

// A login that failed is followed by a pause, in which nothing else is worth a try.
func TestPreviewOfALoginThatWaits(t *testing.T) {
	r := newRefusing(t)
	e := r.start(t)
	ask := r.previews(t, e)
	r.LoginFunc = func(context.Context) error { return shared.NewError(shared.ReasonVendorUnavailable) }
	r.readErr = sdk.ErrSessionExpired
	_, err := e.RefreshCached(t.Context(), "car1")
	require.Error(t, err)
	says := ask(t.Context(), shared.ModeCached)
	assert.Equal(t, shared.ReasonVendorUnavailable, says.reason)
	assert.Positive(t, says.after)
}

// Who would share what is under way, or be answered from memory, costs nothing.
func TestPreviewOfWhatCostsNothing(t *testing.T) {
	l := newLimited(t, sdk.Limits{CallsPerDay: 100, WakeInterval: -1})
	e := bareEngine(t, l, sdk.Options{MinReadInterval: time.Minute, Now: l.clock.now})
	_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("secret-1"), StateDir: l.dir})
	require.NoError(t, err)
	_, err = e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	ask := l.previews(t, e)
	assert.Equal(t, asked{left: 98}, ask(t.Context(), shared.ModeCached), "from memory")
	assert.Equal(t, asked{wakes: true, price: 1, left: 98}, ask(t.Context(), shared.ModeForce), "what the wake is measured by is there")

	awake, answer := make(chan struct{}), make(chan struct{})
	l.ForceFunc = func(context.Context, string, time.Time) (*vehiclev1.VehicleData, error) {
		close(awake)
		<-answer
		return nil, errors.New("enough")
	}
	ended := make(chan error, 1)
	go func() {
		_, err := e.RefreshForce(t.Context(), "car1")
		ended <- err
	}()
	await.Value(t, "the wake", awake)
	assert.Equal(t, asked{wakes: true, left: 97}, ask(t.Context(), shared.ModeForce), "it shares the one under way")
	close(answer)
	require.Error(t, await.Value(t, "the wake's end", ended))

	require.NoError(t, e.Drain(t.Context()))
	assert.Equal(t, shared.ReasonDraining, ask(t.Context(), shared.ModeForce).reason)
}

// A reading that has just failed is not repeated for who reads, but for a wake.
func TestPreviewAfterAReadingThatFailed(t *testing.T) {
	r := newRefusing(t)
	e := bareEngine(t, r, sdk.Options{MinReadInterval: time.Minute, Now: r.clock.now})
	_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("secret-1"), StateDir: r.dir})
	require.NoError(t, err)
	r.readErr = shared.NewError(shared.ReasonVehicleBusy)
	_, err = e.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonVehicleBusy)

	ask := r.previews(t, e)
	for _, mode := range []shared.Mode{shared.ModeCached, shared.ModeSmart} {
		says := ask(t.Context(), mode)
		assert.Equal(t, shared.ReasonVehicleBusy, says.reason, mode)
		assert.Equal(t, time.Minute, says.after, mode)
	}
	assert.Empty(t, ask(t.Context(), shared.ModeForce).reason)
}
