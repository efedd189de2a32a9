package sdk_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// sessions is a vendor with a session that can end.
type sessions struct {
	sdktest.RenewingVendor
	mu               sync.Mutex
	open             bool
	logins, renewals int
	loginErr         error
	renewErr         error
	// refuseAll: the vendor refuses every session.
	refuseAll bool
}

func newSessions() *sessions {
	s := &sessions{}
	check := func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.open || s.refuseAll {
			return sdk.ErrSessionExpired
		}
		return nil
	}
	s.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return sdktest.Cars("car1"), check() }
	s.CachedFunc = func(context.Context, string) (*vehiclev1.VehicleData, error) {
		if err := check(); err != nil {
			return nil, err
		}
		return sdktest.Snapshot(time.Now(), 1), nil
	}
	s.LoginFunc = func(context.Context) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.logins++
		s.open = s.loginErr == nil
		return s.loginErr
	}
	s.RenewFunc = func(context.Context) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.logins == 0 {
			return sdk.ErrSessionExpired // nothing to renew yet
		}
		s.renewals++
		s.open = s.renewErr == nil
		return s.renewErr
	}
	return s
}

func (s *sessions) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = false
}

func (s *sessions) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *sessions) counts() (logins, renewals int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins, s.renewals
}

func TestRenewOnceHoweverManyCallersMeetTheEnd(t *testing.T) {
	s := newSessions()
	e := engine(t, s, sdk.Options{MinReadInterval: -1})
	s.expire()
	var all sync.WaitGroup
	var failed atomic.Int32
	for range 50 {
		all.Go(func() {
			if _, err := e.RefreshCached(context.Background(), "car1"); err != nil {
				failed.Add(1)
			}
		})
	}
	all.Wait()
	assert.Zero(t, failed.Load())
	logins, renewals := s.counts()
	assert.Equal(t, 1, logins, "the first login")
	assert.Equal(t, 1, renewals)
}

func TestRenewalThatIsRefusedFallsBackToOneLogin(t *testing.T) {
	for name, refusal := range map[string]error{
		"session gone":           sdk.ErrSessionExpired,
		"refresh token rejected": shared.NewError(shared.ReasonAuthFailed),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSessions()
			e := engine(t, s, sdk.Options{MinReadInterval: -1})
			s.expire()
			s.set(func() { s.renewErr = refusal })
			_, err := e.RefreshCached(t.Context(), "car1")
			require.NoError(t, err)
			logins, renewals := s.counts()
			assert.Equal(t, 2, logins)
			assert.Equal(t, 1, renewals)
		})
	}
}

func TestOutageDuringRenewalNeverTriesThePassword(t *testing.T) {
	s := newSessions()
	e := engine(t, s, sdk.Options{MinReadInterval: -1})
	s.expire()
	s.set(func() { s.renewErr = shared.NewError(shared.ReasonVendorUnavailable) })
	for range 4 {
		_, err := e.RefreshCached(t.Context(), "car1")
		require.ErrorIs(t, err, shared.ReasonVendorUnavailable)
	}
	logins, _ := s.counts()
	assert.Equal(t, 1, logins)
}

// TestRevokedSession: a vendor that refuses every session sees one renewal and
// one login, and then nothing until somebody acts.
func TestRevokedSession(t *testing.T) {
	s := newSessions()
	e := engine(t, s, sdk.Options{MinReadInterval: -1})
	s.set(func() { s.refuseAll = true })
	for range 100 {
		_, err := e.RefreshCached(t.Context(), "car1")
		require.Error(t, err)
	}
	_, err := e.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonAuthFailed)
	logins, renewals := s.counts()
	assert.Equal(t, 1, renewals)
	assert.Equal(t, 2, logins, "the first one, and one more")
}

