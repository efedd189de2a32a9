package sdk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func TestUnknownVehicleReachesNobody(t *testing.T) {
	v := &sdktest.Vendor{CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
		t.Error("the vendor was called for a car that does not exist")
		return nil, errors.New("no")
	}}
	e := engine(t, v, sdk.Options{})
	for range 10 { // more than trip the breaker
		_, err := e.RefreshCached(t.Context(), "typo")
		require.ErrorIs(t, err, shared.ReasonUnknownVehicle)
		var refresh *shared.RefreshError
		require.ErrorAs(t, err, &refresh)
		assert.Equal(t, shared.ModeCached, refresh.Mode)
	}
	v.CachedFunc = nil
	_, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err, "nobody is disturbed by the typing errors")
}

func TestBeforeInitialize(t *testing.T) {
	e := bareEngine(t, &sdktest.Vendor{}, sdk.Options{})
	_, err := e.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonConfigInvalid)
	d, err := e.Describe(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "test-plugin", d.GetName())
	assert.Contains(t, d.GetCapabilities(), shared.CapabilityDrain)
}

func TestPanicInTheVendorIsContained(t *testing.T) {
	v := &sdktest.Vendor{CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
		panic("index out of range in a parser")
	}}
	e := engine(t, v, sdk.Options{})
	_, err := e.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonInternal)
	assert.NotContains(t, err.Error(), "index out of range", "its text is for the log")
	_, err = e.RefreshForce(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonInternal)
	v.CachedFunc = nil
	_, err = e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
}

func TestNilSnapshotIsAnInvalidResponse(t *testing.T) {
	v := &sdktest.Vendor{CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) { return nil, nil }}
	_, err := engine(t, v, sdk.Options{}).RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonInvalidResponse)
}

func TestEachWaiterKeepsItsOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered, cancelled := make(chan struct{}), make(chan struct{})
		v := &sdktest.Vendor{ForceFunc: func(ctx context.Context, _ string, _ time.Time) (*vehiclev1.VehicleData, error) {
			close(entered)
			<-ctx.Done()
			close(cancelled)
			return nil, ctx.Err()
		}}
		e := engine(t, v, sdk.Options{})
		patient, leave := context.WithCancel(t.Context())
		out := make(chan error, 1)
		go func() {
			_, err := e.RefreshForce(patient, "car1")
			out <- err
		}()
		<-entered
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := e.RefreshForce(impatient, "car1")
		require.ErrorIs(t, err, shared.ReasonDeadlineExceeded)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.True(t, shared.AsAPIError(err).MayHaveHappened, "the car may have been woken")
		select {
		case <-cancelled:
			t.Fatal("the call was cancelled although somebody still waits")
		default:
		}
		leave()
		require.ErrorIs(t, <-out, shared.ReasonCanceled)
		<-cancelled
	})
}

func TestQueueFull(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{})
	v := &sdktest.Vendor{
		VehiclesFunc: func(context.Context) ([]*vehiclev1.Vehicle, error) { return sdktest.Cars("a", "b"), nil },
		CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
			close(entered)
			<-release
			return sdktest.Snapshot(time.Now(), 1), nil
		},
	}
	e := engine(t, v, sdk.Options{MaxWaiting: 1})
	out := make(chan error, 1)
	go func() {
		_, err := e.RefreshCached(context.Background(), "a")
		out <- err
	}()
	<-entered
	_, err := e.RefreshCached(t.Context(), "b")
	require.ErrorIs(t, err, shared.ReasonQueueFull)
	assert.Positive(t, shared.AsAPIError(err).RetryAfter)
	close(release)
	require.NoError(t, <-out)
}

