package field_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
)

// of decodes one JSON value; "" is a value that is not there.
func of(tb testing.TB, raw string) field.Object {
	tb.Helper()
	if raw == "" {
		return field.Object{}
	}
	o, err := field.Decode([]byte(raw))
	require.NoError(tb, err, raw)
	return o
}

func TestDecode(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		ok   bool
	}{
		"object":                 {`{"a": 1}`, true},
		"list":                   {`[1, 2]`, true},
		"number":                 {`7`, true},
		"null":                   {`null`, true},
		"blanks around it":       {" \r\n{}\t\n", true},
		"invalid UTF-8 in text":  {"\"a\xffb\"", true},
		"empty":                  {``, false},
		"blanks only":            {"  \n", false},
		"two objects":            {`{} {}`, false},
		"two numbers":            {`1 2`, false},
		"object and garbage":     {`{"a": 1} x`, false},
		"object and a brace":     {`{"a": 1}}`, false},
		"half an object":         {`{"a": `, false},
		"HTML page":              {`<html><body>503</body></html>`, false},
		"single quotes":          {`{'a': 1}`, false},
		"bare NaN":               {`{"a": NaN}`, false},
		"byte order mark":        {"\ufeff{}", false},
		"comma before the brace": {`{"a": 1,}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := field.Decode([]byte(tc.body))
			if tc.ok {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			assert.False(t, o.Exists(), "a refused document must leave nothing behind")
		})
	}
}

// A float64 in between would round ids and times of 17 digits.
func TestDecodeKeepsNumbersAsWritten(t *testing.T) {
	o := of(t, `{"id": 12345678901234567890, "range": 122.407766, "whole": 80.0}`)
	for path, want := range map[string]string{"id": "12345678901234567890", "range": "122.407766", "whole": "80.0"} {
		got, ok := o.At(path).Text()
		assert.True(t, ok, path)
		assert.Equal(t, want, got)
	}
}

// Text ends up in protobuf strings, which must be UTF-8.
func TestDecodeRepairsInvalidUTF8(t *testing.T) {
	got, ok := of(t, "\"a\xff\\ud800b\"").Text()
	assert.True(t, ok)
	assert.Equal(t, "a\ufffd\ufffdb", got)
}

func TestAt(t *testing.T) {
	o := of(t, `{
		"car": {"name": "e", "none": null, "doors": [{"open": 1}, {"open": 0}], "7": "key of digits", "": "empty key"},
		"grid": [[10, 11], [20, 21]]
	}`)
	for name, tc := range map[string]struct {
		path, want string
	}{
		"member":                    {"car.name", "e"},
		"first of a list":           {"car.doors.0.open", "1"},
		"last of a list":            {"car.doors.1.open", "0"},
		"list in a list":            {"grid.1.0", "20"},
		"digits as a key":           {"car.7", "key of digits"},
		"empty key":                 {"car.", "empty key"},
		"missing member":            {"car.wheels", ""},
		"below a missing member":    {"car.wheels.0.open", ""},
		"null":                      {"car.none", ""},
		"below null":                {"car.none.x", ""},
		"below text":                {"car.name.x", ""},
		"below a number":            {"grid.0.0.x", ""},
		"index past the end":        {"car.doors.2.open", ""},
		"negative index":            {"car.doors.-1.open", ""},
		"name as index":             {"car.doors.open", ""},
		"index beyond every number": {"car.doors.99999999999999999999", ""},
		"other case":                {"Car.name", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := o.At(tc.path).Text()
			assert.Equal(t, tc.want != "", ok)
			assert.Equal(t, tc.want, got)
			assert.Equal(t, tc.want != "", o.At(tc.path).Exists())
		})
	}
	assert.Equal(t, o, o.At(""), "the empty path is the object itself")
	assert.False(t, field.Object{}.At("car").Exists())
}

func TestFirst(t *testing.T) {
	o := of(t, `{"a": null, "b": 0, "c": 1}`)
	for name, tc := range map[string]struct {
		paths []string
		want  string
	}{
		"skips missing and null":    {[]string{"x", "a", "c", "b"}, "1"},
		"0 is there":                {[]string{"b", "c"}, "0"},
		"none is there":             {[]string{"x", "a"}, ""},
		"no path":                   {nil, ""},
		"skips paths into a number": {[]string{"b.x", "b"}, "0"},
	} {
		got, _ := o.First(tc.paths...).Text()
		assert.Equal(t, tc.want, got, name)
	}
}

func TestShapes(t *testing.T) {
	for raw, want := range map[string]struct {
		exists, object, list bool
		length               int
	}{
		"":              {},
		`null`:          {},
		`{}`:            {exists: true, object: true},
		`[]`:            {exists: true, list: true},
		`[1, null, {}]`: {exists: true, list: true, length: 3},
		`"[1]"`:         {exists: true},
		`false`:         {exists: true},
		`0`:             {exists: true},
	} {
		o := of(t, raw)
		assert.Equal(t, want.exists, o.Exists(), "Exists of %q", raw)
		assert.Equal(t, want.object, o.IsObject(), "IsObject of %q", raw)
		assert.Equal(t, want.list, o.IsList(), "IsList of %q", raw)
		assert.Len(t, o.List(), want.length, "List of %q", raw)
	}
	list := of(t, `[4, {"a": 5}]`).List()
	first, _ := list[0].Int()
	second, _ := list[1].At("a").Int()
	assert.Equal(t, []int64{4, 5}, []int64{first, second})
}

func TestText(t *testing.T) {
	for raw, want := range map[string]struct {
		text, nonEmpty *string
	}{
		`"Sport"`:    {ptr("Sport"), ptr("Sport")},
		`" Eco\n"`:   {ptr(" Eco\n"), ptr("Eco")},
		`12`:         {ptr("12"), ptr("12")},
		`-1.50`:      {ptr("-1.50"), ptr("-1.50")},
		`""`:         {ptr(""), nil},
		`" \t "`:     {ptr(" \t "), nil},
		`true`:       {},
		`null`:       {},
		`{}`:         {},
		`["Sport"]`:  {},
		"":           {},
		`"\u00a0x "`: {ptr("\u00a0x "), ptr("x")},
	} {
		assert.Equal(t, want.text, field.Opt(of(t, raw).Text()), "Text of %q", raw)
		assert.Equal(t, want.nonEmpty, field.Opt(of(t, raw).NonEmptyText()), "NonEmptyText of %q", raw)
	}
}

func TestNumber(t *testing.T) {
	for name, tc := range map[string]struct {
		raw  string
		want *float64
	}{
		"whole number":                {`42`, ptr(42.0)},
		"fraction":                    {`122.407766`, ptr(122.407766)},
		"negative":                    {`-0.5`, ptr(-0.5)},
		"zero":                        {`0`, ptr(0.0)},
		"exponent":                    {`1.5e3`, ptr(1500.0)},
		"text":                        {`"23.0"`, ptr(23.0)},
		"text with blanks":            {`" 7 "`, ptr(7.0)},
		"negative text":               {`"-3"`, ptr(-3.0)},
		"exponent as text":            {`"2e2"`, ptr(200.0)},
		"largest":                     {`1e15`, ptr(1e15)},
		"beyond all that a car means": {`1000000000000001`, nil},
		"the same below 0":            {`-1000000000000001`, nil},
		"largest of a double":         {`1.7976931348623157e308`, nil},
		"too large":                   {`1e400`, nil},
		"too large as text":           {`"1e400"`, nil},
		"too small is 0":              {`1e-400`, ptr(0.0)},
		"hexadecimal text":            {`"0x1F"`, nil},
		"hexadecimal capital":         {`"0X1F"`, nil},
		"hexadecimal fraction":        {`"0x1p-2"`, nil},
		"underscores":                 {`"1_000"`, nil},
		"hexadecimal underscore":      {`"0x_1"`, nil},
		"NaN":                         {`"NaN"`, nil},
		"nan":                         {`"nan"`, nil},
		"Inf":                         {`"Inf"`, nil},
		"-Infinity":                   {`"-Infinity"`, nil},
		"comma":                       {`"1,5"`, nil},
		"unit behind it":              {`"5 km"`, nil},
		"dashes":                      {`"--"`, nil},
		"empty text":                  {`""`, nil},
		"true":                        {`true`, nil},
		"false":                       {`false`, nil},
		"null":                        {`null`, nil},
		"object":                      {`{"value": 1}`, nil},
		"list":                        {`[1]`, nil},
		"missing":                     {``, nil},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, field.Opt(of(t, tc.raw).Number()))
		})
	}
}

func TestInt(t *testing.T) {
	for raw, want := range map[string]struct {
		i64 *int64
		i32 *int32
	}{
		`7`:                {ptr[int64](7), ptr[int32](7)},
		`7.0`:              {ptr[int64](7), ptr[int32](7)},
		`"7"`:              {ptr[int64](7), ptr[int32](7)},
		`-7`:               {ptr[int64](-7), ptr[int32](-7)},
		`7.5`:              {},
		`true`:             {},
		`2147483647`:       {ptr[int64](math.MaxInt32), ptr[int32](math.MaxInt32)},
		`2147483648`:       {ptr[int64](math.MaxInt32 + 1), nil},
		`-2147483648`:      {ptr[int64](math.MinInt32), ptr[int32](math.MinInt32)},
		`-2147483649`:      {ptr[int64](math.MinInt32 - 1), nil},
		`1000000000000000`: {ptr[int64](1e15), nil},
		`1000000000000001`: {},
		`9007199254740993`: {}, // a float64 cannot tell it from its neighbours
		`1e300`:            {},
		`"x"`:              {},
		``:                 {},
	} {
		assert.Equal(t, want.i64, field.Opt(of(t, raw).Int()), "Int of %s", raw)
		assert.Equal(t, want.i32, field.Opt(of(t, raw).Int32()), "Int32 of %s", raw)
	}
}

func TestBool(t *testing.T) {
	for raw, want := range map[string]*bool{
		`true`:       ptr(true),
		`false`:      ptr(false),
		`1`:          ptr(true),
		`0`:          ptr(false),
		`2`:          ptr(true),
		`-1`:         ptr(true),
		`0.0`:        ptr(false),
		`"true"`:     ptr(true),
		`"TRUE "`:    ptr(true),
		`"false"`:    ptr(false),
		`"1"`:        ptr(true),
		`"0"`:        ptr(false),
		`"yes"`:      nil,
		`"?"`:        nil,
		`""`:         nil,
		`null`:       nil,
		`{}`:         nil,
		`[true]`:     nil,
		`"Infinity"`: nil,
		``:           nil,
	} {
		assert.Equal(t, want, field.Opt(of(t, raw).Bool()), "Bool of %q", raw)
	}
}

func TestCode(t *testing.T) {
	for raw, want := range map[string]*int32{
		`0`:          ptr[int32](0),
		`3`:          ptr[int32](3),
		`"3"`:        ptr[int32](3),
		`3.0`:        ptr[int32](3),
		`-1`:         ptr[int32](-1),
		`true`:       ptr[int32](1),
		`false`:      ptr[int32](0),
		`3.5`:        nil,
		`"true"`:     nil,
		`4294967295`: nil,
		`null`:       nil,
		`[]`:         nil,
		``:           nil,
	} {
		assert.Equal(t, want, field.Opt(of(t, raw).Code()), "Code of %q", raw)
	}
}

func TestOpt(t *testing.T) {
	assert.Nil(t, field.Opt(5, false), "a value that is not there must not become 5")
	assert.Equal(t, ptr(0), field.Opt(0, true), "0 is a value")
}

func TestWithLeavesTheOriginalAlone(t *testing.T) {
	original := of(t, `{"a": 1, "b": {"c": 2}}`)
	pristine := of(t, `{"a": 1, "b": {"c": 2}}`)

	changed := original.With("a", of(t, `"new"`)).With("d", of(t, `[4]`))

	assert.Equal(t, pristine, original)
	assert.Equal(t, of(t, `{"a": "new", "b": {"c": 2}, "d": [4]}`), changed)
	assert.Equal(t, of(t, `{"k": 1}`), field.Object{}.With("k", of(t, `1`)), "of nothing")
	assert.Equal(t, of(t, `{"k": 1}`), of(t, `[1, 2]`).With("k", of(t, `1`)), "of what is no object")
}

func ptr[T any](v T) *T { return &v }

func FuzzFieldObject(f *testing.F) {
	for _, body := range []string{
		`{"a":{"b":[1,{"c":"0x1F"}]},"t":true}`, `[[1,2],["NaN"]]`, `"1_000"`, `{"a":1e400}`, `{} {}`, `{"a":"20240720120000"}`, "\"\xff\"",
	} {
		for _, path := range []string{"", "a", "a.b.1.c", "0.1", "-1", "a..b", "t"} {
			f.Add([]byte(body), path)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, path string) {
		o, err := field.Decode(body)
		again, errAgain := field.Decode(body)
		if (err == nil) != (errAgain == nil) || !reflect.DeepEqual(o, again) {
			t.Fatal("decoding twice gives two results")
		}
		at := o.At(path)
		if !reflect.DeepEqual(at, o.At(path)) {
			t.Fatal("a path leads to two places")
		}
		if !reflect.DeepEqual(o, again) {
			t.Fatal("following a path changed the document")
		}
		checkReaders(t, at)
		for _, element := range at.List() {
			checkReaders(t, element)
		}
	})
}

// checkReaders holds every reader to what callers rely on without looking.
func checkReaders(t *testing.T, o field.Object) {
	t.Helper()
	finite := func(name string, f float64, ok bool) {
		if ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			t.Fatalf("%s is %v", name, f)
		}
	}
	number, isNumber := o.Number()
	finite("Number", number, isNumber)
	if n, ok := o.Int(); ok && float64(n) != number {
		t.Fatalf("Int is %d, Number %v", n, number)
	}
	if p, ok := o.Percent(); ok && (p < 0 || p > 100) {
		t.Fatalf("Percent is %v", p)
	}
	if m, ok := o.Minutes(); ok && (m < 0 || m >= 65535) {
		t.Fatalf("Minutes is %v", m)
	}
	for _, kilojoules := range []bool{false, true} {
		energy, ok := o.KilowattHours(kilojoules)
		finite("KilowattHours", energy, ok)
	}
	celsius, ok := field.Celsius(o, field.Object{})
	finite("Celsius", celsius, ok)
	if lat, lon, ok := field.Position(o, o); ok && (math.Abs(lat) > 90 || math.Abs(lon) > 180) {
		t.Fatalf("Position is %v, %v", lat, lon)
	}
	if (isNumber || o.IsObject() || len(o.List()) > 0) && !o.Exists() {
		t.Fatal("it is something, but not there")
	}
	if s, ok := o.NonEmptyText(); ok && s == "" {
		t.Fatal("NonEmptyText is empty")
	}
	if at, ok := o.EpochMillis(); ok && (at.Year() < 2001 || at.Year() > 2286) {
		t.Fatalf("EpochMillis is %v", at)
	}
	if at, ok := o.Stamp(time.UTC); ok && (at.Year() < 1 || at.Location() != time.UTC) {
		t.Fatalf("Stamp is %v", at)
	}
	o.Bool()
	o.Code()
	o.SeatClimate()
	o.Heater()
}