func TestRefusedPasswordIsTriedOnceAlsoAcrossRestarts(t *testing.T) {
	for _, reason := range []shared.Reason{
		shared.ReasonAuthFailed, shared.ReasonConsentRequired, shared.ReasonCaptchaRequired, shared.ReasonOTPRequired,
	} {
		t.Run(string(reason), func(t *testing.T) {
			dir := t.TempDir()
			s := newSessions()
			s.loginErr = shared.NewError(reason)
			for range 5 { // restarts
				e := bareEngine(t, s, sdk.Options{})
				_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("wrong"), StateDir: dir})
				require.ErrorIs(t, err, reason)
				assert.Equal(t, reason.Sentence(), shared.AsAPIError(err).Error())
				h := health(t, e)
				assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN, h.GetState())
				assert.Equal(t, string(reason), h.GetReason())
			}
			logins, _ := s.counts()
			assert.Equal(t, 1, logins)

			s.set(func() { s.loginErr = nil })
			e := bareEngine(t, s, sdk.Options{})
			_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("right"), StateDir: dir})
			require.NoError(t, err, "other settings are another cause")
			assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_READY, health(t, e).GetState())
		})
	}
}

// TestARefusalStandsForItsCredentials: also after others were tried, and whatever serves
// meanwhile.
func TestARefusalStandsForItsCredentials(t *testing.T) {
	s, dir, c := newSessions(), t.TempDir(), newClock()
	initialize := func(e *sdk.Engine, password string, answer error) error {
		s.set(func() { s.loginErr = answer })
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings(password), StateDir: dir})
		return err
	}
	e := bareEngine(t, passwordOnly{s}, sdk.Options{Now: c.now})
	refused := shared.NewError(shared.ReasonAuthFailed)
	require.ErrorIs(t, initialize(e, "first", refused), shared.ReasonAuthFailed)
	require.ErrorIs(t, initialize(e, "second", refused), shared.ReasonAuthFailed)
	was, _ := s.counts()
	require.ErrorIs(t, initialize(e, "first", nil), shared.ReasonAuthFailed)
	again := bareEngine(t, passwordOnly{s}, sdk.Options{Now: c.now})
	require.ErrorIs(t, initialize(again, "second", nil), shared.ReasonAuthFailed)
	logins, _ := s.counts()
	assert.Equal(t, was, logins)
}

// TestOneLoginAtATimeOverAllProcesses: the other one takes up its session.
func TestOneLoginAtATimeOverAllProcesses(t *testing.T) {
	dir := t.TempDir()
	var mu sync.Mutex
	at, most, logins := 0, 0, 0
	v := func() sdk.Vendor {
		loggedIn := false
		return &sdktest.RenewingVendor{Vendor: sdktest.Vendor{
			VehiclesFunc: func(context.Context) ([]*vehiclev1.Vehicle, error) {
				mu.Lock()
				defer mu.Unlock()
				if !loggedIn {
					return nil, sdk.ErrSessionExpired
				}
				return sdktest.Cars("car1"), nil
			},
			LoginFunc: func(context.Context) error {
				mu.Lock()
				at, logins = at+1, logins+1
				most = max(most, at)
				mu.Unlock()
				time.Sleep(20 * time.Millisecond) // the other one comes meanwhile
				mu.Lock()
				defer mu.Unlock()
				at, loggedIn = at-1, true
				return nil
			},
		}, RenewFunc: func(context.Context) error { return sdk.ErrSessionExpired }, RestoreFunc: func(context.Context) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			another := logins > 0 && !loggedIn
			loggedIn = loggedIn || another
			return another, nil
		}}
	}
	var all sync.WaitGroup
	for range 4 {
		e := bareEngine(t, v(), sdk.Options{})
		all.Go(func() {
			_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: dir})
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.Equal(t, 1, most)
	assert.Equal(t, 1, logins)
}