// TestAFleetAtOnce: a thousand cars that take a second each are all read by 32 workers, for a
// command's time begins when it has one; of more than those can read, the rest hear so when
// the first second is over, and when to come again.
func TestAFleetAtOnce(t *testing.T) {
	for cars, served := range map[int]int{1000: 1000, 3000: 1920} {
		t.Run(strconv.Itoa(cars), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ids := make([]string, cars)
				for i := range ids {
					ids[i] = "car" + strconv.Itoa(i)
				}
				e := engine(t, &sdktest.Vendor{
					VehiclesFunc: func(context.Context) ([]*vehiclev1.Vehicle, error) { return sdktest.Cars(ids...), nil },
					CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
						time.Sleep(time.Second)
						return sdktest.Snapshot(time.Now(), 1), nil
					},
				}, sdk.Options{})

				ctx, cancel := context.WithTimeout(t.Context(), shared.ModeCached.Deadline()+time.Millisecond)
				defer cancel()
				ends, begun := make(chan error, cars), time.Now()
				for _, id := range ids {
					go func() {
						_, err := e.RefreshCached(ctx, id)
						ends <- err
					}()
				}
				done, refused, lastRefusal := 0, 0, time.Duration(0)
				for range cars {
					err := <-ends
					if err == nil {
						done++
						continue
					}
					if errors.Is(err, shared.ReasonQueueFull) {
						assert.Positive(t, shared.AsAPIError(err).RetryAfter)
						if refused++; refused <= (cars-served)*9/10 {
							lastRefusal = time.Since(begun)
						}
						continue
					}
					require.ErrorIs(t, err, shared.ReasonDeadlineExceeded)
				}
				assert.Equal(t, served, done)
				assert.GreaterOrEqual(t, refused, cars-served-32, "but for those who nearly had a worker")
				assert.LessOrEqual(t, lastRefusal, 2*time.Second)
			})
		})
	}
}

func TestDrainEndsWhatRunsAndRefusesTheRest(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{})
	v := &sdktest.Vendor{CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
		close(entered)
		<-release
		return sdktest.Snapshot(time.Now(), 1), nil
	}}
	e := engine(t, v, sdk.Options{})
	out := make(chan error, 1)
	go func() {
		_, err := e.RefreshCached(context.Background(), "car1")
		out <- err
	}()
	<-entered
	drained := make(chan error, 1)
	go func() { drained <- e.Drain(context.Background()) }()
	await.True(t, "draining", func() bool {
		_, err := e.RefreshForce(t.Context(), "car1")
		return errors.Is(err, shared.ReasonDraining)
	})
	assert.Empty(t, drained, "a call is still running")
	close(release)
	require.NoError(t, <-out)
	require.NoError(t, <-drained)
}

func TestOtherSettingsReplaceTheAccount(t *testing.T) {
	var made atomic.Int32
	plugin := sdktest.Plugin(nil)
	plugin.New = func(cfg sdk.VendorConfig) (sdk.Vendor, error) {
		n := made.Add(1)
		var s struct {
			Password string `json:"password"`
		}
		if err := json.Unmarshal(cfg.Settings, &s); err != nil || s.Password == "" {
			return nil, errors.New("no password")
		}
		return &sdktest.Vendor{VehiclesFunc: func(context.Context) ([]*vehiclev1.Vehicle, error) {
			return sdktest.Cars(fmt.Sprintf("car%d", n)), nil
		}}, nil
	}
	e := sdk.NewEngine(plugin, sdk.Options{})
	defer func() { require.NoError(t, e.Close(context.Background())) }()
	dir := t.TempDir()
	init := func(password string) ([]*vehiclev1.Vehicle, error) {
		return e.Initialize(t.Context(), shared.Config{Settings: settings(password), StateDir: dir})
	}
	cars, err := init("one")
	require.NoError(t, err)
	assert.Equal(t, "car1", cars[0].GetId())
	_, err = init("one")
	require.NoError(t, err)
	assert.EqualValues(t, 1, made.Load(), "the same settings keep the client and its session")
	cars, err = init("two")
	require.NoError(t, err)
	assert.Equal(t, "car2", cars[0].GetId())
	_, err = e.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonUnknownVehicle)
	_, err = init("")
	require.ErrorIs(t, err, shared.ReasonConfigInvalid)
	_, err = e.RefreshCached(t.Context(), "car2")
	require.NoError(t, err, "wrong settings leave the present account alone")
}

