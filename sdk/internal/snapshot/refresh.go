package snapshot

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// clockSkew is how far a car's clock may run ahead of ours before its time is
// no proof of anything.
const clockSkew = 5 * time.Minute

// ObservedAt is the car's own time of a snapshot; zero if it has none.
func ObservedAt(d *vehiclev1.VehicleData) time.Time {
	if at := d.GetRefresh().GetObservedAt(); at > 0 {
		return time.UnixMilli(at)
	}
	return time.Time{}
}

// ProvenAt is the car's own time of a snapshot if it can prove anything; zero if
// there is none or it lies ahead of our clock, where nothing could ever be newer
// and everything would seem young.
func ProvenAt(d *vehiclev1.VehicleData, now time.Time) time.Time {
	if at := ObservedAt(d); !at.After(now.Add(clockSkew)) {
		return at
	}
	return time.Time{}
}

// JudgeRead sets what a read of the cloud's copy proves, given the snapshot
// before it: an advanced time is news of the car, the same one is none.
func JudgeRead(d, before *vehiclev1.VehicleData, now time.Time) {
	r := refreshOf(d)
	r.Source = vehiclev1.Source_SOURCE_CACHED.Enum()
	r.Verdict, r.Reason = nil, nil
	was, is := ProvenAt(before, now), ProvenAt(d, now)
	if was.IsZero() || is.IsZero() {
		return
	}
	if is.After(was) {
		r.Verdict = vehiclev1.Verdict_VERDICT_FRESH.Enum()
		return
	}
	r.Verdict = vehiclev1.Verdict_VERDICT_UNCHANGED.Enum()
}

// JudgeWake sets what the answer to a wake proves. since is the car's proven
// time before the wake; where there was none, the car must have reported after
// started. An answer without a time that proves anything gets no verdict.
func JudgeWake(d *vehiclev1.VehicleData, since, started, now time.Time) {
	r := refreshOf(d)
	if since.IsZero() {
		since = started.Add(-time.Second) // vendors count in whole seconds
	}
	observed := ProvenAt(d, now)
	if observed.After(since) {
		r.Verdict, r.Source, r.Reason = vehiclev1.Verdict_VERDICT_FRESH.Enum(), vehiclev1.Source_SOURCE_FRESH.Enum(), nil
		return
	}
	r.Source = vehiclev1.Source_SOURCE_CACHED.Enum()
	why := shared.ReasonVehicleUnreachable
	switch {
	case r.GetVerdict() == vehiclev1.Verdict_VERDICT_SILENT:
	case observed.IsZero():
		r.Verdict, why = nil, shared.ReasonInvalidResponse
	default:
		r.Verdict = vehiclev1.Verdict_VERDICT_UNCHANGED.Enum()
	}
	r.Reason = proto.String(string(why))
}

// For is a copy of a snapshot for one caller, who asked in that mode.
func For(snapshot *vehiclev1.VehicleData, mode shared.Mode) *vehiclev1.VehicleData {
	d := proto.CloneOf(snapshot)
	refreshOf(d).Method = mode.Method().Enum()
	return d
}

// Polled notes when a snapshot was read from the vendor.
func Polled(d *vehiclev1.VehicleData, at time.Time) {
	refreshOf(d).PolledAt = proto.Int64(at.UnixMilli())
}

// FromMemory says that no call was made for a caller's copy.
func FromMemory(d *vehiclev1.VehicleData) {
	refreshOf(d).Source = vehiclev1.Source_SOURCE_MEMORY.Enum()
}

// MarkYoung says that a caller's copy is as fresh as was asked for, if its time
// proves anything.
func MarkYoung(d *vehiclev1.VehicleData, now time.Time) {
	if ProvenAt(d, now).IsZero() {
		return
	}
	r := refreshOf(d)
	r.Verdict, r.Reason = vehiclev1.Verdict_VERDICT_FRESH.Enum(), nil
}

// MarkStale says why data that is older than was asked for was not refreshed.
func MarkStale(d *vehiclev1.VehicleData, why error) {
	api := shared.AsAPIError(why)
	r := refreshOf(d)
	r.Verdict = vehiclev1.Verdict_VERDICT_STALE.Enum()
	r.Reason = proto.String(string(api.Reason))
	if wait := api.Wait(); wait > 0 {
		r.RetryAfterSeconds = proto.Int64(int64(wait.Seconds()))
	}
}

// MayWake notes in a caller's copy from when on the car may be woken; the zero time: nobody
// knows.
func MayWake(d *vehiclev1.VehicleData, from time.Time) {
	r := refreshOf(d)
	r.NextWakeAt = nil
	if !from.IsZero() {
		r.NextWakeAt = proto.Int64(from.UnixMilli())
	}
}

// heldBack notes how many values were not believed, and the last ones that were believed
// and stand in their place.
func heldBack(d *vehiclev1.VehicleData, n int32, earlier []*vehiclev1.Earlier) {
	r := refreshOf(d)
	r.HeldBackValues, r.Earlier = &n, earlier
}

// recalled is for a snapshot of an earlier process: it was not polled by this one.
func recalled(d *vehiclev1.VehicleData) { refreshOf(d).PolledAt = nil }

// standsFor makes a snapshot that is kept the answer to the read of an older one.
func standsFor(kept, older *vehiclev1.VehicleData) {
	r := refreshOf(kept)
	r.PolledAt, r.Verdict = older.GetRefresh().PolledAt, older.GetRefresh().Verdict
}

func refreshOf(d *vehiclev1.VehicleData) *vehiclev1.Refresh {
	if d.Refresh == nil {
		d.Refresh = &vehiclev1.Refresh{}
	}
	return d.Refresh
}
