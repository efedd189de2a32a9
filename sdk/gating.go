package sdk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// gateDocs are the gate's documents in the store.
type gateDocs struct{ *Store }

func (d gateDocs) Keep(name string, v any) error { return d.keep(name, v) }

// errGate marks what our own gate refuses; the vendor was not asked.
var errGate = errors.New("refused by the plugin's own limits")

// errReserve is errGate for what nobody waits for: the rest of the day's calls is
// for people.
var errReserve = fmt.Errorf("%w, for what nobody waits for", errGate)

// request to the gate that stands for a call to the vendor.
func (a *account) gateRequest(ctx context.Context, what gate.Call) gate.Request {
	r := gate.Request{Class: gate.Read, Vehicle: what.Vehicle, Zone: a.zone(what.Vehicle)}
	switch {
	case what.Vehicle == "":
		r.Class = gate.List
	case what.Wake:
		r.Class = gate.Wake
	}
	info := shared.CallInfoFrom(ctx)
	r.Background, r.Override = info.Background, info.Override && what.Wake
	return r
}

// admit takes a call's place in the budget, or says why it may not go out; again:
// it was admitted, and its session had ended.
func (a *account) admit(ctx context.Context, what gate.Call, again bool) error {
	r := a.gateRequest(ctx, what)
	r.Again = again
	switch d := a.gate.Take(r); {
	case !d.Allowed:
		return a.refused(d, r)
	case again: // it is the same call
	case d.Rule == "":
		a.health.count(shared.CounterGate, shared.FigureAllowed)
	default:
		a.health.count(shared.CounterGate, shared.FigureOverridden)
		Logger(ctx).Warn("a limit was overridden by the command", "rule", string(d.Rule))
	}
	return nil
}

// mayWake says why a car may not be woken now, without acting. It is asked before
// anything is spent for a wake. The 12 V battery is not asked for here: the
// reading before the wake may know better.
func (a *account) mayWake(ctx context.Context, vehicleID string) error {
	what := gate.Call{Vehicle: vehicleID, Wake: true}
	// The vendor's own refusal says more, and the reading may end it.
	closed := a.closures.Closed(what)
	r := a.gateRequest(ctx, what)
	d := a.gate.Ask(r)
	if closed || d.Allowed || d.Rule == gate.AuxBattery || d.Rule == gate.AuxTrend {
		return nil
	}
	return a.refused(d, r)
}

// admitOwn is admit for the session's own calls: renewals, the list that tests a
// session before a login, and logins. Only logins have a budget that refuses them,
// and a login that a person has asked for is made also when the vendor wants no calls.
func (a *account) admitOwn(class gate.Class) error {
	if !a.session.Asked() {
		if err := a.open(gate.Call{}); err != nil {
			return err
		}
	}
	if class != gate.Login {
		a.health.count(shared.CounterCalls, string(class))
		a.gate.Spend(class)
		return nil
	}
	r := gate.Request{Class: class}
	if d := a.gate.Take(r); !d.Allowed {
		return a.refused(d, r)
	}
	a.health.count(shared.CounterGate, shared.FigureAllowed)
	return nil
}

// refused counts a refusal and returns its error.
func (a *account) refused(d gate.Decision, r gate.Request) error {
	a.health.count(shared.CounterGate, string(d.Rule))
	return a.refusal(d, r)
}

// refusal is the error of a decision.
func (a *account) refusal(d gate.Decision, r gate.Request) error {
	by := errGate
	if r.Background && d.Rule == gate.CallsPerDay {
		by = errReserve
	}
	e := shared.Errorf(reasonOf(d.Rule), "%s", sentenceOf(d.Rule)).Wrap(fmt.Errorf("%w: %s", by, d.Rule))
	e.VehicleID = r.Vehicle
	if !d.Until.IsZero() {
		e.RetryAfter = max(time.Second, d.Until.Sub(a.now()))
	}
	return e
}

func reasonOf(rule gate.Rule) shared.Reason {
	switch rule {
	case gate.QuietHours, gate.AuxBattery, gate.AuxTrend:
		return shared.ReasonGuardRefused
	case gate.NoRecord:
		return shared.ReasonConfigInvalid
	default:
		return shared.ReasonBudgetSpent
	}
}

func sentenceOf(rule gate.Rule) string {
	switch rule {
	case gate.QuietHours:
		return "These are quiet hours of your settings; the car is left alone until they end."
	case gate.AuxBattery:
		return "The car's 12 V battery is low, and each wake costs it charge. Drive the car or charge that battery; a cached read then sees it."
	case gate.AuxTrend:
		return "The car's 12 V battery has lost charge day by day and would be low tomorrow, so the car is left alone. Drive it or charge that battery."
	case gate.WakeInterval:
		return "The car was woken a short time ago. Each wake costs charge of its 12 V battery, so the next one waits."
	case gate.WakesPerDay:
		return "The car's wakes of today are spent. Each costs charge of its 12 V battery; the limit is in the plugin's settings."
	case gate.NoRecord:
		return "The plugin cannot write its state directory, so it wakes no car: it would not know of it after a restart. Check its permissions and free space."
	case gate.LoginsPerDay:
		return "The logins of today are spent. More could lock the account; the plugin tries again tomorrow."
	default:
		return "The account's calls of today are spent. The vendor would close it for everybody, also for your app; the limit is in the plugin's settings."
	}
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

// observe lets the gate know what a snapshot says of the car's 12 V battery.
func (a *account) observe(vehicleID string, d *vehiclev1.VehicleData) {
	var aux *float64
	if d.GetAuxBattery() != nil {
		aux = d.GetAuxBattery().Soc
	}
	a.gate.Observe(vehicleID, gate.Facts{
		Aux: aux, PluggedIn: d.GetCharging().GetPluggedIn(), Charging: d.GetCharging().GetCharging(), Running: d.GetDrive().GetRunning(),
		Odometer: d.GetDrive().GetOdometer(),
	})
}

// Plan is what a command would do, as far as it is known without acting.
type Plan struct {
	// Wakes: it would wake the car. A smart command reads the cloud's copy first,
	// which may be young enough.
	Wakes bool
	// Refusal of the wake or, for a command without one, of the read; nil: it may
	// go out.
	Refusal *shared.APIError
	// Price in requests of the vendor's, and how many are left today; -1: there is
	// no limit.
	Price, Left int
}

// Plan says what a refresh would do now, without doing it. maxAge is for smart.
func (e *Engine) Plan(ctx context.Context, mode shared.Mode, vehicleID string, maxAge time.Duration) (Plan, error) {
	a, err := e.accountOf(vehicleID)
	if err != nil {
		return Plan{}, e.failed(a, mode, vehicleID, err)
	}
	if maxAge <= 0 {
		maxAge = shared.DefaultMaxAge
	}
	what := gate.Call{Vehicle: vehicleID}
	r := a.gateRequest(ctx, what)
	read := a.gate.Ask(r)
	plan := Plan{Price: read.Price, Left: read.Left}
	d := read
	if mode == shared.ModeForce || mode == shared.ModeSmart && !e.young(a.last(vehicleID), maxAge) {
		what.Wake = true
		r = a.gateRequest(ctx, what)
		d = a.gate.Ask(r)
		plan.Wakes, plan.Price = true, read.Price+d.Price
	}
	switch closed := a.closures.Check(what); {
	case closed != nil:
		plan.Refusal = closed
	case !d.Allowed:
		plan.Refusal = shared.AsAPIError(a.refusal(d, r))
	}
	return plan, nil
}
