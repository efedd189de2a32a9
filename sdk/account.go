package sdk

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/lanes"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/session"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/snapshot"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// account is one configuration at work: the vendor client with its session and
// gate, the account's cars and the last snapshot of each.
type account struct {
	id     string // fingerprint of the settings
	serial int    // tells it from every other account of the engine
	// credentials is the fingerprint of what a refused login depends on.
	credentials string
	// store is the engine's part of the state directory.
	store   *Store
	log     *slog.Logger
	vendor  Vendor
	session *session.Session
	health  *health
	now     func() time.Time
	// speaks: the engine's health is this account's. It is not while another
	// account serves.
	speaks atomic.Bool
	ending *ending
	// memory holds the last snapshot of each car.
	memory *snapshot.Memory
	// gate is what each call has to pass.
	gate        *gate.Gate
	limits      Limits
	strays      *strays
	failedReads failedReads
	// wakes are those under way.
	wakes wakes
	// scheduler refreshes the cars by itself, if it is to.
	scheduler *scheduler

	mu       sync.Mutex
	vehicles []*vehiclev1.Vehicle
	// byID are the same cars, zones those whose zone is known; both are replaced,
	// never changed.
	byID  map[string]*vehiclev1.Vehicle
	zones map[string]*time.Location
}

// call runs one vendor call in the worker that it is called from, if the gate lets it
// out: with the session renewed and the call repeated once if the vendor says that the
// session has ended.
func call[T any](ctx context.Context, a *account, class gate.Class, vehicleID string, do func(context.Context) (T, error)) (result T, err error) {
	r := a.request(ctx, class, vehicleID)
	attempt := func(generation uint64) error {
		return a.gate.Do(ctx, r, func() (err error) {
			r.Again = true // should it go out once more
			a.health.count(shared.CounterCalls, string(class))
			if result, err = timed(ctx, a, class, do); err == nil {
				a.session.Accepted(generation)
				if a.speaks.Load() {
					a.ending.look(ctx)
				}
			} else if !errors.Is(err, ErrSessionExpired) { // which is routine
				a.health.count(shared.CounterFailures)
			}
			return typed(err)
		})
	}
	generation, err := a.session.Generation()
	if err != nil {
		return result, err
	}
	err = attempt(generation)
	if errors.Is(err, ErrSessionExpired) && class == gate.Wake && mayHaveHappened(err) {
		return result, shared.AsAPIError(err) // the car is not woken again for it
	}
	if errors.Is(err, ErrSessionExpired) {
		if err = a.session.Renew(ctx, generation); err != nil {
			return result, err
		}
		if generation, err = a.session.Generation(); err != nil {
			return result, err
		}
		err = attempt(generation)
	}
	if errors.Is(err, ErrSessionExpired) {
		a.session.RefusedAtOnce(generation)
		a.health.count(shared.CounterFailures)
		refused := shared.Errorf(shared.ReasonAuthFailed, "The vendor refused a session that was just renewed.")
		refused.Temporary, refused.RetryAfter = true, time.Minute
		return result, refused.Wrap(err)
	}
	return result, err
}

// list asks the vendor for the account's cars and remembers them.
func (a *account) list(ctx context.Context) error {
	if err := a.session.LoginIfAsked(ctx); err != nil {
		return err
	}
	vehicles, err := call(ctx, a, gate.List, "", a.vendor.Vehicles)
	if err != nil {
		return err
	}
	vehicles = a.usable(ctx, vehicles)
	a.setFleet(vehicles)
	a.keepFleet(vehicles)
	return nil
}

// setFleet makes vehicles the account's cars.
func (a *account) setFleet(vehicles []*vehiclev1.Vehicle) {
	known, byID, zones := make(map[string]bool, len(vehicles)), make(map[string]*vehiclev1.Vehicle, len(vehicles)), map[string]*time.Location{}
	loaded := map[string]*time.Location{} // a fleet's are few
	for _, v := range vehicles {
		known[v.GetId()], byID[v.GetId()] = true, v
		zone, tried := loaded[v.GetTimeZone()]
		if name := v.GetTimeZone(); !tried && name != "" {
			zone, _ = time.LoadLocation(name) // nil: it is unknown
			loaded[name] = zone
		}
		if zone != nil {
			zones[v.GetId()] = zone
		}
	}
	a.mu.Lock()
	a.vehicles, a.byID, a.zones = vehicles, byID, zones
	a.mu.Unlock()
	if len(known) > 0 {
		a.memory.Forget(known)
	}
}

