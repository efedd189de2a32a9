package shared

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Client is a plugin as its host sees it. It is safe for concurrent use.
type Client struct {
	vehicles vehiclev1.VehicleServiceClient
	plugin   vehiclev1.PluginServiceClient
}

var (
	_ VehicleRefresher = (*Client)(nil)
	_ VehicleLister    = (*Client)(nil)
	_ Describer        = (*Client)(nil)
	_ HealthWatcher    = (*Client)(nil)
	_ Drainer          = (*Client)(nil)
	_ Watcher          = (*Client)(nil)
	_ Scheduler        = (*Client)(nil)
	_ Previewer        = (*Client)(nil)
	_ Unlocker         = (*Client)(nil)
)

// NewClient speaks the contract over conn, which stays the caller's to close.
func NewClient(conn grpc.ClientConnInterface) *Client {
	return &Client{
		vehicles: vehiclev1.NewVehicleServiceClient(conn),
		plugin:   vehiclev1.NewPluginServiceClient(conn),
	}
}

// Initialize implements [VehicleRefresher].
func (c *Client) Initialize(ctx context.Context, cfg Config) ([]*vehiclev1.Vehicle, error) {
	resp, err := c.vehicles.Initialize(outgoing(ctx), &vehiclev1.InitializeRequest{
		SettingsJson: string(cfg.Settings), StateDir: cfg.StateDir,
	})
	if err != nil {
		return nil, fromCall(ctx, err)
	}
	return resp.GetVehicles(), nil
}

// ListVehicles implements [VehicleLister].
func (c *Client) ListVehicles(ctx context.Context) ([]*vehiclev1.Vehicle, error) {
	resp, err := c.vehicles.ListVehicles(outgoing(ctx), &vehiclev1.ListVehiclesRequest{})
	if err != nil {
		return nil, fromCall(ctx, err)
	}
	return resp.GetVehicles(), nil
}

// RefreshCached implements [VehicleRefresher].
func (c *Client) RefreshCached(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error) {
	resp, err := c.vehicles.RefreshCached(outgoing(ctx), &vehiclev1.RefreshCachedRequest{VehicleId: clean(vehicleID)})
	return checked(ctx, ModeCached, vehicleID, resp.GetData(), err)
}

// RefreshForce implements [VehicleRefresher].
func (c *Client) RefreshForce(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error) {
	resp, err := c.vehicles.RefreshForce(outgoing(ctx), &vehiclev1.RefreshForceRequest{VehicleId: clean(vehicleID)})
	return checked(ctx, ModeForce, vehicleID, resp.GetData(), err)
}

// RefreshSmart implements [VehicleRefresher].
func (c *Client) RefreshSmart(ctx context.Context, vehicleID string, maxAge time.Duration) (*vehiclev1.VehicleData, error) {
	resp, err := c.vehicles.RefreshSmart(outgoing(ctx), &vehiclev1.RefreshSmartRequest{VehicleId: clean(vehicleID), MaxAgeSeconds: ageSeconds(maxAge)})
	return checked(ctx, ModeSmart, vehicleID, resp.GetData(), err)
}

// ageSeconds is a maximum age on the wire, rounded up: "0.5 s" must not become "unset".
func ageSeconds(maxAge time.Duration) *int64 {
	if maxAge <= 0 {
		return nil
	}
	seconds := int64((maxAge + time.Second - 1) / time.Second)
	return &seconds
}

// Preview implements [Previewer].
func (c *Client) Preview(ctx context.Context, mode Mode, vehicleID string, maxAge time.Duration) (*vehiclev1.Preview, error) {
	resp, err := c.vehicles.Preview(outgoing(ctx), &vehiclev1.PreviewRequest{
		VehicleId: clean(vehicleID), Mode: clean(string(mode)), MaxAgeSeconds: ageSeconds(maxAge),
	})
	if err != nil {
		return nil, fromCall(ctx, err)
	}
	if resp.GetPreview() == nil {
		return nil, notTrue(vehicleID, "The plugin's answer does not say what the refresh would do.")
	}
	return resp.GetPreview(), nil
}

// checked refuses an answer that is no answer to the question.
func checked(ctx context.Context, mode Mode, vehicleID string, data *vehiclev1.VehicleData, err error) (*vehiclev1.VehicleData, error) {
	if err != nil {
		return nil, fromCall(ctx, err)
	}
	if wrong := untrue(vehicleID, data); wrong != "" {
		return nil, &RefreshError{Mode: mode, VehicleID: vehicleID, Err: notTrue(vehicleID, wrong)}
	}
	Normalize(data)
	return data, nil
}

// untrue says in a sentence what is wrong with data of a car; empty: nothing.
func untrue(vehicleID string, data *vehiclev1.VehicleData) string {
	switch {
	case data.GetVehicle().GetId() != vehicleID:
		return "The plugin answered for another vehicle than the one it was asked about."
	case data.GetRefresh() == nil:
		return "The plugin's answer does not say where its data comes from."
	case time.UnixMilli(data.GetRefresh().GetObservedAt()).After(time.Now().Add(maxClockSkew)):
		return "The plugin's answer has data from the future. Check the clocks of this machine and of the plugin."
	}
	return ""
}

