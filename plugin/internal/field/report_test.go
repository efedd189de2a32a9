package field_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
)

// reading reads a document with a report, and returns the report's paths with
// the raw values.
func reading(tb testing.TB, body string, read func(o field.Object)) map[string]string {
	tb.Helper()
	var r field.Report
	read(of(tb, body).Reporting(&r, ""))
	got := map[string]string{}
	for _, v := range r.Rejected() {
		got[v.Path] = v.Raw
	}
	assert.Len(tb, r.Rejected(), int(r.Count()))
	return got
}

// What each reader does not understand, and what it takes for "no reading". The
// value stands at v, its companion at w.
func TestWhatIsNotUnderstood(t *testing.T) {
	at := func(read func(v, w field.Object)) func(field.Object) {
		return func(o field.Object) { read(o.At("v"), o.At("w")) }
	}
	for name, tc := range map[string]struct {
		read             func(field.Object)
		silent, rejected string // bodies of v and w, apart by |
	}{
		"number":    {at(func(v, _ field.Object) { v.Number() }), `1|null|""|" "|"2.5"`, `true|"NaN"|"five"|{}|[1]|1e300`},
		"whole":     {at(func(v, _ field.Object) { v.Int() }), `1|1.0|null`, `1.5|"x"`},
		"32 bits":   {at(func(v, _ field.Object) { v.Int32() }), `1|null`, `4294967296|1.5`},
		"in range":  {at(func(v, _ field.Object) { v.NumberIn(0, 360) }), `0|360|null`, `361|-1|"north"`},
		"text":      {at(func(v, _ field.Object) { v.NonEmptyText() }), `"Eco"|7|""|null`, `true|{}|[]`},
		"flag":      {at(func(v, _ field.Object) { v.Bool() }), `true|0|"false"|9|null|""`, `"?"|{}|[]`},
		"code":      {at(func(v, _ field.Object) { v.Code() }), `true|7|null`, `"x"|1.5|{}`},
		"one of":    {at(func(v, _ field.Object) { v.OneOf(0, 2) }), `0|2|false|null`, `1|true|"x"`},
		"percent":   {at(func(v, _ field.Object) { v.Percent() }), `0|100|255|null`, `-1|101|"full"`},
		"minutes":   {at(func(v, _ field.Object) { v.Minutes() }), `0|65535|null`, `-1|65536|"soon"`},
		"energy":    {at(func(v, _ field.Object) { v.KilowattHours(true) }), `0|null`, `-1|{}`},
		"seat":      {at(func(v, _ field.Object) { v.SeatClimate() }), `0|8|null`, `9|15|-1|"warm"`},
		"heater":    {at(func(v, _ field.Object) { v.Heater() }), `0|2|null`, `3|"on"`},
		"set °C":    {at(func(v, _ field.Object) { field.Celsius(v, field.Object{}) }), `21|"OFF"|"off "|null`, `"warm"|{}`},
		"code °C":   {at(func(v, _ field.Object) { field.HexCelsius(v, field.Object{}, 14, 33) }), `"00H"|"20H"|"OFF"|null`, `"FFH"|"21"|21|{}`},
		"tire":      {at(func(v, _ field.Object) { field.Kilopascals(v, of(t, `0`)) }), `0|38|255|null`, `-1|"low"`},
		"unit km":   {at(func(v, _ field.Object) { v.DistanceUnit() }), `0|3|null`, `4|"km"`},
		"unit °C":   {at(func(v, _ field.Object) { v.TemperatureUnit() }), `0|1|null`, `2|"C"`},
		"unit kPa":  {at(func(v, _ field.Object) { v.PressureUnit() }), `0|3|null`, `4|"kPa"`},
		"distance":  {at(func(v, _ field.Object) { field.Kilometers(v, field.Object{}) }), `0|5|null`, `-1|"far"`},
		"stamp":     {at(func(v, _ field.Object) { v.Stamp(time.UTC) }), `"20240720120000"|""|null`, `"20251345997070"|"now"|7|true`},
		"date":      {at(func(v, _ field.Object) { v.Date() }), `"20240720"|20240720|""|null`, `"20241301"|"00000000"|{}`},
		"epoch":     {at(func(v, _ field.Object) { v.EpochMillis() }), `1779664654458|null`, `20260717174232|"now"`},
		"hour":      {at(func(v, _ field.Object) { field.TimeOfDay(v, of(t, `0`)) }), `0|23|31|null`, `24|-1|"x"|true`},
		"minute":    {at(func(v, _ field.Object) { field.TimeOfDay(of(t, `0`), v) }), `0|59|63|70|null`, `60|-1|"x"`},
		"clock":     {at(func(v, _ field.Object) { field.TwelveHourClock(v, of(t, `0`)) }), `"0730"|"0000"|"0"|""|0|null`, `"morning"|2460|2405|-1|{}`},
		"half":      {at(func(v, _ field.Object) { field.TwelveHourClock(of(t, `730`), v) }), `0|1|null`, `2|"pm"`},
		"latitude":  {at(func(v, _ field.Object) { field.Position(v, of(t, `1`)) }), `0|90|null`, `91|"north"`},
		"longitude": {at(func(v, _ field.Object) { field.Position(of(t, `1`), v) }), `0|-180|null`, `181|"east"`},
		"list":      {at(func(v, _ field.Object) { v.List() }), `[]|[1]|null`, `{}|7|"x"`},
		"object":    {at(func(v, _ field.Object) { v.At("a.b") }), `{}|{"a":{}}|null`, `7|"x"|[]|[1]`},
		"indexes":   {at(func(v, _ field.Object) { v.At("0.b") }), `[]|[{}]|null`, `{}|{"b":1}|7`},
		"own rule":  {at(func(v, _ field.Object) { v.Understood(false) }), `null|""`, `1|{}`},
	} {
		t.Run(name, func(t *testing.T) {
			for value := range strings.SplitSeq(tc.silent, "|") {
				assert.Empty(t, reading(t, `{"v":`+value+`}`, tc.read), value)
			}
			for value := range strings.SplitSeq(tc.rejected, "|") {
				assert.Contains(t, reading(t, `{"v":`+value+`}`, tc.read), "v", value)
			}
		})
	}
}

