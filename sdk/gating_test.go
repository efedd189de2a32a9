package sdk_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// limited is a vendor with limits of its own.
type limited struct {
	*refusing
	limits sdk.Limits
}

func (l *limited) Limits() sdk.Limits { return l.limits }

func newLimited(t *testing.T, limits sdk.Limits) *limited {
	t.Helper()
	return &limited{newRefusing(t), limits}
}

func (l *limited) start(t *testing.T) *sdk.Engine {
	t.Helper()
	return l.startAs(t, l)
}

// refusalIs checks an error of our own limits, and returns it.
func refusalIs(t *testing.T, err error, reason shared.Reason, retry time.Duration) {
	t.Helper()
	require.ErrorIs(t, err, reason)
	api := shared.AsAPIError(err)
	assert.Equal(t, retry, api.RetryAfter, "%v", err)
	assert.NotEqual(t, shared.SourceVendor, api.Source, "the vendor was not asked")
}

func TestWakesKeepTheirInterval(t *testing.T) {
	l := newLimited(t, sdk.Limits{WakeInterval: 10 * time.Minute})
	_, err := l.start(t).RefreshForce(t.Context(), "car1")
	require.NoError(t, err)
	e := l.start(t) // killed and started again
	reads := l.reads
	l.clock.advance(4 * time.Minute)
	_, err = e.RefreshForce(t.Context(), "car1")
	refusalIs(t, err, shared.ReasonBudgetSpent, 6*time.Minute)
	assert.Equal(t, reads, l.reads, "nothing is spent for a wake that may not be")
	_, err = e.RefreshForce(t.Context(), "car2")
	require.NoError(t, err)
	l.clock.advance(6 * time.Minute)
	_, err = e.RefreshForce(t.Context(), "car1")
	require.NoError(t, err)
	assert.Equal(t, 3, l.wakes)
}

// Smart commands get the newest data, with the reason.
func TestSmartInsideALimitAnswersTheCopy(t *testing.T) {
	l := newLimited(t, sdk.Limits{Quiet: []sdk.QuietHours{{From: 11 * time.Hour, To: 13 * time.Hour}}})
	l.report = func(d *vehiclev1.VehicleData) {
		d.Refresh.ObservedAt = proto.Int64(l.clock.now().Add(-time.Hour).UnixMilli())
	}
	d, err := l.start(t).RefreshSmart(t.Context(), "car1", time.Minute)
	require.NoError(t, err)
	assert.Equal(t, vehiclev1.Verdict_VERDICT_STALE, d.GetRefresh().GetVerdict())
	assert.Equal(t, string(shared.ReasonGuardRefused), d.GetRefresh().GetReason())
	assert.Zero(t, l.wakes)
}

func TestLow12VBatteryIsSpared(t *testing.T) {
	l := newLimited(t, sdk.Limits{})
	aux := 55.0
	l.report = func(d *vehiclev1.VehicleData) { d.AuxBattery = &vehiclev1.AuxBattery{Soc: proto.Float64(aux)} }
	e := l.start(t)
	_, err := e.RefreshForce(t.Context(), "car1")
	refusalIs(t, err, shared.ReasonGuardRefused, 0)
	assert.Zero(t, l.wakes, "the reading before the wake shows it")

	aux = 80
	_, err = e.RefreshForce(t.Context(), "car1")
	require.NoError(t, err, "and that it is charged again")
	assert.Equal(t, 1, l.wakes)
}

func TestOverrideOfALimit(t *testing.T) {
	l := newLimited(t, sdk.Limits{WakesPerDay: 1, WakeInterval: -1})
	e := l.start(t)
	override := shared.WithCallInfo(t.Context(), shared.CallInfo{RequestID: "1", Override: true})
	_, err := e.RefreshForce(t.Context(), "car1")
	require.NoError(t, err)
	_, err = e.RefreshForce(t.Context(), "car1")
	refusalIs(t, err, shared.ReasonBudgetSpent, 12*time.Hour)
	_, err = e.RefreshForce(override, "car1")
	require.NoError(t, err)
	assert.Equal(t, 2, l.wakes)
	h := health(t, e)
	assert.EqualValues(t, 1, h.GetCounters()["gate_decisions.overridden"])
	assert.EqualValues(t, 1, h.GetCounters()["gate_decisions.wakes_per_day"])

	l.wakeErr = sdk.Closes(refusalOf(shared.ReasonGuardRefused, time.Hour), sdk.Closure{Scope: sdk.ScopeWakes})
	for range 2 {
		_, err = e.RefreshForce(override, "car1")
		require.ErrorIs(t, err, shared.ReasonGuardRefused)
	}
	assert.Equal(t, 3, l.wakes, "what the vendor forbids stays forbidden")
}

