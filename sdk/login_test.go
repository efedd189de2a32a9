package sdk_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// passwordOnly hides that a vendor can do more than log in.
type passwordOnly struct{ sdk.Vendor }

func requireNoHuman(t *testing.T, e *sdk.Engine) {
	t.Helper()
	require.NotEqual(t, vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN, health(t, e).GetState())
}

// TestLoginThatAFormerProcessDidNotUse: it was killed right after its login, and
// its vendor keeps no tokens. That is no refusal of the session.
func TestLoginThatAFormerProcessDidNotUse(t *testing.T) {
	c := newClock()
	cfg := shared.Config{Settings: settings("x"), StateDir: t.TempDir()}
	former := newSessions()
	former.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) {
		if logins, _ := former.counts(); logins == 0 {
			return nil, sdk.ErrSessionExpired
		}
		return nil, shared.NewError(shared.ReasonVendorUnavailable)
	}
	_, err := bareEngine(t, passwordOnly{former}, sdk.Options{Now: c.now}).Initialize(t.Context(), cfg)
	require.ErrorIs(t, err, shared.ReasonVendorUnavailable)
	logins, _ := former.counts()
	require.Equal(t, 1, logins)

	s := newSessions()
	e := bareEngine(t, passwordOnly{s}, sdk.Options{Now: c.now})
	c.advance(time.Minute)
	for range 6 { // more than trip the breaker
		_, err = e.Initialize(t.Context(), cfg)
		require.ErrorIs(t, err, shared.ReasonVendorUnavailable)
		require.NotErrorIs(t, err, shared.ReasonCircuitOpen)
		assert.Equal(t, 9*time.Minute, shared.AsAPIError(err).RetryAfter)
	}
	requireNoHuman(t, e)
	logins, _ = s.counts()
	assert.Zero(t, logins)
	c.advance(9 * time.Minute)
	_, err = e.Initialize(t.Context(), cfg)
	require.NoError(t, err)
	logins, _ = s.counts()
	assert.Equal(t, 1, logins)
}

// TestSessionThatIsRefusedAtOnceLocks, however late the next call comes.
func TestSessionThatIsRefusedAtOnceLocks(t *testing.T) {
	c := newClock()
	cfg := shared.Config{Settings: settings("x"), StateDir: t.TempDir()}
	s := newSessions()
	s.refuseAll = true
	e := bareEngine(t, passwordOnly{s}, sdk.Options{Now: c.now})
	for range 4 {
		_, err := e.Initialize(t.Context(), cfg)
		require.ErrorIs(t, err, shared.ReasonAuthFailed)
		c.advance(20 * time.Minute)
	}
	logins, _ := s.counts()
	assert.Equal(t, 1, logins)
	assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN, health(t, e).GetState())
}

// TestOneBadCarCostsNoLogins: a car whose calls the vendor always refuses as if
// the session had ended neither logs in each time nor locks the account.
func TestOneBadCarCostsNoLogins(t *testing.T) {
	for name, only := range map[string]bool{"beside a good car": false, "alone": true} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			s := newSessions()
			list, cached := s.VehiclesFunc, s.CachedFunc
			s.VehiclesFunc = func(ctx context.Context) ([]*vehiclev1.Vehicle, error) {
				_, err := list(ctx)
				return sdktest.Cars("good", "bad"), err
			}
			s.CachedFunc = func(ctx context.Context, id string) (*vehiclev1.VehicleData, error) {
				if id == "bad" {
					return nil, sdk.ErrSessionExpired
				}
				return cached(ctx, id)
			}
			e := engine(t, passwordOnly{s}, sdk.Options{Now: c.now, MinReadInterval: -1})
			for range 24 { // two hours
				_, err := e.RefreshCached(t.Context(), "bad")
				require.ErrorIs(t, err, shared.ReasonAuthFailed)
				assert.True(t, shared.AsAPIError(err).Temporary)
				assert.Positive(t, shared.AsAPIError(err).RetryAfter)
				if !only {
					_, err = e.RefreshCached(t.Context(), "good")
					require.NoError(t, err)
				}
				requireNoHuman(t, e)
				c.advance(5 * time.Minute)
			}
			logins, _ := s.counts()
			assert.LessOrEqual(t, logins, 3, "the first one, and one an hour")
		})
	}
}