// Of a value and its unit the one that is to blame is named.
func TestBlameOfPairs(t *testing.T) {
	kilometers := func(o field.Object) { field.Kilometers(o.At("v"), o.At("u")) }
	assert.Equal(t, map[string]string{"u": "9"}, reading(t, `{"v": 5, "u": 9}`, kilometers))
	assert.Equal(t, map[string]string{"v": `"far"`}, reading(t, `{"v": "far", "u": 1}`, kilometers))
	celsius := func(o field.Object) { field.Celsius(o.At("v"), o.At("u")) }
	assert.Equal(t, map[string]string{"u": `"K"`}, reading(t, `{"v": 5, "u": "K"}`, celsius))
	pressure := func(o field.Object) { field.Kilopascals(o.At("v"), o.At("u")) }
	assert.Equal(t, map[string]string{"u": "7"}, reading(t, `{"v": 38, "u": 7}`, pressure))
	assert.Empty(t, reading(t, `{"v": 38, "u": 3}`, pressure), "such cars measure none")
}

func TestPathsOfAReport(t *testing.T) {
	var r field.Report
	o := of(t, `{"a": [{"b": "?"}, 3], "C": "x"}`).Reporting(&r, "root")
	o.At("a.0.b").Number()
	for _, entry := range o.At("a").List() {
		entry.At("b").Bool()
	}
	o.Fold("c").Number()
	o.With("d", of(t, `{"e": []}`)).At("d.e").Bool()
	want := []field.Rejected{
		{Path: "root.a.0.b", Raw: `"?"`}, {Path: "root.a.1", Raw: "3"}, {Path: "root.C", Raw: `"x"`}, {Path: "root.d.e", Raw: "list of 0"},
	}
	assert.Equal(t, want, r.Rejected(), "each path once")
}

// Positions and ids stay out of the log, in whatever form they come.
func TestReportShowsNoPersonalData(t *testing.T) {
	for _, path := range []string{
		"Location.GeoCoord.Latitude", "vehicleLocation.time", "park.coord.lat", "resMsg.gpsDetail.head", "vin", "VIN", "vehicleId", "a.deviceID", "car_id", "id",
	} {
		body := "{}"
		for part := range strings.SplitSeq(path, ".") {
			body = strings.Replace(body, "{}", fmt.Sprintf(`{%q:{}}`, part), 1)
		}
		body = strings.Replace(body, "{}", `"secret"`, 1)
		got := reading(t, body, func(o field.Object) { o.At(path).Number() })
		assert.Equal(t, map[string]string{path: "(not shown)"}, got)
	}
	got := reading(t, `{"vehicle": {"vin": "KNAXX00000A000001", "lat": 52.5}, "cars": ["KNAXX00000A000001"], "SleepMode": "x", "grid": "y"}`, func(o field.Object) {
		o.At("vehicle").Bool()
		o.At("cars").Number()
		o.At("grid").Number()
	})
	assert.Equal(t, map[string]string{"vehicle": "object of 2", "cars": "list of 1", "grid": `"y"`}, got)
}

func TestReportIsBounded(t *testing.T) {
	var r field.Report
	o := of(t, `{"v": "`+strings.Repeat("ä", 500)+`", "l": [`+strings.Repeat(`"?",`, 500)+`0], "n": `+strings.Repeat("9", 500)+`}`).Reporting(&r, "")
	o.At("v").Number()
	o.At("n").Number()
	for _, entry := range o.At("l").List() {
		entry.Number()
	}
	assert.Equal(t, int32(200), r.Count())
	for _, v := range r.Rejected() {
		assert.LessOrEqual(t, len(v.Raw), 90)
		assert.True(t, utf8.ValidString(v.Raw), v.Raw)
	}
}

func TestNobodyAsks(t *testing.T) {
	var none *field.Report
	o := of(t, `{"v": "?"}`).Reporting(none, "")
	_, ok := o.At("v").Number()
	assert.False(t, ok)
	assert.Zero(t, none.Count())
	assert.Empty(t, none.Rejected())
}

func TestFold(t *testing.T) {
	for body, want := range map[string]string{
		`{"calculativeOdo": 1}`:                      "1",
		`{"CalculativeODO": 2}`:                      "2",
		`{"CALCULATIVEODO": 3, "calculativeodo": 4}`: "3",
		`{"CALCULATIVEODO": 3, "calculativeOdo": 5}`: "5",
		`{"odo": 1}`: "",
		`[]`:         "",
		`null`:       "",
	} {
		got, _ := of(t, body).Fold("calculativeOdo").Text()
		assert.Equal(t, want, got, body)
	}
}
