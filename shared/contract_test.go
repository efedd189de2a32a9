package shared_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plugin is a VehicleRefresher whose behaviour is a function.
type plugin struct {
	initialize func(ctx context.Context, cfg shared.Config) ([]*vehiclev1.Vehicle, error)
	refresh    func(ctx context.Context, mode shared.Mode, id string, maxAge time.Duration) (*vehiclev1.VehicleData, error)
}

func (p *plugin) Initialize(ctx context.Context, cfg shared.Config) ([]*vehiclev1.Vehicle, error) {
	return p.initialize(ctx, cfg)
}

func (p *plugin) RefreshCached(ctx context.Context, id string) (*vehiclev1.VehicleData, error) {
	return p.refresh(ctx, shared.ModeCached, id, 0)
}

func (p *plugin) RefreshForce(ctx context.Context, id string) (*vehiclev1.VehicleData, error) {
	return p.refresh(ctx, shared.ModeForce, id, 0)
}

func (p *plugin) RefreshSmart(ctx context.Context, id string, maxAge time.Duration) (*vehiclev1.VehicleData, error) {
	return p.refresh(ctx, shared.ModeSmart, id, maxAge)
}

// capable is a plugin with every optional capability.
type capable struct{ plugin }

func (c *capable) ListVehicles(context.Context) ([]*vehiclev1.Vehicle, error) {
	return []*vehiclev1.Vehicle{{Id: "car1"}}, nil
}

func (c *capable) Describe(context.Context) (*vehiclev1.DescribeResponse, error) {
	return &vehiclev1.DescribeResponse{Name: "capable"}, nil
}

func (c *capable) WatchHealth(_ context.Context, report func(*vehiclev1.Health) error) error {
	for i := range 3 {
		if err := report(&vehiclev1.Health{State: vehiclev1.HealthState(i + 1)}); err != nil {
			return err
		}
	}
	return nil
}

func (c *capable) Drain(context.Context) error { return shared.NewError(shared.ReasonDraining) }

// connect serves p over a real socket and returns the host's end.
func connect(t *testing.T, p shared.VehicleRefresher) *shared.Client {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "s") // short, whatever TMPDIR is
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	socket := filepath.Join(dir, "s")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	require.NoError(t, err)
	server := grpc.NewServer(shared.ServerOptions()...)
	shared.RegisterServer(server, p)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	conn, err := grpc.NewClient("unix:"+socket, append(shared.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		server.Stop()
		assert.NoError(t, <-served)
	})
	return shared.NewClient(conn)
}

// TestEveryReasonSurvivesTheBoundary: errors.Is and errors.As say the same on
// both sides, for every reason and every field.
func TestEveryReasonSurvivesTheBoundary(t *testing.T) {
	var sent error
	client := connect(t, &plugin{refresh: func(context.Context, shared.Mode, string, time.Duration) (*vehiclev1.VehicleData, error) {
		return nil, sent
	}})
	for _, r := range shared.Reasons() {
		t.Run(string(r), func(t *testing.T) {
			api := shared.Errorf(r, "A sentence about %s.", r)
			api.Source, api.Temporary, api.MayHaveHappened = shared.SourceVehicle, !api.Temporary, true
			api.RetryAfter, api.VendorCode, api.Rule, api.VehicleID = 90*time.Second, "5031", "wake_interval", "car1"
			sent = &shared.RefreshError{Mode: shared.ModeForce, VehicleID: "car1", Err: fmt.Errorf("context: %w", api)}
			_, err := client.RefreshForce(t.Context(), "car1")
			require.ErrorIs(t, err, r)
			for _, other := range shared.Reasons() {
				assert.Equal(t, other == r, errors.Is(err, other), "errors.Is %s", other)
			}
			var refresh *shared.RefreshError
			require.ErrorAs(t, err, &refresh)
			assert.Equal(t, shared.ModeForce, refresh.Mode)
			assert.Equal(t, "car1", refresh.VehicleID)
			var got *shared.APIError
			require.ErrorAs(t, err, &got)
			assert.Equal(t, api.Message, got.Message)
			assert.Equal(t, api.Source, got.Source)
			assert.Equal(t, api.Temporary, got.Temporary)
			assert.Equal(t, api.MayHaveHappened, got.MayHaveHappened)
			assert.Equal(t, api.RetryAfter, got.RetryAfter)
			assert.Equal(t, api.VendorCode, got.VendorCode)
			assert.Equal(t, api.Rule, got.Rule)
			assert.Equal(t, api.VehicleID, got.VehicleID)
			assert.Equal(t, r == shared.ReasonDeadlineExceeded, errors.Is(err, context.DeadlineExceeded))
			assert.Equal(t, r == shared.ReasonCanceled, errors.Is(err, context.Canceled))
		})
	}
}