// TestSessionsThatEndAgainAndAgain: somebody else may be logging in with the
// account, and must not be fought.
func TestSessionsThatEndAgainAndAgain(t *testing.T) {
	c := newClock()
	s := newSessions()
	e := engine(t, passwordOnly{s}, sdk.Options{Now: c.now, MinReadInterval: -1})
	served := 0
	for range 60 { // an hour
		s.expire()
		if _, err := e.RefreshCached(t.Context(), "car1"); err == nil {
			served++
		} else {
			assert.LessOrEqual(t, shared.AsAPIError(err).RetryAfter, 10*time.Minute)
		}
		requireNoHuman(t, e)
		c.advance(time.Minute)
	}
	logins, _ := s.counts()
	assert.Equal(t, 7, logins, "the first one, and one in ten minutes")
	assert.Equal(t, 6, served)
}

// rotating is a cloud whose refresh token is good for one use, and the directory
// that two processes share.
type rotating struct {
	mu             sync.Mutex
	valid, onDisk  int
	logins, misses int
}

func (r *rotating) process() *sdktest.RenewingVendor {
	held := r.onDisk
	locked := func(do func() error) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		return do()
	}
	check := func() error {
		if held == 0 || held != r.valid {
			return sdk.ErrSessionExpired
		}
		return nil
	}
	next := func() error {
		r.valid++
		held, r.onDisk = r.valid, r.valid
		return nil
	}
	v := &sdktest.RenewingVendor{}
	v.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return sdktest.Cars("car1"), locked(check) }
	v.CachedFunc = func(context.Context, string) (*vehiclev1.VehicleData, error) {
		return sdktest.Snapshot(time.Now(), 1), locked(check)
	}
	v.LoginFunc = func(context.Context) error {
		return locked(func() error { r.logins++; return next() })
	}
	v.RenewFunc = func(context.Context) error {
		return locked(func() error {
			if err := check(); err != nil {
				if held != 0 {
					r.misses++
				}
				return err
			}
			return next()
		})
	}
	v.RestoreFunc = func(context.Context) (another bool, err error) {
		err = locked(func() error {
			another, held = held != r.onDisk, r.onDisk
			return nil
		})
		return another, err
	}
	return v
}

// TestTwoProcessesShareOneSession, as they do during an upgrade.
func TestTwoProcessesShareOneSession(t *testing.T) {
	r := &rotating{}
	cfg := shared.Config{Settings: settings("x"), StateDir: t.TempDir()}
	one := r.process()
	refresh := map[string]func() error{}
	start := func(name string, v sdk.Vendor) {
		e := bareEngine(t, v, sdk.Options{MinReadInterval: -1})
		_, err := e.Initialize(t.Context(), cfg)
		require.NoError(t, err)
		refresh[name] = func() error { _, err := e.RefreshCached(t.Context(), "car1"); return err }
	}
	start("one", one)
	two := r.process()
	start("two", two)
	require.NoError(t, two.Renew(t.Context()))
	require.NoError(t, refresh["one"]())
	require.NoError(t, refresh["two"]())
	assert.Zero(t, r.misses, "a used refresh token was not tried")

	// The other process renews in the very moment.
	renew, once := one.RenewFunc, sync.Once{}
	one.RenewFunc = func(ctx context.Context) error {
		once.Do(func() { _ = two.Renew(ctx) })
		return renew(ctx)
	}
	cached := one.CachedFunc
	first := true
	one.CachedFunc = func(ctx context.Context, id string) (*vehiclev1.VehicleData, error) {
		if first {
			first = false
			return nil, sdk.ErrSessionExpired
		}
		return cached(ctx, id)
	}
	require.NoError(t, refresh["one"]())
	assert.Equal(t, 1, r.misses)
	assert.Equal(t, 1, r.logins, "the very first one")
}