// retire is for an account in whose place another one serves.
func (a *account) retire() {
	a.speaks.Store(false)
	a.scheduler.stop()
	a.session.Retire()
	a.gate.Close()
	go func() { // its calls have their own end
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		_ = a.memory.Close(ctx) // the next reading brings it back
		_ = a.closeVendor(ctx)
	}()
}

// closeTimeout is how long a Vendor may take to close in whose place another one serves.
const closeTimeout = 30 * time.Second

// errNobodyWaits ends a job before it does what cannot be taken back. Who has come since
// begins anew.
var errNobodyWaits = errors.New("nobody waits for it any more")

// closeVendor ends a Vendor that wants to be told.
func (a *account) closeVendor(ctx context.Context) error {
	closer, ok := a.vendor.(Closer)
	if !ok {
		return nil
	}
	_, err := bounded(ctx, a.strays, nothing(func(context.Context) error { return closer.Close() }))
	return err
}

// key names a job for a car. It holds the account's number, so that a new
// account is never answered with an old one's data, also if the old one had the
// same settings.
func (a *account) key(vehicleID string, class lanes.Class, job string) lanes.Key {
	return lanes.Key{Vehicle: vehicleID, Class: class, Name: job + " " + strconv.Itoa(a.serial)}
}

// readKey and wakeKey name the reading and the wake of a car.
func (a *account) readKey(vehicleID string) lanes.Key { return a.key(vehicleID, lanes.Read, "read") }

func (a *account) wakeKey(vehicleID string) lanes.Key { return a.key(vehicleID, lanes.Wake, "wake") }

// read gets the cloud's copy of a car and remembers it.
func (a *account) read(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error) {
	polled := a.now()
	data, err := call(ctx, a, gate.Read, vehicleID, func(ctx context.Context) (*vehiclev1.VehicleData, error) {
		return whole(a.vendor.Cached(ctx, vehicleID))
	})
	if err != nil {
		return nil, err
	}
	snapshot.Polled(data, polled)
	return a.remember(vehicleID, data, func(d, before *vehiclev1.VehicleData) { snapshot.JudgeRead(d, before, a.now()) }), nil
}

// wake wakes a car and remembers what it answered. The car's time before the
// wake is read first, from memory if that is young: without it nothing proves
// that the answer is the car's.
func (a *account) wake(ctx context.Context, vehicleID string, memory time.Duration) (outcome, error) {
	if err := a.mayWake(ctx, vehicleID); err != nil {
		return outcome{}, err
	}
	baseline := a.recent(vehicleID, memory)
	if baseline == nil {
		var err error
		baseline, err = a.read(ctx, vehicleID)
		// A cloud without a copy of the car is no reason not to ask the car.
		if err != nil && !errors.Is(err, shared.ReasonVehicleUnreachable) {
			return outcome{}, err
		}
	}
	if !lanes.Wanted(ctx) {
		return outcome{}, errNobodyWaits // all have left while that was read
	}
	started := a.now()
	since := snapshot.ProvenAt(baseline, started)
	data, err := call(ctx, a, gate.Wake, vehicleID, func(ctx context.Context) (*vehiclev1.VehicleData, error) {
		defer a.wakes.begin(vehicleID)()
		data, err := whole(a.vendor.Force(ctx, vehicleID, since))
		return data, uncertain(err)
	})
	if err != nil {
		return outcome{}, err
	}
	snapshot.Polled(data, a.now())
	data = a.remember(vehicleID, data, func(d, _ *vehiclev1.VehicleData) { snapshot.JudgeWake(d, since, started, a.now()) })
	a.gate.Note(gate.Request{Class: gate.Wake, Vehicle: vehicleID}, silence(data))
	return outcome{woke: true, data: data}, nil
}

// silence is a wake without an answer as a refusal, which is no error to the caller.
func silence(d *vehiclev1.VehicleData) error {
	if d.GetRefresh().GetVerdict() != vehiclev1.Verdict_VERDICT_SILENT {
		return nil
	}
	return silent(false)
}