func TestAChainOfErrorsSurvives(t *testing.T) {
	inner := shared.NewError(shared.ReasonVendorTimeout)
	inner.RetryAfter = time.Minute
	outer := shared.NewError(shared.ReasonVehicleUnreachable).Wrap(fmt.Errorf("while waiting: %w", inner))
	got := shared.FromStatus(shared.ToStatus(&shared.RefreshError{Mode: shared.ModeSmart, VehicleID: "v", Err: outer}))
	require.ErrorIs(t, got, shared.ReasonVehicleUnreachable)
	require.ErrorIs(t, got, shared.ReasonVendorTimeout)
	var api *shared.APIError
	require.ErrorAs(t, got, &api)
	assert.Equal(t, shared.ReasonVehicleUnreachable, api.Reason, "the outermost is found first")
	assert.Zero(t, api.RetryAfter)
	require.ErrorAs(t, api.Err, &api)
	assert.Equal(t, time.Minute, api.RetryAfter)
}

func TestErrorsThatAreNotOurs(t *testing.T) {
	assert.NoError(t, shared.ToStatus(nil))
	assert.NoError(t, shared.FromStatus(nil))
	for name, tc := range map[string]struct {
		in   error
		want shared.Reason
	}{
		"plain error":              {errors.New("raw text of the vendor's"), shared.ReasonInternal},
		"deadline":                 {context.DeadlineExceeded, shared.ReasonDeadlineExceeded},
		"cancelled":                {fmt.Errorf("x: %w", context.Canceled), shared.ReasonCanceled},
		"refresh of plain error":   {&shared.RefreshError{Mode: shared.ModeCached, Err: errors.New("raw text of the vendor's")}, shared.ReasonInternal},
		"very long, not even text": {shared.Errorf(shared.ReasonUnsupported, "%s", strings.Repeat("\xff\xfe", 100_000)), shared.ReasonUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			wire := shared.ToStatus(tc.in)
			assert.NotContains(t, wire.Error(), "raw text", "unknown text stays in the plugin")
			assert.Less(t, proto.Size(status.Convert(wire).Proto()), 16<<10)
			require.ErrorIs(t, shared.FromStatus(wire), tc.want)
		})
	}
}

// TestTransportErrors: what gRPC itself says becomes typed as well.
func TestTransportErrors(t *testing.T) {
	for code, want := range map[codes.Code]shared.Reason{
		codes.Unavailable: shared.ReasonPluginDown, codes.DeadlineExceeded: shared.ReasonDeadlineExceeded,
		codes.Canceled: shared.ReasonCanceled, codes.ResourceExhausted: shared.ReasonInvalidResponse,
		codes.Unimplemented: shared.ReasonUnsupported, codes.Internal: shared.ReasonInternal, codes.Unknown: shared.ReasonInternal,
	} {
		err := shared.FromStatus(status.Error(code, "transport"))
		require.ErrorIs(t, err, want, code.String())
	}
	down := shared.AsAPIError(shared.FromStatus(status.Error(codes.Unavailable, "gone")))
	assert.True(t, down.MayHaveHappened, "nobody knows how far the plugin came")
	assert.True(t, down.Temporary)
}