// TestLockOfAnotherProcessCounts: the refused password is not tried once more by
// the process that still runs.
func TestLockOfAnotherProcessCounts(t *testing.T) {
	cfg := shared.Config{Settings: settings("x"), StateDir: t.TempDir()}
	s := newSessions()
	e := bareEngine(t, passwordOnly{s}, sdk.Options{MinReadInterval: -1})
	_, err := e.Initialize(t.Context(), cfg)
	require.NoError(t, err)
	other := newSessions()
	other.loginErr = shared.NewError(shared.ReasonAuthFailed)
	_, err = bareEngine(t, passwordOnly{other}, sdk.Options{}).Initialize(t.Context(), cfg)
	require.ErrorIs(t, err, shared.ReasonAuthFailed)

	s.expire()
	_, err = e.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonAuthFailed)
	assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN, health(t, e).GetState())
	logins, _ := s.counts()
	assert.Equal(t, 1, logins)
}

// TestANamedLockIsKept: an account that the vendor says is locked for some days
// gets no password before that, whoever starts the plugin how often, and each start
// says why. So does health, until the lock has ended.
func TestANamedLockIsKept(t *testing.T) {
	const hours = 72
	r := newRefusing(t)
	logins, locked, open := 0, true, false
	r.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) {
		if !open {
			return nil, sdk.ErrSessionExpired
		}
		return sdktest.Cars("car1"), nil
	}
	r.LoginFunc = func(context.Context) error {
		logins++
		if locked {
			return refusalOf(shared.ReasonAccountLocked, hours*time.Hour)
		}
		open = true
		return nil
	}
	start := func() (*sdk.Engine, error) {
		e := bareEngine(t, r, sdk.Options{Now: r.clock.now})
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("secret-1"), StateDir: r.dir})
		return e, err
	}
	for hour := range hours {
		e, err := start()
		require.ErrorIs(t, err, shared.ReasonAccountLocked)
		api := shared.AsAPIError(err)
		assert.Equal(t, time.Duration(hours-hour)*time.Hour, api.RetryAfter)
		assert.Equal(t, shared.ReasonAccountLocked.Sentence(), api.Error())
		h := health(t, e)
		assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_DEGRADED, h.GetState())
		assert.Equal(t, string(shared.ReasonAccountLocked), h.GetReason())
		r.clock.advance(time.Hour)
	}
	assert.Equal(t, 1, logins)
	locked = false
	e, err := start()
	require.NoError(t, err)
	assert.Equal(t, 2, logins)
	assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_READY, health(t, e).GetState())
}

// TestClockThatIsSetBackKeepsALock, but no longer than the vendor named.
func TestClockThatIsSetBackKeepsALock(t *testing.T) {
	r := newRefusing(t)
	logins := 0
	r.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return nil, sdk.ErrSessionExpired }
	r.LoginFunc = func(context.Context) error {
		logins++
		return refusalOf(shared.ReasonAccountLocked, 12*time.Hour)
	}
	start := func() time.Duration {
		e := bareEngine(t, r, sdk.Options{Now: r.clock.now})
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("secret-1"), StateDir: r.dir})
		require.ErrorIs(t, err, shared.ReasonAccountLocked)
		return shared.AsAPIError(err).RetryAfter
	}
	start()
	r.clock.advance(-10 * 365 * 24 * time.Hour)
	assert.Equal(t, 12*time.Hour, start())
	r.clock.advance(11 * time.Hour)
	assert.Equal(t, time.Hour, start(), "it goes on from there, over restarts")
	assert.Equal(t, 1, logins)
	r.clock.advance(time.Hour)
	start()
	assert.Equal(t, 2, logins)
}

// TestLockShowsWhileThePluginServes, and ends with its time, although nobody calls.
func TestLockShowsWhileThePluginServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &sdktest.Vendor{}
		e := sdk.NewEngine(sdktest.Plugin(v), sdk.Options{MinReadInterval: -1})
		defer func() { require.NoError(t, e.Close(context.WithoutCancel(t.Context()))) }()
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("secret-1")})
		require.NoError(t, err)
		v.CachedFunc = func(context.Context, string) (*vehiclev1.VehicleData, error) { return nil, sdk.ErrSessionExpired }
		v.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return nil, sdk.ErrSessionExpired }
		v.LoginFunc = func(context.Context) error { return refusalOf(shared.ReasonAccountLocked, 12*time.Hour) }
		time.Sleep(time.Hour)
		_, err = e.RefreshCached(t.Context(), "car1")
		require.ErrorIs(t, err, shared.ReasonAccountLocked)
		time.Sleep(11 * time.Hour)
		assert.Equal(t, string(shared.ReasonAccountLocked), health(t, e).GetReason())
		time.Sleep(time.Hour + time.Minute)
		assert.Empty(t, health(t, e).GetReason())
	})
}

