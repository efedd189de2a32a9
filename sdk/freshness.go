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
// one by the car's own time, so that nothing jumps back. A time in the future
// is a clock fault and must not shut out what comes after it.
func accept(last, next *vehiclev1.VehicleData, now time.Time) *vehiclev1.VehicleData {
	before, after := observedAt(last), observedAt(next)
	if last == nil || after.IsZero() || before.After(now.Add(clockSkew)) || !after.Before(before) {
		return next
	}
	kept := proto.CloneOf(last)
	kept.Refresh.PolledAt, kept.Refresh.Verdict = next.GetRefresh().PolledAt, next.GetRefresh().Verdict
	return kept
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
