package snapshot

import (
	"time"

	"google.golang.org/protobuf/proto"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// accept decides which of two snapshots of a car is to be believed: the newer
// one by the car's own time, so that nothing jumps back; older says that it is not
// next. A car that tells its time and then does not has told nothing that can be
// compared. A time in the future is a clock fault and must not shut out what comes
// after it, nor make room for what is older than newest, the car's time before. Clouds
// repeat an old time beside new data: a car that has driven on has reported since, and
// the newest time that it is known to have told stands for the one it does not tell.
func accept(last, next *vehiclev1.VehicleData, newest, now time.Time) (stands *vehiclev1.VehicleData, older bool) {
	before := ProvenAt(last, now)
	if newest.After(before) && !newest.After(now.Add(clockSkew)) {
		before = newest
	}
	if last == nil || before.IsZero() || !ObservedAt(next).Before(before) {
		return next, false
	}
	if droveOn(last, next) {
		next.Refresh.ObservedAt = proto.Int64(before.UnixMilli())
		return next, false
	}
	kept := proto.CloneOf(last)
	standsFor(kept, next)
	return kept, true
}

// droveOn says whether a car's odometer has risen, but not to where no car has driven, in
// a snapshot that has a time.
func droveOn(last, next *vehiclev1.VehicleData) bool {
	const rounding, far = 1, 1000 // km
	was, is := last.GetDrive().GetOdometer(), next.GetDrive().GetOdometer()
	return !ObservedAt(next).IsZero() && was > 0 && is > was+rounding && is < was+far
}

// keepPosition keeps the position before if it is the newer one by its own time, and that
// is no fault of a clock: the cloud may have several, and not each time the same.
func keepPosition(next, before *vehiclev1.VehicleData, now time.Time) {
	was := before.GetLocation()
	if was.GetObservedAt() > next.GetLocation().GetObservedAt() && !time.UnixMilli(was.GetObservedAt()).After(now.Add(clockSkew)) {
		next.Location = proto.CloneOf(was)
	}
}
