package sdk

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// clockSkew is how far a car's clock may run ahead of ours before its time is
// no proof of anything.
const clockSkew = 5 * time.Minute

// observedAt is the car's own time of a snapshot; zero if it has none.
func observedAt(d *vehiclev1.VehicleData) time.Time {
	if at := d.GetRefresh().GetObservedAt(); at > 0 {
		return time.UnixMilli(at)
	}
	return time.Time{}
}

// provenAt is the car's own time of a snapshot if it can prove anything; zero if
// there is none or it lies ahead of our clock, where nothing could ever be newer
// and everything would seem young.
func provenAt(d *vehiclev1.VehicleData, now time.Time) time.Time {
	if at := observedAt(d); !at.After(now.Add(clockSkew)) {
		return at
	}
	return time.Time{}
}

// accept decides which of two snapshots of a car is to be believed: the newer
// one by the car's own time, so that nothing jumps back; older says that it is not
// next. A car that tells its time and then does not has told nothing that can be
// compared. A time in the future is a clock fault and must not shut out what comes
// after it, nor make room for what is older than newest, the car's time before.
func accept(last, next *vehiclev1.VehicleData, newest, now time.Time) (stands *vehiclev1.VehicleData, older bool) {
	before := provenAt(last, now)
	if newest.After(before) && !newest.After(now.Add(clockSkew)) {
		before = newest
	}
	if last == nil || before.IsZero() || !observedAt(next).Before(before) {
		return next, false
	}
	kept := proto.CloneOf(last)
	refresh := refreshOf(kept)
	refresh.PolledAt, refresh.Verdict = next.GetRefresh().PolledAt, next.GetRefresh().Verdict
	return kept, true
}

// keepPosition keeps the position before if it is the newer one by its own time: the
// cloud may have several, and not each time the same.
func keepPosition(next, before *vehiclev1.VehicleData) {
	was := before.GetLocation()
	if was.GetObservedAt() > next.GetLocation().GetObservedAt() {
		next.Location = proto.CloneOf(was)
	}
}

// judgeRead sets what a read of the cloud's copy proves, given the snapshot
// before it: an advanced time is news of the car, the same one is none.
func judgeRead(d, before *vehiclev1.VehicleData, now time.Time) {
	r := refreshOf(d)
	r.Source = vehiclev1.Source_SOURCE_CACHED.Enum()
	r.Verdict, r.Reason = nil, nil
	was, is := provenAt(before, now), provenAt(d, now)
	if was.IsZero() || is.IsZero() {
		return
	}
	if is.After(was) {
		r.Verdict = vehiclev1.Verdict_VERDICT_FRESH.Enum()
		return
	}
	r.Verdict = vehiclev1.Verdict_VERDICT_UNCHANGED.Enum()
}

// judgeWake sets what the answer to a wake proves. since is the car's proven
// time before the wake; where there was none, the car must have reported after
// started. An answer without a time that proves anything gets no verdict.
func judgeWake(d *vehiclev1.VehicleData, since, started, now time.Time) {
	r := refreshOf(d)
	if since.IsZero() {
		since = started.Add(-time.Second) // vendors count in whole seconds
	}
	observed := provenAt(d, now)
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

// answer is a copy of snapshot for one caller.
func answer(snapshot *vehiclev1.VehicleData, mode shared.Mode) *vehiclev1.VehicleData {
	d := proto.CloneOf(snapshot)
	refreshOf(d).Method = mode.Method().Enum()
	return d
}

// markStale says why data that is older than asked was not refreshed.
func markStale(d *vehiclev1.VehicleData, why error) {
	api := shared.AsAPIError(why)
	r := refreshOf(d)
	r.Verdict = vehiclev1.Verdict_VERDICT_STALE.Enum()
	r.Reason = proto.String(string(api.Reason))
	if api.RetryAfter > 0 {
		r.RetryAfterSeconds = proto.Int64(int64((api.RetryAfter + time.Second - 1) / time.Second))
	}
}

func refreshOf(d *vehiclev1.VehicleData) *vehiclev1.Refresh {
	if d.Refresh == nil {
		d.Refresh = &vehiclev1.Refresh{}
	}
	return d.Refresh
}