func notTrue(vehicleID, sentence string) *APIError {
	e := Errorf(ReasonInvalidResponse, "%s", sentence)
	e.Source, e.VehicleID = SourcePlugin, vehicleID
	return e
}

// maxClockSkew is how far a car's time may be ahead. Time zones that a parser got
// wrong stay below it; what lies beyond is no time of a car's.
const maxClockSkew = 24 * time.Hour

// Unlock implements [Unlocker].
func (c *Client) Unlock(ctx context.Context) error {
	_, err := c.vehicles.Unlock(outgoing(ctx), &vehiclev1.UnlockRequest{})
	return fromCall(ctx, err)
}

// Describe implements [Describer].
func (c *Client) Describe(ctx context.Context) (*vehiclev1.DescribeResponse, error) {
	resp, err := c.plugin.Describe(outgoing(ctx), &vehiclev1.DescribeRequest{})
	return resp, fromCall(ctx, err)
}

// WatchHealth implements [HealthWatcher]. It returns nil when the plugin ends
// the stream.
func (c *Client) WatchHealth(ctx context.Context, report func(*vehiclev1.Health) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.plugin.WatchHealth(outgoing(ctx), &vehiclev1.WatchHealthRequest{})
	if err != nil {
		return fromCall(ctx, err)
	}
	return receive(ctx, stream.Recv, func(resp *vehiclev1.WatchHealthResponse) error { return report(resp.GetHealth()) })
}

// Watch implements [Watcher]. It returns nil when the plugin ends the stream. A
// snapshot that cannot be true ends it.
func (c *Client) Watch(ctx context.Context, report func(*vehiclev1.VehicleData) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.vehicles.Watch(outgoing(ctx), &vehiclev1.WatchRequest{})
	if err != nil {
		return fromCall(ctx, err)
	}
	return receive(ctx, stream.Recv, func(resp *vehiclev1.WatchResponse) error {
		data := resp.GetData()
		id := data.GetVehicle().GetId()
		if wrong := untrue(id, data); wrong != "" || id == "" {
			return notTrue(id, cmp.Or(wrong, "The plugin sent data of no vehicle."))
		}
		Normalize(data)
		return report(data)
	})
}

// SetSchedule implements [Scheduler].
func (c *Client) SetSchedule(ctx context.Context, vehicleID string, schedule json.RawMessage) (json.RawMessage, error) {
	resp, err := c.vehicles.SetSchedule(outgoing(ctx), &vehiclev1.SetScheduleRequest{
		VehicleId: clean(vehicleID), ScheduleJson: strings.ToValidUTF8(string(schedule), "\uFFFD"),
	})
	if err != nil {
		return nil, fromCall(ctx, err)
	}
	return scheduleOf(vehicleID, resp.GetScheduleJson())
}

// Schedule implements [Scheduler].
func (c *Client) Schedule(ctx context.Context, vehicleID string) (Schedule, error) {
	resp, err := c.vehicles.GetSchedule(outgoing(ctx), &vehiclev1.GetScheduleRequest{VehicleId: clean(vehicleID)})
	if err != nil {
		return Schedule{}, fromCall(ctx, err)
	}
	now := Schedule{Preset: resp.GetPreset()}
	if !slices.Contains(Presets(), now.Preset) {
		return Schedule{}, notTrue(vehicleID, "The plugin's word for the schedule is none of the contract's.")
	}
	now.JSON, err = scheduleOf(vehicleID, resp.GetScheduleJson())
	return now, err
}

// maxSchedule bounds a schedule in bytes.
const maxSchedule = 4 << 10

// scheduleOf checks a plugin's schedule.
func scheduleOf(vehicleID, text string) (json.RawMessage, error) {
	if len(text) > maxSchedule || !strings.HasPrefix(text, "{") || !json.Valid([]byte(text)) {
		return nil, notTrue(vehicleID, "The plugin's schedule is no JSON object of at most 4 KiB.")
	}
	return json.RawMessage(text), nil
}

// receive takes messages of a stream until it ends.
func receive[T any](ctx context.Context, next func() (T, error), take func(T) error) error {
	for {
		message, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fromCall(ctx, err)
		}
		if err := take(message); err != nil {
			return err
		}
	}
}

// Drain implements [Drainer].
func (c *Client) Drain(ctx context.Context) error {
	_, err := c.plugin.Drain(outgoing(ctx), &vehiclev1.DrainRequest{})
	return fromCall(ctx, err)
}

// fromCall is [FromStatus] for an error of a call made with ctx. gRPC says
// "cancelled" also of calls whose connection was closed under them; if the
// caller did not cancel, the plugin is down.
func fromCall(ctx context.Context, err error) error {
	typed := FromStatus(err)
	if ctx.Err() == nil && len(status.Convert(err).Details()) == 0 && errors.Is(typed, ReasonCanceled) {
		down := NewError(ReasonPluginDown).Wrap(err)
		down.MayHaveHappened = true
		return down
	}
	return typed
}
