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
	text, ok := o.text()
	var t time.Time
	if text = strings.TrimSpace(text); ok && len(text) <= 64 {
		t, ok = stamp(text, zone)
		return t, o.Understood(ok)
	}
	return t, o.Understood(false)
}

func stamp(text string, zone *time.Location) (time.Time, bool) {
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
	n, ok := o.whole()
	if !o.Understood(ok && n >= 1e12 && n < 1e13) {
		return time.Time{}, false
	}
	return time.UnixMilli(n).UTC(), true
}

// UnixMillis makes an optional field of a time.
func UnixMillis(t time.Time, ok bool) *int64 { return Opt(t.UnixMilli(), ok) }

// Date reads a day, YYYYMMDD with or without separators, and returns it as
// YYYY-MM-DD.
func (o Object) Date() (string, bool) {
	text, _ := o.text()
	t, err := time.Parse("20060102", strings.ReplaceAll(strings.TrimSpace(text), "-", ""))
	return t.Format(time.DateOnly), o.Understood(err == nil && t.Year() >= 2000)
}

// TimeOfDay is minutes after midnight of an hour and a minute. The hour 31 and
// the minutes 63 and 70 are the vendors' ways to say unset; anything else beyond
// the clock is not understood.
func TimeOfDay(hour, minute Object) (int32, bool) {
	h, ok1 := hour.whole()
	m, ok2 := minute.whole()
	if ok1 && h == 31 || ok2 && (m == 63 || m == 70) {
		return 0, false
	}
	ok1 = hour.Understood(ok1 && h >= 0 && h <= 23)
	ok2 = minute.Understood(ok2 && m >= 0 && m <= 59)
	if !ok1 || !ok2 {
		return 0, false
	}
	return int32(h*60 + m), true
}

// TwelveHourClock is minutes after midnight of a CCS1 time, HHMM with a half-day
// flag (1 is afternoon; missing, it is morning). "", "0" and "0000" are unset, a number above 1260 is a
// 24-hour time, minutes above 60 carry into the hour, past midnight too.
func TwelveHourClock(clock, half Object) (int32, bool) {
	n, ok := clock.whole()
	if ok && n == 0 {
		return 0, false
	}
	if !clock.Understood(ok && n > 0 && n <= 2459) {
		return 0, false
	}
	hour, minute := n/100, n%100
	if n <= 1260 {
		if !clock.Understood(hour <= 12) {
			return 0, false
		}
		afternoon, understood := half.OneOf(0, 1)
		if half.Exists() && !understood {
			return 0, false
		}
		hour = hour%12 + 12*int64(afternoon)
	}
	if !clock.Understood(hour <= 23) {
		return 0, false
	}
	if minute >= 60 {
		hour, minute = (hour+1)%24, minute-60
	}
	return int32(hour*60 + minute), true
}
