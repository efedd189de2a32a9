package field

import (
	"net/http"
	"strings"
	"time"
)

// Stamp reads a compact time, YYYYMMDDhhmmss with or without separators and a
// fraction, in the given zone; or the HTTP date form, which is always UTC. In
// the double hour of autumn it is the earlier one.
func (o Object) Stamp(zone *time.Location) (time.Time, bool) {
	text, ok := o.NonEmptyText()
	if !ok || len(text) > 64 {
		return time.Time{}, false
	}
	if strings.HasSuffix(text, "GMT") {
		t, err := http.ParseTime(text)
		return t.UTC(), err == nil
	}
	text, fraction, _ := strings.Cut(text, ".")
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("-T: Z", r) {
			return -1
		}
		return r
	}, text)
	if len(digits) != 14 {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation("20060102150405", digits, zone)
	if err != nil || t.Year() < 2000 {
		return time.Time{}, false
	}
	if sameWall := t.Add(-time.Hour); sameWall.Hour() == t.Hour() && sameWall.Day() == t.Day() {
		t = sameWall
	}
	fraction = strings.TrimSuffix(fraction, "Z")
	if strings.Trim(fraction, "0123456789") != "" {
		return time.Time{}, false // an offset, perhaps: reading on would shift the time
	}
	ms := (fraction + "000")[:3]
	return t.UTC().Add(time.Duration(100*int(ms[0]-'0')+10*int(ms[1]-'0')+int(ms[2]-'0')) * time.Millisecond), true
}

// EpochMillis reads milliseconds since 1970, as a number or as text. It refuses
// what is not of the present epoch, for example a compact time.
func (o Object) EpochMillis() (time.Time, bool) {
	n, ok := o.Int()
	if !ok || n < 1e12 || n >= 1e13 {
		return time.Time{}, false
	}
	return time.UnixMilli(n).UTC(), true
}

// UnixMillis makes an optional field of a time.
func UnixMillis(t time.Time, ok bool) *int64 { return Opt(t.UnixMilli(), ok) }

// TimeOfDay is minutes after midnight of an hour and a minute. Hours above 23
// and minutes above 59 are the vendors' way to say unset.
func TimeOfDay(hour, minute Object) (int32, bool) {
	h, ok1 := hour.Int()
	m, ok2 := minute.Int()
	if !ok1 || !ok2 || h < 0 || h > 23 || m < 0 || m > 59 {
		return 0, false
	}
	return int32(h*60 + m), true
}

// TwelveHourClock is minutes after midnight of a CCS1 time, HHMM with a half-day
// flag (1 is afternoon). "", "0" and "0000" are unset, a number above 1260 is a
// 24-hour time, minutes above 60 carry into the hour, past midnight too.
func TwelveHourClock(clock, half Object) (int32, bool) {
	n, ok := clock.Int()
	if !ok || n <= 0 || n > 2459 {
		return 0, false
	}
	hour, minute := n/100, n%100
	if n <= 1260 {
		if hour > 12 {
			return 0, false
		}
		hour %= 12
		if afternoon, _ := half.Code(); afternoon == 1 {
			hour += 12
		}
	}
	if hour > 23 {
		return 0, false
	}
	if minute >= 60 {
		hour, minute = (hour+1)%24, minute-60
	}
	return int32(hour*60 + minute), true
}
