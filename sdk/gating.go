package sdk

import (
	"context"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/snapshot"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// docs are the engine's documents in the store.
type docs struct{ *Store }

func (d docs) Keep(name string, v any) error { return d.keep(name, v) }

func (d docs) Lock() (unlock func()) { return d.alone() }

// request to the gate that stands for a call to the vendor.
func (a *account) request(ctx context.Context, class gate.Class, vehicleID string) gate.Request {
	info := shared.CallInfoFrom(ctx)
	return gate.Request{
		Class: class, Vehicle: vehicleID, Zone: a.zone(vehicleID),
		Background: info.Background, Override: info.Override && class == gate.Wake,
	}
}

// decided counts what the gate has said to a call that wanted to go out.
func (a *account) decided(ctx context.Context, r gate.Request, d gate.Decision) {
	switch {
	case !d.Allowed:
		a.health.count(shared.CounterGate, string(d.Rule))
	case r.Again: // it is the same call
	case d.Rule == "":
		a.health.count(shared.CounterGate, shared.FigureAllowed)
	default:
		a.health.count(shared.CounterGate, shared.FigureOverridden)
		Logger(ctx).Warn("a limit was overridden by the command", "rule", string(d.Rule))
	}
}

// mayWake says why a car may not be woken now, without acting. It is asked before
// anything is spent for a wake. What the reading before the wake may end is no reason
// yet: the 12 V battery is low, or the vendor keeps failing, or has refused.
func (a *account) mayWake(ctx context.Context, vehicleID string) error {
	r := a.request(ctx, gate.Wake, vehicleID)
	switch d := a.gate.Ask(ctx, r); {
	case d.Allowed, !d.Rule.Ours(), d.Rule == gate.AuxBattery, d.Rule == gate.AuxTrend:
		return nil
	default:
		a.decided(ctx, r, d)
		return a.gate.Refusal(r, d)
	}
}

// answer is a copy of a snapshot for one caller, who asked in that mode.
func (a *account) answer(ctx context.Context, data *vehiclev1.VehicleData, mode shared.Mode) *vehiclev1.VehicleData {
	d := snapshot.For(data, mode)
	snapshot.MayWake(d, a.nextWake(ctx, d))
	return d
}

// nextWake is from when on a person's command may wake a car, given its last snapshot: not
// later than that if it may at once, so that it stays the same until something happens.
// Zero: nobody knows.
func (a *account) nextWake(ctx context.Context, d *vehiclev1.VehicleData) time.Time {
	vehicleID := d.GetVehicle().GetId()
	decision := a.gate.Ask(ctx, gate.Request{Class: gate.Wake, Vehicle: vehicleID, Zone: a.zone(vehicleID)})
	switch polled := d.GetRefresh().GetPolledAt(); {
	case !decision.Allowed:
		return decision.Until
	case polled > 0:
		return time.UnixMilli(polled)
	}
	return snapshot.ObservedAt(d) // of an earlier process
}

// admitOwn lets a call of the session's own out: renewals, the list that tests a
// session before a login, and logins. A login that a person has asked for is made also
// when the vendor wants no calls.
func (a *account) admitOwn(ctx context.Context, class gate.Class) error {
	err := a.gate.Admit(ctx, gate.Request{Class: class, Person: a.session.Asked()})
	if err == nil && class != gate.Login { // which is counted when it is made
		a.health.count(shared.CounterCalls, string(class))
	}
	return err
}

// zone is a car's own, nil if it is not known.
func (a *account) zone(vehicleID string) *time.Location {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.zones[vehicleID]
}

// zoneOr is a car's own zone, otherwise the one of the vendor's limits, if that is
// known.
func (a *account) zoneOr(vehicleID string, otherwise *time.Location) *time.Location {
	if zone := a.zone(vehicleID); zone != nil {
		return zone
	}
	if a.limits.Zone != nil {
		return a.limits.Zone
	}
	return otherwise
}

// observe lets the gate know what a snapshot says of the car.
func (a *account) observe(vehicleID string, d *vehiclev1.VehicleData) {
	var aux *float64
	if d.GetAuxBattery() != nil {
		aux = d.GetAuxBattery().Soc
	}
	a.gate.Observe(vehicleID, gate.Facts{
		Aux: aux, PluggedIn: d.GetCharging().GetPluggedIn(), Charging: d.GetCharging().GetCharging(), Running: d.GetDrive().GetRunning(),
		Odometer: d.GetDrive().GetOdometer(), ObservedAt: snapshot.ObservedAt(d),
	})
}