func TestHealthSpeaksAtOnceAndOnChange(t *testing.T) {
	fail := atomic.Bool{}
	v := &sdktest.Vendor{CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
		if fail.Load() {
			return nil, shared.NewError(shared.ReasonVendorUnavailable)
		}
		return sdktest.Snapshot(time.Now(), 1), nil
	}}
	e := bareEngine(t, v, sdk.Options{MinReadInterval: -1})
	ctx, cancel := context.WithCancel(t.Context())
	reports := make(chan *vehiclev1.Health, 16)
	watched := make(chan error, 1)
	go func() {
		watched <- e.WatchHealth(ctx, func(h *vehiclev1.Health) error {
			reports <- h
			return nil
		})
	}()
	assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_STARTING, (<-reports).GetState())
	_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: t.TempDir()})
	require.NoError(t, err)
	assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_READY, (<-reports).GetState())
	fail.Store(true)
	for range 5 {
		_, err = e.RefreshCached(t.Context(), "car1")
		require.Error(t, err)
	}
	open := <-reports
	for open.GetState() == vehiclev1.HealthState_HEALTH_STATE_READY {
		open = <-reports // of the counters
	}
	assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_DEGRADED, open.GetState())
	assert.Equal(t, "open", open.GetBreaker())
	assert.Equal(t, string(shared.ReasonCircuitOpen), open.GetReason())
	assert.NotEmpty(t, open.GetSentence())
	assert.EqualValues(t, 5, open.GetCounters()["vendor_calls.read"])
	cancel()
	require.ErrorIs(t, <-watched, context.Canceled)
}

// TestLogTellsTheLifeOfACommand: the lines that operators know, with the request
// id, and nothing that is nobody's business.
func TestLogTellsTheLifeOfACommand(t *testing.T) {
	var buf await.Log
	redactor := &redact.Redactor{}
	log := slog.New(redactor.Handler(slog.NewJSONHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug})))
	v := &sdktest.Vendor{CachedFunc: func(ctx context.Context, _ string) (*vehiclev1.VehicleData, error) {
		sdk.Logger(ctx).Info("password is secret-1 for somebody@example.com")
		return sdktest.Snapshot(time.Now(), 1), nil
	}}
	e := engine(t, v, sdk.Options{Logger: log, Redactor: redactor})
	ctx := shared.WithCallInfo(t.Context(), shared.CallInfo{RequestID: "req-77", Attempt: 2})
	_, err := e.RefreshCached(ctx, "car1")
	require.NoError(t, err)
	text := buf.String()
	redacttest.NotIn(t, text, "secret-1", "somebody@example.com")
	found := map[string]map[string]any{}
	for line := range bytes.Lines([]byte(text)) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal(line, &fields))
		if fields["mode"] == "cached" {
			found[fields["msg"].(string)] = fields
		}
	}
	for _, msg := range []string{"offloading to worker", "worker completed", "password is [redacted] for [redacted]"} {
		require.Contains(t, found, msg)
		assert.Equal(t, "req-77", found[msg]["request_id"], msg)
		assert.EqualValues(t, 2, found[msg]["attempt"], msg)
		assert.Equal(t, "car1", found[msg]["vehicle"], msg)
	}
	assert.Equal(t, "DEBUG", found["offloading to worker"]["level"])
	assert.Equal(t, "INFO", found["worker completed"]["level"])
	assert.NotEmpty(t, found["worker completed"]["duration"])
	assert.NotEmpty(t, found["worker completed"]["queue_wait"])
}

// TestEveryJoinerStandsInTheLog with its request id, at the level that services have.
func TestEveryJoinerStandsInTheLog(t *testing.T) {
	for name, failure := range map[string]error{"done": nil, "in vain": shared.NewError(shared.ReasonVendorUnavailable)} {
		t.Run(name, func(t *testing.T) {
			var buf await.Log
			asked, answer := make(chan struct{}), make(chan struct{})
			v := &sdktest.Vendor{ForceFunc: func(context.Context, string, time.Time) (*vehiclev1.VehicleData, error) {
				close(asked)
				<-answer
				return sdktest.Snapshot(time.Now(), 1), failure
			}}
			e := engine(t, v, sdk.Options{Logger: slog.New(slog.NewTextHandler(&buf, nil))})
			var all sync.WaitGroup
			force := func(id string) {
				all.Go(func() {
					_, err := e.RefreshForce(shared.WithCallInfo(t.Context(), shared.CallInfo{RequestID: id, Attempt: 1}), "car1")
					assert.Equal(t, failure != nil, err != nil)
				})
			}
			force("the-first")
			await.Value(t, "the wake", asked)
			force("joiner-one")
			force("joiner-two")
			coalesced(t, e, 2)
			close(answer)
			all.Wait()
			for _, id := range []string{"joiner-one", "joiner-two"} {
				assert.Regexp(t, `level=INFO msg="shared the work of another command.* request_id=`+id, buf.String())
			}
			assert.NotRegexp(t, `shared the work.*request_id=the-first`, buf.String())
		})
	}
}