// TestDamagedFilesFailClosed: what a loss of power has emptied is no reason to send a
// password once more.
func TestDamagedFilesFailClosed(t *testing.T) {
	for _, pattern := range []string{"login-*.json", "fingerprint.json"} {
		t.Run(pattern, func(t *testing.T) {
			s, dir, c := newSessions(), t.TempDir(), newClock()
			s.loginErr = shared.NewError(shared.ReasonAuthFailed)
			start := func(person bool) error {
				e := sdk.NewEngine(sdktest.Plugin(passwordOnly{s}), sdk.Options{Now: c.now, Person: person})
				defer func() { require.NoError(t, e.Close(t.Context())) }()
				_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("wrong"), StateDir: dir})
				return err
			}
			require.ErrorIs(t, start(false), shared.ReasonAuthFailed)
			files, err := filepath.Glob(filepath.Join(dir, "engine", pattern))
			require.NoError(t, err)
			require.Len(t, files, 1)
			require.NoError(t, os.Truncate(files[0], 0))

			for range 11 {
				err := start(false)
				require.ErrorIs(t, err, shared.ReasonVendorUnavailable)
				assert.Equal(t, shared.SourcePlugin, shared.AsAPIError(err).Source)
				c.advance(time.Hour)
			}
			logins, _ := s.counts()
			assert.Equal(t, 1, logins)
			assert.FileExists(t, files[0]+".damaged")

			s.set(func() { s.loginErr = nil })
			require.NoError(t, start(true), "a person may try")
		})
	}
}

// TestAnAuthorCannotTouchTheLockOutClock: the engine's documents are not his.
func TestAnAuthorCannotTouchTheLockOutClock(t *testing.T) {
	s, dir := newSessions(), t.TempDir()
	s.loginErr = shared.NewError(shared.ReasonAuthFailed)
	for range 3 {
		e := sdk.NewEngine(sdk.Plugin{Name: "test", New: func(cfg sdk.VendorConfig) (sdk.Vendor, error) {
			for _, name := range []string{"login", "ledger", "closures", "fingerprint", "fleet"} {
				require.NoError(t, cfg.Store.Put(name, "mine"))
			}
			return passwordOnly{s}, nil
		}}, sdk.Options{})
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("wrong"), StateDir: dir})
		require.ErrorIs(t, err, shared.ReasonAuthFailed)
		require.NoError(t, e.Close(t.Context()))
	}
	logins, _ := s.counts()
	assert.Equal(t, 1, logins)
}

// TestStateOfAnOlderVersionIsMovedIn, also when that was cut off half-way.
func TestStateOfAnOlderVersionIsMovedIn(t *testing.T) {
	s, dir := newSessions(), t.TempDir()
	s.loginErr = shared.NewError(shared.ReasonAuthFailed)
	start := func() error {
		e := sdk.NewEngine(sdktest.Plugin(passwordOnly{s}), sdk.Options{})
		defer func() { require.NoError(t, e.Close(t.Context())) }()
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("wrong"), StateDir: dir})
		return err
	}
	require.ErrorIs(t, start(), shared.ReasonAuthFailed)
	room := filepath.Join(dir, "engine")
	files, err := filepath.Glob(filepath.Join(room, "login-*.json"))
	require.NoError(t, err)
	require.NoError(t, os.Rename(files[0], filepath.Join(dir, "login.json")), "its name then")
	require.NoError(t, os.Rename(filepath.Join(room, "ledger.json"), filepath.Join(dir, "ledger.json")))
	require.NoError(t, os.Rename(room, room+".new"))

	require.ErrorIs(t, start(), shared.ReasonAuthFailed)
	logins, _ := s.counts()
	assert.Equal(t, 1, logins)
	assert.NoFileExists(t, filepath.Join(dir, "ledger.json"))
	assert.NoFileExists(t, filepath.Join(room, "login.json"), "it has its account's name now")
}