// A wake that the breaker keeps back costs nothing.
func TestWhatIsNotSentIsNotCounted(t *testing.T) {
	l := newLimited(t, sdk.Limits{WakeInterval: time.Hour})
	e := bareEngine(t, l, sdk.Options{MinReadInterval: time.Minute, BreakerFailures: 1, Now: l.clock.now})
	_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("secret-1"), StateDir: l.dir})
	require.NoError(t, err)
	_, err = e.RefreshCached(t.Context(), "car1") // what the wake will be measured by
	require.NoError(t, err)
	l.readErr = shared.NewError(shared.ReasonVendorUnavailable)
	_, err = e.RefreshCached(t.Context(), "car2")
	require.Error(t, err)
	_, err = e.RefreshForce(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonCircuitOpen)
	assert.Zero(t, l.wakes)
	l.clock.advance(time.Minute)
	p, err := e.Preview(t.Context(), shared.ModeForce, "car1", 0)
	require.NoError(t, err)
	assert.Nil(t, p.GetRefusal())
}

func TestTheReserveIsForPeople(t *testing.T) {
	l := newLimited(t, sdk.Limits{CallsPerDay: 10, Reserve: 4})
	e := l.start(t) // costs one, for the list
	background := shared.WithCallInfo(t.Context(), shared.CallInfo{RequestID: "1", Background: true})
	for range 5 {
		_, err := e.RefreshCached(background, "car1")
		require.NoError(t, err)
	}
	_, err := e.RefreshCached(background, "car1")
	refusalIs(t, err, shared.ReasonBudgetSpent, 12*time.Hour)
	for range 4 {
		_, err := e.RefreshCached(t.Context(), "car1")
		require.NoError(t, err)
	}
	_, err = e.RefreshCached(t.Context(), "car1")
	refusalIs(t, err, shared.ReasonBudgetSpent, 12*time.Hour)
	assert.Equal(t, 9, l.reads)
}

func TestLimitsFromSettings(t *testing.T) {
	var l sdk.Limits
	require.NoError(t, json.Unmarshal([]byte(`{"calls_per_day":100,"reserve":-1,"logins_per_day":3,"wakes_per_day":4,"wake_interval":"90m",
		"aux_stop":65,"aux_resume":80,"quiet":[{"days":["fri","Saturday"],"from":"22:00","to":"06:30","reads":true}]}`), &l))
	assert.Equal(t, sdk.Limits{
		CallsPerDay: 100, Reserve: -1, LoginsPerDay: 3, WakesPerDay: 4, WakeInterval: 90 * time.Minute, AuxStop: 65, AuxResume: 80,
		Quiet: []sdk.QuietHours{{Days: []time.Weekday{time.Friday, time.Saturday}, From: 22 * time.Hour, To: 6*time.Hour + 30*time.Minute, Reads: true}},
	}, l)
	merged := l.Or(sdk.Limits{Reserve: 9, Metered: true, ResetAt: time.Minute, WakesPerDay: 9})
	assert.Equal(t, -1, merged.Reserve)
	assert.Equal(t, 4, merged.WakesPerDay)
	assert.Equal(t, time.Minute, merged.ResetAt)
	require.NoError(t, json.Unmarshal([]byte(`{"quiet":[]}`), &l))
	assert.Empty(t, l.Or(sdk.Limits{Quiet: []sdk.QuietHours{{}}}).Quiet, "none is a value")

	for body, want := range map[string]string{
		`{"wakes":3}`:                                              "unknown field",
		`{"wake_interval":"9"}`:                                    "such as 10m",
		`{"wake_interval":9}`:                                      "cannot unmarshal",
		`{"aux_stop":101}`:                                         "percent",
		`{"aux_stop":70,"aux_resume":60}`:                          "not below",
		`{"quiet":[{"from":"25:00","to":"6:00"}]}`:                 "time of day",
		`{"quiet":[{"from":"22:00"}]}`:                             "time of day",
		`{"quiet":[{"from":"22:00","to":"06:00","days":["mo"]}]}`:  "day of the week",
		`{"quiet":[{"from":"22:00","to":"06:00","dayz":["mon"]}]}`: "unknown field",
		`[]`: "cannot unmarshal",
	} {
		require.ErrorContains(t, json.Unmarshal([]byte(body), &l), want, body)
	}
}