// TestUnknownReasonDegradesToItsCode: a newer plugin may know reasons that this
// host does not.
func TestUnknownReasonDegradesToItsCode(t *testing.T) {
	novel := shared.NewError(shared.Reason("tyre_changed"))
	wire := status.Convert(shared.ToStatus(novel))
	p := wire.Proto()
	for code, want := range map[codes.Code]shared.Reason{
		codes.Unavailable: shared.ReasonVendorUnavailable, codes.Unauthenticated: shared.ReasonAuthFailed,
		codes.ResourceExhausted: shared.ReasonRateLimited, codes.NotFound: shared.ReasonUnknownVehicle, codes.Unknown: shared.ReasonInternal,
	} {
		p.Code = int32(code)
		require.ErrorIs(t, shared.FromStatus(status.ErrorProto(p)), want, code.String())
	}
}

func TestCallInfoCrossesTheBoundary(t *testing.T) {
	var got shared.CallInfo
	client := connect(t, &plugin{refresh: func(ctx context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		got = shared.CallInfoFrom(ctx)
		return &vehiclev1.VehicleData{Vehicle: &vehiclev1.Vehicle{Id: id}, Refresh: &vehiclev1.Refresh{}}, nil
	}})
	_, err := client.RefreshCached(shared.WithCallInfo(t.Context(), shared.CallInfo{RequestID: "abc", Attempt: 2, Background: true, Override: true}), "car1")
	require.NoError(t, err)
	assert.Equal(t, shared.CallInfo{RequestID: "abc", Attempt: 2, Background: true, Override: true}, got)
}

func TestDeadlineAndCancellationReachThePlugin(t *testing.T) {
	entered, left := make(chan time.Time, 1), make(chan error, 1)
	client := connect(t, &plugin{refresh: func(ctx context.Context, _ shared.Mode, _ string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		deadline, _ := ctx.Deadline()
		entered <- deadline
		<-ctx.Done()
		left <- ctx.Err()
		return nil, ctx.Err()
	}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	out := make(chan error, 1)
	go func() {
		_, err := client.RefreshForce(ctx, "car1")
		out <- err
	}()

	// What is left is sent, rounded up, and counts from when it arrives.
	want, _ := ctx.Deadline()
	got := <-entered
	assert.False(t, got.Before(want.Add(-time.Second)), "%s, not %s", got, want)
	assert.False(t, got.After(time.Now().Add(time.Hour+time.Second)), "%s", got)

	cancel()
	err := <-out
	require.ErrorIs(t, err, context.Canceled)
	assert.True(t, shared.AsAPIError(err).MayHaveHappened)
	require.ErrorIs(t, <-left, context.Canceled)
}

func TestMaxAge(t *testing.T) {
	var got time.Duration
	client := connect(t, &plugin{refresh: func(_ context.Context, _ shared.Mode, id string, maxAge time.Duration) (*vehiclev1.VehicleData, error) {
		got = maxAge
		return &vehiclev1.VehicleData{Vehicle: &vehiclev1.Vehicle{Id: id}, Refresh: &vehiclev1.Refresh{}}, nil
	}})
	for in, want := range map[time.Duration]time.Duration{
		0: shared.DefaultMaxAge, time.Minute: time.Minute, 300 * time.Millisecond: time.Second, 90500 * time.Millisecond: 91 * time.Second,
	} {
		_, err := client.RefreshSmart(t.Context(), "car1", in)
		require.NoError(t, err)
		assert.Equal(t, want, got, in.String())
	}
}

func TestAnAnswerToAnotherQuestionIsRefused(t *testing.T) {
	var reply *vehiclev1.VehicleData
	client := connect(t, &plugin{refresh: func(context.Context, shared.Mode, string, time.Duration) (*vehiclev1.VehicleData, error) {
		return reply, nil
	}})
	for name, d := range map[string]*vehiclev1.VehicleData{
		"another car": {Vehicle: &vehiclev1.Vehicle{Id: "car2"}}, "no car": {}, "nothing": nil,
	} {
		reply = d
		_, err := client.RefreshCached(t.Context(), "car1")
		require.ErrorIs(t, err, shared.ReasonInvalidResponse, name)
		assert.Equal(t, shared.SourcePlugin, shared.AsAPIError(err).Source)
	}
}

// TestMessageLimits: what is larger than 4 MiB does not pass, either way.
func TestMessageLimits(t *testing.T) {
	client := connect(t, &plugin{
		refresh: func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
			big := strings.Repeat("x", shared.MaxMessageSize)
			return &vehiclev1.VehicleData{Vehicle: &vehiclev1.Vehicle{Id: id, Name: &big}}, nil
		},
		initialize: func(context.Context, shared.Config) ([]*vehiclev1.Vehicle, error) { return nil, nil },
	})
	_, err := client.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonInvalidResponse)
	_, err = client.Initialize(t.Context(), shared.Config{Settings: bytes.Repeat([]byte(" "), shared.MaxMessageSize+1)})
	require.Error(t, err)
	_, err = client.Initialize(t.Context(), shared.Config{Settings: bytes.Repeat([]byte(" "), shared.MaxMessageSize/2)})
	require.NoError(t, err)
}