// odometer is the last one known of a car, 0 if there is none, or no car.
func (a *account) odometer(vehicleID string) float64 {
	if vehicleID == "" {
		return 0
	}
	return a.last(vehicleID).GetDrive().GetOdometer()
}

// whole refuses a nil snapshot, which no caller could use.
func whole(data *vehiclev1.VehicleData, err error) (*vehiclev1.VehicleData, error) {
	if err == nil && data == nil {
		return nil, shared.NewError(shared.ReasonInvalidResponse)
	}
	return data, err
}

// remember accepts a new snapshot, see [snapshot.Memory.Accept].
func (a *account) remember(vehicleID string, data *vehiclev1.VehicleData, judge func(data, before *vehiclev1.VehicleData)) *vehiclev1.VehicleData {
	if listed := a.listed(vehicleID); listed != nil {
		if listed.EngineType == nil && data.Vehicle != nil {
			listed.EngineType = data.Vehicle.EngineType // shown by the car alone
		}
		data.Vehicle = listed
	}
	stands := a.memory.Accept(vehicleID, data, judge)
	a.observe(vehicleID, stands)
	a.scheduler.note(vehicleID, stands)
	return stands
}

// listed is a copy of what the list says of a car, or nil.
func (a *account) listed(vehicleID string) *vehiclev1.Vehicle {
	a.mu.Lock()
	defer a.mu.Unlock()
	if v := a.byID[vehicleID]; v != nil {
		return proto.CloneOf(v)
	}
	return nil
}

// last returns the last snapshot, or nil.
func (a *account) last(vehicleID string) *vehiclev1.VehicleData { return a.memory.Last(vehicleID) }

// recent returns the last snapshot if it was polled within age.
func (a *account) recent(vehicleID string, age time.Duration) *vehiclev1.VehicleData {
	last := a.last(vehicleID)
	if last == nil {
		return nil
	}
	since := a.now().Sub(time.UnixMilli(last.GetRefresh().GetPolledAt()))
	if since < 0 || since >= age {
		return nil
	}
	return last
}

// find returns unknown_vehicle for a car that the account does not have, so
// that no typing error ever reaches the vendor.
func (a *account) find(vehicleID string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byID[vehicleID] != nil {
		return nil
	}
	e := shared.NewError(shared.ReasonUnknownVehicle)
	e.VehicleID = vehicleID
	return e
}

// ids are those of the account's cars.
func (a *account) ids() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	ids := make([]string, len(a.vehicles))
	for i, v := range a.vehicles {
		ids[i] = v.GetId()
	}
	return ids
}

func (a *account) size() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.vehicles)
}

func (a *account) fleet() []*vehiclev1.Vehicle {
	a.mu.Lock()
	defer a.mu.Unlock()
	fleet := make([]*vehiclev1.Vehicle, len(a.vehicles))
	for i, v := range a.vehicles {
		fleet[i] = proto.CloneOf(v)
	}
	return fleet
}

// fingerprint names a configuration without giving anything of it away. The key is kept
// in the store, so the name is the same after a restart, unless the key was damaged.
func fingerprint(store *Store, settings json.RawMessage) (name string, damaged bool, err error) {
	const doc = "fingerprint"
	var key struct {
		Key string `json:"key"`
	}
	defer store.alone()() // a process that starts beside it takes the same key
	ok, err := store.Get(doc, &key)
	if damaged = err != nil || ok && key.Key == ""; damaged || !ok {
		key.Key = rand.Text()
		if err := store.Put(doc, key); err != nil {
			return "", false, err
		}
	}
	mac := hmac.New(sha256.New, []byte(key.Key))
	mac.Write(settings)
	return hex.EncodeToString(mac.Sum(nil)), damaged, nil
}

// panicked turns a recovered panic into the error that callers get, and puts
// the stack into the log.
func panicked(ctx context.Context, p any) error {
	logPanic(Logger(ctx), p, debug.Stack())
	return shared.NewError(shared.ReasonInternal)
}

func logPanic(log *slog.Logger, p any, stack []byte) {
	log.Error("panic contained", "panic", p, "stack", string(stack))
}