// TestRefusalsCarryTheNewestData, also of an earlier process.
func TestRefusalsCarryTheNewestData(t *testing.T) {
	l := newLimited(t, sdk.Limits{WakeInterval: 10 * time.Minute})
	e := l.start(t)
	_, err := e.RefreshForce(t.Context(), "car1")
	require.NoError(t, err)
	observed := l.clock.now()
	for name, e := range map[string]*sdk.Engine{"same process": e, "after a restart": l.start(t)} {
		_, err = e.RefreshForce(t.Context(), "car1")
		require.ErrorIs(t, err, shared.ReasonBudgetSpent, name)
		var refresh *shared.RefreshError
		require.ErrorAs(t, err, &refresh)
		require.NotNil(t, refresh.Last, name)
		r := refresh.Last.GetRefresh()
		assert.Equal(t, observed.UnixMilli(), r.GetObservedAt())
		assert.Equal(t, vehiclev1.Verdict_VERDICT_STALE, r.GetVerdict())
		assert.Equal(t, vehiclev1.Source_SOURCE_MEMORY, r.GetSource())
		assert.Equal(t, vehiclev1.Method_METHOD_FORCE, r.GetMethod())
		assert.Equal(t, "budget_spent", r.GetReason())
		assert.EqualValues(t, 600, r.GetRetryAfterSeconds())
		assert.Equal(t, "car1", refresh.Last.GetVehicle().GetId())
	}
	_, err = e.RefreshForce(t.Context(), "typo")
	var refresh *shared.RefreshError
	require.ErrorAs(t, err, &refresh)
	assert.Nil(t, refresh.Last)
}

// TestAnswersSayWhenTheCarMayBeWokenNext, those that a refusal carries as well.
func TestAnswersSayWhenTheCarMayBeWokenNext(t *testing.T) {
	next := func(d *vehiclev1.VehicleData) time.Time { return time.UnixMilli(d.GetRefresh().GetNextWakeAt()) }
	l := newLimited(t, sdk.Limits{
		WakeInterval: 10 * time.Minute, Zone: time.UTC, Quiet: []sdk.QuietHours{{From: 13 * time.Hour, To: 14 * time.Hour}},
	})
	e := l.start(t)

	begin := l.clock.now()
	read, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	assert.True(t, next(read).Equal(begin), "at once: %v", next(read))

	woken, err := e.RefreshForce(t.Context(), "car1")
	require.NoError(t, err)
	allowed := l.clock.now().Add(10 * time.Minute)
	assert.True(t, next(woken).Equal(allowed), "%v", next(woken))
	smart, err := e.RefreshSmart(t.Context(), "car1", time.Hour)
	require.NoError(t, err)
	assert.True(t, next(smart).Equal(allowed), "%v", next(smart))
	_, err = e.RefreshForce(t.Context(), "car1")
	var refused *shared.RefreshError
	require.ErrorAs(t, err, &refused)
	assert.True(t, next(refused.Last).Equal(allowed), "%v", next(refused.Last))

	l.clock.advance(13*time.Hour + 30*time.Minute - time.Duration(l.clock.now().Hour())*time.Hour - time.Duration(l.clock.now().Minute())*time.Minute)
	quiet, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	assert.Equal(t, 14, next(quiet).UTC().Hour(), "after the quiet hours: %v", next(quiet).UTC())
}