func TestFailedLoginsPauseLongerAndLonger(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	s := newSessions()
	s.loginErr, s.renewErr = shared.NewError(shared.ReasonVendorUnavailable), sdk.ErrSessionExpired
	initialize := func() error {
		e := bareEngine(t, s, sdk.Options{Now: c.now})
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: dir})
		return err
	}
	var pauses []time.Duration
	for range 6 {
		err := initialize()
		require.ErrorIs(t, err, shared.ReasonVendorUnavailable)
		pause := shared.AsAPIError(err).RetryAfter
		pauses = append(pauses, pause)
		before, _ := s.counts()
		c.advance(pause - time.Second)
		require.ErrorIs(t, initialize(), shared.ReasonVendorUnavailable)
		after, _ := s.counts()
		assert.Equal(t, before, after, "a restart does not shorten the pause")
		c.advance(2 * time.Second)
	}
	for i := 1; i < len(pauses); i++ {
		assert.Greater(t, pauses[i], pauses[i-1])
	}
	s.set(func() { s.loginErr = nil })
	c.advance(2 * time.Hour)
	require.NoError(t, initialize())
}

// TestLoginThatWasCutOffCounts: a process that dies in the middle of a login
// does not try again at once.
func TestLoginThatWasCutOffCounts(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	entered, release := make(chan struct{}), make(chan struct{})
	s := newSessions()
	s.LoginFunc = func(context.Context) error {
		close(entered)
		<-release // the process "dies" here
		return errors.New("killed")
	}
	dying := bareEngine(t, s, sdk.Options{Now: c.now})
	ctx, cancel := context.WithCancel(t.Context())
	out := make(chan error, 1)
	go func() {
		_, err := dying.Initialize(ctx, shared.Config{Settings: settings("x"), StateDir: dir})
		out <- err
	}()
	<-entered
	cancel()
	require.Error(t, <-out)

	// What the next one finds; the lock went with the process.
	left, err := copyState(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(left)) })
	next := newSessions()
	e := bareEngine(t, next, sdk.Options{Now: c.now})
	_, err = e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: left})
	require.ErrorIs(t, err, shared.ReasonVendorUnavailable)
	assert.Positive(t, shared.AsAPIError(err).RetryAfter)
	logins, _ := next.counts()
	assert.Zero(t, logins)
	close(release)
}

func TestNoLoginWithoutTheClockOnDisk(t *testing.T) {
	s := newSessions()
	plugin := sdktest.Plugin(s)
	broken := false
	dir := t.TempDir()
	plugin.New = func(sdk.VendorConfig) (sdk.Vendor, error) {
		broken = makeUnwritable(t, dir)
		return s, nil
	}
	e := sdk.NewEngine(plugin, sdk.Options{})
	defer func() { require.NoError(t, e.Close(context.Background())) }()
	_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: dir})
	require.True(t, broken)
	require.ErrorIs(t, err, shared.ReasonConfigInvalid)
	logins, _ := s.counts()
	assert.Zero(t, logins)
}

// health returns what the engine says first.
func health(t *testing.T, e *sdk.Engine) *vehiclev1.Health {
	t.Helper()
	var got *vehiclev1.Health
	stop := errors.New("enough")
	err := e.WatchHealth(t.Context(), func(h *vehiclev1.Health) error {
		got = h
		return stop
	})
	require.ErrorIs(t, err, stop)
	return got
}

// TestProcessesThatStartAtOnce in a new directory know each other's logins from the first
// one on.
func TestProcessesThatStartAtOnce(t *testing.T) {
	for range 20 {
		s, dir := newSessions(), t.TempDir()
		s.loginErr = shared.NewError(shared.ReasonAuthFailed)
		begin := make(chan struct{})
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				e := sdk.NewEngine(sdktest.Plugin(passwordOnly{s}), sdk.Options{})
				<-begin
				_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("wrong"), StateDir: dir})
				assert.ErrorIs(t, err, shared.ReasonAuthFailed)
				assert.NoError(t, e.Close(t.Context()))
			})
		}
		close(begin)
		all.Wait()
		logins, _ := s.counts()
		require.Equal(t, 1, logins)
	}
}