// TestDaysOfTroubleWithAPassword: whatever goes wrong for days, the password is
// not sent again and again.
func TestDaysOfTroubleWithAPassword(t *testing.T) {
	for name, tc := range map[string]struct {
		err   error
		sent  bool
		wait  time.Duration // as the vendor names it
		most  int           // logins in five days
		human bool
	}{
		"locked, and locked again":   {shared.NewError(shared.ReasonAccountLocked), true, 6 * time.Minute, 2, true},
		"blocked behind the page":    {shared.NewError(shared.ReasonVendorBlocked), true, 4 * time.Hour, 2, true},
		"blocked before the page":    {shared.NewError(shared.ReasonVendorBlocked), false, 4 * time.Hour, 9, false},
		"taken, but not understood":  {shared.NewError(shared.ReasonInvalidResponse), true, 0, 2, true},
		"taken, and then refused":    {sdk.ErrSessionExpired, false, 0, 2, true},
		"page that makes no sense":   {shared.NewError(shared.ReasonInvalidResponse), false, 0, 120, false},
		"outage behind the password": {shared.NewError(shared.ReasonVendorUnavailable), true, 0, 17, false},
		"outage before it":           {shared.NewError(shared.ReasonVendorUnavailable), false, 0, 120, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, dir := newClock(), t.TempDir()
			s := newSessions()
			s.renewErr, s.loginErr = sdk.ErrSessionExpired, tc.err
			var api *shared.APIError
			if errors.As(tc.err, &api) {
				api.MayHaveHappened, api.RetryAfter = tc.sent, tc.wait
			}
			var err error
			for begun := c.now(); c.now().Sub(begun) < 5*24*time.Hour; c.advance(20 * time.Minute) {
				// Each time a new process, which knows what is on disk.
				e := bareEngine(t, s, sdk.Options{Now: c.now, BreakerFailures: 1000})
				_, err = e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: dir})
				require.Error(t, err)
				require.False(t, shared.AsAPIError(err).MayHaveHappened, "no car was woken")
			}
			logins, _ := s.counts()
			assert.LessOrEqual(t, logins, tc.most)
			assert.Greater(t, logins, 1)
			e := bareEngine(t, s, sdk.Options{Now: c.now})
			_, err = e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: dir})
			assert.Equal(t, tc.human, health(t, e).GetState() == vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN)
			if tc.human {
				assert.Contains(t, err.Error(), "the password is not sent again")
				assert.False(t, shared.AsAPIError(err).Temporary)
				assert.Equal(t, shared.AsAPIError(err).Reason, shared.Reason(health(t, e).GetReason()))
			}
		})
	}
}

// TestWaitingForALoginSpendsNone of those that a day has.
func TestWaitingForALoginSpendsNone(t *testing.T) {
	l := newLimited(t, sdk.Limits{LoginsPerDay: 2})
	down := true
	l.LoginFunc = func(context.Context) error {
		if down {
			return shared.NewError(shared.ReasonVendorUnavailable)
		}
		return nil
	}
	list := l.VehiclesFunc
	l.VehiclesFunc = func(ctx context.Context) ([]*vehiclev1.Vehicle, error) {
		if down {
			return nil, sdk.ErrSessionExpired
		}
		return list(ctx)
	}
	initialize := func() error {
		e := bareEngine(t, l, sdk.Options{Now: l.clock.now, BreakerFailures: 1000})
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: l.dir})
		return err
	}
	for range 10 {
		require.ErrorIs(t, initialize(), shared.ReasonVendorUnavailable)
		l.clock.advance(time.Second)
	}
	down = false
	l.clock.advance(time.Minute)
	require.NoError(t, initialize())
}
