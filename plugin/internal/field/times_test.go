package field_test

import (
	"encoding/json"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
)

func berlin(tb testing.TB) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(tb, err)
	return zone
}

// assertTime compares with want in RFC 3339; "" stands for unset.
func assertTime(t *testing.T, want string, got time.Time, ok bool) {
	t.Helper()
	if want == "" {
		assert.False(t, ok, "must be unset, is %v", got)
		return
	}
	if assert.True(t, ok, "is unset") {
		assert.Equal(t, want, got.Format(time.RFC3339Nano))
		assert.Equal(t, time.UTC, got.Location())
	}
}

func TestStampInBerlin(t *testing.T) {
	for name, tc := range map[string]struct {
		raw, want string
	}{
		"worked example of summer":      {`"20240720120000"`, "2024-07-20T10:00:00Z"},
		"worked example of winter":      {`"20240115120000"`, "2024-01-15T11:00:00Z"},
		"number":                        {`20240720120000`, "2024-07-20T10:00:00Z"},
		"blanks around it":              {`" 20240720120000 "`, "2024-07-20T10:00:00Z"},
		"dashes, T and colons":          {`"2024-07-20T12:00:00"`, "2024-07-20T10:00:00Z"},
		"blank between date and time":   {`"2024-07-20 12:00:00"`, "2024-07-20T10:00:00Z"},
		"Z says nothing":                {`"2024-07-20T12:00:00Z"`, "2024-07-20T10:00:00Z"},
		"milliseconds":                  {`"20240720120000.250"`, "2024-07-20T10:00:00.25Z"},
		"one digit of fraction":         {`"20240720120000.5"`, "2024-07-20T10:00:00.5Z"},
		"fraction and Z":                {`"2024-07-20T12:00:00.5Z"`, "2024-07-20T10:00:00.5Z"},
		"more digits than milliseconds": {`"20240720120000.123456"`, "2024-07-20T10:00:00.123Z"},
		"no fraction behind the point":  {`"20240720120000."`, "2024-07-20T10:00:00Z"},
		"fraction of a number":          {`20240720120000.750`, "2024-07-20T10:00:00.75Z"},
		"HTTP date is UTC":              {`"Tue, 24 Jun 2025 16:18:10 GMT"`, "2025-06-24T16:18:10Z"},
		"day before in UTC":             {`"20240720003000"`, "2024-07-19T22:30:00Z"},
		"leap day":                      {`"20240229120000"`, "2024-02-29T11:00:00Z"},

		// On 2024-10-27 at 03:00 summer time the clock goes back to 02:00.
		"before the double hour":     {`"20241027015959"`, "2024-10-26T23:59:59Z"},
		"start of the double hour":   {`"20241027020000"`, "2024-10-27T00:00:00Z"},
		"in the double hour":         {`"20241027023000"`, "2024-10-27T00:30:00Z"},
		"end of the double hour":     {`"20241027025959"`, "2024-10-27T00:59:59Z"},
		"fraction in that hour":      {`"20241027025959.999"`, "2024-10-27T00:59:59.999Z"},
		"after the double hour":      {`"20241027030000"`, "2024-10-27T02:00:00Z"},
		"next day at the same clock": {`"20241028023000"`, "2024-10-28T01:30:00Z"},
		// On 2024-03-31 at 02:00 winter time the clock goes on to 03:00.
		"before the gap of spring": {`"20240331015959"`, "2024-03-31T00:59:59Z"},
		"after the gap of spring":  {`"20240331030000"`, "2024-03-31T01:00:00Z"},

		"sentinel of the head unit": {`"20251345997070.000"`, ""},
		"month 13":                  {`"20241320120000"`, ""},
		"day 31 of a short month":   {`"20240431120000"`, ""},
		"leap day of another year":  {`"20230229120000"`, ""},
		"hour 24":                   {`"20240720240000"`, ""},
		"second 60":                 {`"20240720120060"`, ""},
		"all zeros":                 {`"00000000000000"`, ""},
		"before there were such":    {`"19991231235959"`, ""},
		"date only":                 {`"20240720"`, ""},
		"no seconds":                {`"202407201200"`, ""},
		"one digit too many":        {`"202407201200000"`, ""},
		"letters":                   {`"2024072012000x"`, ""},
		"digits of another script":  {`"２０２４０７２０１２００００"`, ""},
		"milliseconds since 1970":   {`1721469600000`, ""},
		"broken HTTP date":          {`"Tue, 99 Jun 2025 16:18:10 GMT"`, ""},
		"HTTP date of another zone": {`"Tue, 24 Jun 2025 16:18:10 CET"`, ""},
		"GMT only":                  {`"GMT"`, ""},
		"words":                     {`"just now"`, ""},
		"empty":                     {`""`, ""},
		"null":                      {`null`, ""},
		"object":                    {`{}`, ""},
		"missing":                   {``, ""},
		"longer than any time":      {`"20240720120000.00000000000000000000000000000000000000000000000000"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := of(t, tc.raw).Stamp(berlin(t))
			assertTime(t, tc.want, got, ok)
		})
	}
}

func TestStampInOtherZones(t *testing.T) {
	for zone, want := range map[*time.Location]string{
		time.UTC:                             "2024-10-27T02:30:00Z",
		time.FixedZone("", 3*3600):           "2024-10-26T23:30:00Z",
		time.FixedZone("", -(3*3600 + 1800)): "2024-10-27T06:00:00Z",
	} {
		got, ok := of(t, `"20241027023000"`).Stamp(zone)
		assertTime(t, want, got, ok)
	}
}

// Ignoring an offset would move the time by hours. Unset and converted are both
// right.
func TestStampNeverIgnoresAnOffset(t *testing.T) {
	for _, raw := range []string{
		`"2024-07-20T12:00:00+02:00"`, `"2024-07-20T12:00:00.000+02:00"`, `"20240720120000.000+0200"`,
	} {
		if got, ok := of(t, raw).Stamp(time.UTC); ok {
			assert.Equal(t, "2024-07-20T10:00:00Z", got.Format(time.RFC3339Nano), raw)
		}
	}
}

func TestEpochMillis(t *testing.T) {
	for name, tc := range map[string]struct {
		raw, want string
	}{
		"number":                 {`1779664654458`, "2026-05-24T23:17:34.458Z"},
		"text":                   {`"1774108927875"`, "2026-03-21T16:02:07.875Z"},
		"blanks around it":       {`" 1774108927875 "`, "2026-03-21T16:02:07.875Z"},
		"first of 13 digits":     {`1000000000000`, "2001-09-09T01:46:40Z"},
		"last of 13 digits":      {`9999999999999`, "2286-11-20T17:46:39.999Z"},
		"12 digits":              {`999999999999`, ""},
		"14 digits":              {`10000000000000`, ""},
		"compact time":           {`20260717174232`, ""},
		"compact time as text":   {`"20260717174232"`, ""},
		"seconds":                {`1779664654`, ""},
		"fraction of a ms":       {`1779664654458.5`, ""},
		"negative":               {`-1779664654458`, ""},
		"zero":                   {`0`, ""},
		"word":                   {`"now"`, ""},
		"null":                   {`null`, ""},
		"true":                   {`true`, ""},
		"missing":                {``, ""},
		"larger than any number": {`1e400`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := of(t, tc.raw).EpochMillis()
			assertTime(t, tc.want, got, ok)
		})
	}
}

func TestUnixMillis(t *testing.T) {
	assert.Equal(t, ptr[int64](1779664654458), field.UnixMillis(of(t, `1779664654458`).EpochMillis()))
	assert.Nil(t, field.UnixMillis(of(t, `"never"`).EpochMillis()), "no time must not become the year 1")
}

func TestTimeOfDay(t *testing.T) {
	for name, tc := range map[string]struct {
		hour, minute string
		want         *int32
	}{
		"midnight":           {`0`, `0`, ptr[int32](0)},
		"morning":            {`7`, `5`, ptr[int32](425)},
		"text":               {`"18"`, `"40"`, ptr[int32](1120)},
		"last minute":        {`23`, `59`, ptr[int32](1439)},
		"sentinel":           {`31`, `70`, nil},
		"sentinel hour":      {`31`, `0`, nil},
		"sentinel minute":    {`12`, `70`, nil},
		"hour 24":            {`24`, `0`, nil},
		"minute 60":          {`23`, `60`, nil},
		"negative hour":      {`-1`, `0`, nil},
		"negative minute":    {`0`, `-1`, nil},
		"fraction":           {`7.5`, `0`, nil},
		"no hour":            {``, `30`, nil},
		"no minute":          {`7`, ``, nil},
		"null minute":        {`7`, `null`, nil},
		"truth values":       {`true`, `false`, nil},
		"hour beyond 32 bit": {`4294967296`, `0`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, field.Opt(field.TimeOfDay(of(t, tc.hour), of(t, tc.minute))))
		})
	}
}

func TestTwelveHourClock(t *testing.T) {
	for name, tc := range map[string]struct {
		clock, half string
		want        *int32
	}{
		"midnight":                       {`"1200"`, `0`, ptr[int32](0)},
		"noon":                           {`"1200"`, `1`, ptr[int32](720)},
		"half past midnight":             {`"1230"`, `0`, ptr[int32](30)},
		"half past noon":                 {`"1230"`, `1`, ptr[int32](750)},
		"morning":                        {`"0730"`, `0`, ptr[int32](450)},
		"evening":                        {`"0730"`, `1`, ptr[int32](1170)},
		"number without leading 0":       {`730`, `1`, ptr[int32](1170)},
		"half as truth value":            {`"0730"`, `true`, ptr[int32](1170)},
		"half as text":                   {`"0730"`, `"1"`, ptr[int32](1170)},
		"no half is morning":             {`"0730"`, ``, ptr[int32](450)},
		"last minute before noon":        {`"1159"`, `0`, ptr[int32](719)},
		"last minute of the day":         {`"1159"`, `1`, ptr[int32](1439)},
		"24-hour time ignores half":      {`"2200"`, `1`, ptr[int32](1320)},
		"24-hour time in the morning":    {`"2200"`, `0`, ptr[int32](1320)},
		"first 24-hour time":             {`"1300"`, `1`, ptr[int32](780)},
		"end of the 24 hours":            {`"2359"`, `0`, ptr[int32](1439)},
		"minutes carry":                  {`"0775"`, `0`, ptr[int32](495)},
		"minutes carry in the evening":   {`"0775"`, `1`, ptr[int32](1215)},
		"60 minutes carry":               {`"0760"`, `0`, ptr[int32](480)},
		"minutes carry over noon":        {`"1175"`, `0`, ptr[int32](735)},
		"minutes carry in 24-hour times": {`"1360"`, `0`, ptr[int32](840)},
		"carry past midnight":            {`"1160"`, `1`, ptr[int32](0)},
		"carry well past midnight":       {`"1190"`, `1`, ptr[int32](30)},
		"carry past 24":                  {`"2375"`, `0`, ptr[int32](15)},
		"hour 24":                        {`"2400"`, `0`, nil},
		"carry of hour 24":               {`"2475"`, `0`, nil},
		"empty":                          {`""`, `0`, nil},
		"0":                              {`"0"`, `1`, nil},
		"0000":                           {`"0000"`, `0`, nil},
		"number 0":                       {`0`, `1`, nil},
		"9999":                           {`"9999"`, `0`, nil},
		"negative":                       {`"-730"`, `0`, nil},
		"colon":                          {`"07:30"`, `0`, nil},
		"word":                           {`"morning"`, `1`, nil},
		"null":                           {`null`, `1`, nil},
		"object":                         {`{}`, `1`, nil},
		"missing":                        {``, ``, nil},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, field.Opt(field.TwelveHourClock(of(t, tc.clock), of(t, tc.half))))
		})
	}
}

// text makes a JSON string of any bytes.
func text(tb testing.TB, s string) field.Object {
	tb.Helper()
	raw, err := json.Marshal(s)
	require.NoError(tb, err)
	return of(tb, string(raw))
}

func FuzzFieldStamp(f *testing.F) {
	for _, s := range []string{
		"20240720120000", "2024-07-20T12:00:00.5Z", "20241027023000", "20240331023000", "Tue, 24 Jun 2025 16:18:10 GMT",
		"20251345997070.000", "99991231235959.999", "2024-07-20T12:00:00.000+02:00", "20240720120000.é", "", "GMT",
	} {
		f.Add(s, int16(0))
		f.Add(s, int16(150))
	}
	zones := []*time.Location{time.UTC, berlin(f)}
	f.Fuzz(func(t *testing.T, s string, offset int16) {
		o := text(t, s)
		for _, zone := range append(zones, time.FixedZone("", int(offset)*60)) {
			got, ok := o.Stamp(zone)
			again, okAgain := o.Stamp(zone)
			if ok != okAgain || !got.Equal(again) {
				t.Fatalf("reading %q twice gives two results", s)
			}
			if ok && got.Location() != time.UTC {
				t.Fatalf("%q is not in UTC", s)
			}
			// What was read must read back as itself.
			if wall := got.In(zone); ok && wall.Year() >= 2000 && wall.Year() < 9999 {
				back, ok := text(t, wall.Format("20060102150405.000")).Stamp(zone)
				if late := got.Sub(back); !ok || late != 0 && late != time.Hour {
					t.Fatalf("%q is %v, which reads back as %v", s, got, back)
				}
			}
		}
	})
}

func FuzzFieldClock(f *testing.F) {
	for _, clock := range []string{"1200", "0730", "2200", "0775", "1360", "", "0", "0000", "9999", "7.5e2", "-730", "morning"} {
		f.Add(clock, "0")
		f.Add(clock, "1")
	}
	f.Fuzz(func(t *testing.T, clock, half string) {
		c, h := text(t, clock), text(t, half)
		got, ok := field.TwelveHourClock(c, h)
		if again, okAgain := field.TwelveHourClock(c, h); ok != okAgain || got != again {
			t.Fatalf("reading %q twice gives two results", clock)
		}
		if got < 0 || got >= 24*60 {
			t.Fatalf("%q, %q is minute %d of the day", clock, half, got)
		}
		minutes, ok := field.TimeOfDay(c, h)
		if minutes < 0 || minutes >= 24*60 || !ok && minutes != 0 {
			t.Fatalf("%q:%q is minute %d of the day", clock, half, minutes)
		}
	})
}