func TestCapabilitiesAreDiscovered(t *testing.T) {
	without := connect(t, &plugin{})
	_, err := without.ListVehicles(t.Context())
	require.ErrorIs(t, err, shared.ReasonUnsupported)
	_, err = without.Describe(t.Context())
	require.ErrorIs(t, err, shared.ReasonUnsupported)
	require.ErrorIs(t, without.Drain(t.Context()), shared.ReasonUnsupported)
	require.ErrorIs(t, without.WatchHealth(t.Context(), func(*vehiclev1.Health) error { return nil }), shared.ReasonUnsupported)

	with := connect(t, &capable{})
	cars, err := with.ListVehicles(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "car1", cars[0].GetId())
	d, err := with.Describe(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "capable", d.GetName())
	require.ErrorIs(t, with.Drain(t.Context()), shared.ReasonDraining)
	var states []vehiclev1.HealthState
	require.NoError(t, with.WatchHealth(t.Context(), func(h *vehiclev1.Health) error {
		states = append(states, h.GetState())
		return nil
	}))
	assert.Len(t, states, 3)
	stop := errors.New("enough")
	require.ErrorIs(t, with.WatchHealth(t.Context(), func(*vehiclev1.Health) error { return stop }), stop)
}

func TestReasonsAreWhole(t *testing.T) {
	seen := map[shared.Reason]bool{}
	for _, r := range shared.Reasons() {
		assert.False(t, seen[r], "%s stands twice", r)
		seen[r] = true
		assert.NotEqual(t, codes.OK, r.Code(), r)
		assert.NotEqual(t, codes.Unknown, r.Code(), r)
		assert.NotEmpty(t, r.Source(), r)
		assert.True(t, strings.HasSuffix(r.Sentence(), "."), "%s: a sentence for people", r)
	}
	assert.Equal(t, shared.ReasonCircuitOpen, shared.CircuitBreakerOpenError)
}

// TestClosedConnectionIsNotTheCallersDoing: whoever loses the plugin under a
// call must not be told that he cancelled it.
func TestClosedConnectionIsNotTheCallersDoing(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "s") // short, whatever TMPDIR is
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	socket := filepath.Join(dir, "s")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	require.NoError(t, err)
	entered := make(chan struct{})
	server := grpc.NewServer()
	shared.RegisterServer(server, &plugin{refresh: func(ctx context.Context, _ shared.Mode, _ string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		close(entered)
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	out := make(chan error, 1)
	go func() {
		_, err := shared.NewClient(conn).RefreshCached(context.Background(), "car1")
		out <- err
	}()
	<-entered
	require.NoError(t, conn.Close())
	require.ErrorIs(t, <-out, shared.ReasonPluginDown)
	server.Stop()
	assert.NoError(t, <-served)
}

// Who is told to wait comes after the time, not before it.
func TestWaitIsInWholeSecondsRoundedUp(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{
		0: 0, time.Nanosecond: time.Second, time.Second: time.Second, 42400 * time.Millisecond: 43 * time.Second, time.Hour: time.Hour,
	} {
		e := shared.NewError(shared.ReasonRateLimited)
		e.RetryAfter = after
		assert.Equal(t, want, e.Wait(), after)
	}
}
