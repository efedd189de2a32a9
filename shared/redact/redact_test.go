package redact_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

const (
	vin     = "KMHC851HFLU012345"
	jwt     = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.s5-_Zq1fXw"
	refresh = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGHIJKL" // 48 characters
)

func TestPatterns(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"e-mail":                         {"user jane.doe@example.com is locked", "user [redacted] is locked"},
		"e-mail with a plus":             {"<jane+car@mail.example.co.uk>", "<[redacted]>"},
		"two e-mails":                    {"a@example.com,b@example.org", "[redacted],[redacted]"},
		"URL-encoded e-mail":             {"?email=jane%40example.com&x=1", "?email=[redacted]&x=1"},
		"URL-encoded plus as well":       {"?email=jane%2Bcar%40example.com", "?email=[redacted]"},
		"at sign without an address":     {"5 @ 3.2 kW", "5 @ 3.2 kW"},
		"VIN":                            {"car " + vin + " is asleep", "car [redacted] is asleep"},
		"VIN in quotes":                  {`{"vin":"` + vin + `"}`, `{"vin":"[redacted]"}`},
		"VIN in a path":                  {"/cars/" + vin + "/status", "/cars/[redacted]/status"},
		"VIN with an underscore":         {"state_" + vin + ".json", "state_[redacted].json"},
		"two VINs":                       {vin + " " + vin, "[redacted] [redacted]"},
		"17 digits":                      {"id 12345678901234567", "id 12345678901234567"},
		"17 letters":                     {"ABCDEFGHJKLMNPRST", "ABCDEFGHJKLMNPRST"},
		"16 characters":                  {vin[1:], vin[1:]},
		"18 characters":                  {vin + "6", vin + "6"},
		"letters that no VIN has":        {"KMHC851HFLO012345", "KMHC851HFLO012345"},
		"lower-case id":                  {"27b1d5a4-3e2f-4c1a-9d8e-0f1a2b3c4d5e", "27b1d5a4-3e2f-4c1a-9d8e-0f1a2b3c4d5e"},
		"lower-case id of 17":            {"0a1b2c3d4e5f60718", "0a1b2c3d4e5f60718"},
		"JWT":                            {"token=" + jwt + "; path=/", "token=[redacted]; path=/"},
		"JWT without a signature":        {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0", "[redacted]"},
		"beginning of a word like JWT":   {"eyJ is how they start", "eyJ is how they start"},
		"Bearer":                         {"Authorization: Bearer abcdefgh12345678", "Authorization: Bearer [redacted]"},
		"bearer with a JWT":              {"bearer " + jwt, "bearer [redacted]"},
		"Basic":                          {`"Basic NmQ0NzdjMzgtM2Nh=="`, `"Basic [redacted]"`},
		"word bearer":                    {"the bearer of news", "the bearer of news"},
		"refresh token":                  {"code " + refresh + ".", "code [redacted]."},
		"shortest refresh token":         {refresh[:40], "[redacted]"},
		"too short for a refresh token":  {refresh[:39], refresh[:39]},
		"lower-case hash":                {strings.Repeat("0a1b2c3d", 6), strings.Repeat("0a1b2c3d", 6)},
		"position":                       {"at 52.5200,13.4050 since", "at [redacted] since"},
		"position with a blank":          {"52.5200, 13.4050", "[redacted]"},
		"position with a semicolon":      {"52.5200;13.4050", "[redacted]"},
		"southern position":              {"(-33.8688, 151.2093)", "([redacted])"},
		"two measurements":               {"12.5, 13.25 kWh", "12.5, 13.25 kWh"},
		"one measurement":                {"took 12.345 ms", "took 12.345 ms"},
		"nothing personal":               {"poll 17 of 40 took 1.25 s, HTTP 503", "poll 17 of 40 took 1.25 s, HTTP 503"},
		"empty":                          {"", ""},
		"invalid UTF-8":                  {"\xff jane@example.com \xff", "\xff [redacted] \xff"},
		"VIN in lower case":              {"car kmhc851hflu012345 is asleep", "car [redacted] is asleep"},
		"VIN in mixed case":              {"Knae351Abp6012345", "[redacted]"},
		"lower-case VIN in a path":       {"/cars/u5yph81abpl012345/status", "/cars/[redacted]/status"},
		"lower case of another maker":    {"wvwzzz1kz6w012345", "wvwzzz1kz6w012345"},
		"lower case with a wrong letter": {"kmhc851hflo012345", "kmhc851hflo012345"},
		"lower case of 18":               {"kmhc851hflu0123456", "kmhc851hflu0123456"},
		"a word of 17 letters":           {"maladministration", "maladministration"},
		"hexadecimal id":                 {"id 0a1b2c3d4e5f60718293a4b5c6d7e8f9", "id 0a1b2c3d4e5f60718293a4b5c6d7e8f9"},
		"hexadecimal id in capitals":     {"id 0A1B2C3D4E5F60718293A4B5C6D7E8F9", "id 0A1B2C3D4E5F60718293A4B5C6D7E8F9"},
		"UUID in capitals":               {"27B1D5A4-3E2F-4C1A-9D8E-0F1A2B3C4D5E", "27B1D5A4-3E2F-4C1A-9D8E-0F1A2B3C4D5E"},
		"versions":                       {"v1.26.8, Chrome/120.0.6099.43", "v1.26.8, Chrome/120.0.6099.43"},
		"sizes and durations":            {"4194304 bytes in 1m30.25s, 52%", "4194304 bytes in 1m30.25s, 52%"},
		"a port and a time":              {"127.0.0.1:1883 at 2026-01-02T03:04:05.678Z", "127.0.0.1:1883 at 2026-01-02T03:04:05.678Z"},
		"numbers in JSON":                {`{"port":1883,"soc":52,"platform":3,"late":52}`, `{"port":1883,"soc":52,"platform":3,"late":52}`},
		"numbers in escaped JSON":        {`{\"port\":1883,\"soc\":52.5,\"pins\":7}`, `{\"port\":1883,\"soc\":52.5,\"pins\":7}`},
		"whole degrees":                  {"lat=52 lon=-3, Longitude: 113.", "lat=[redacted] lon=[redacted], Longitude: [redacted]."},
		"whole degrees in JSON":          {`{"lat":52,"lon":-3}`, `{"lat":[redacted],"lon":[redacted]}`},
		"no degrees":                     {"lat=52ms lon=1234 flat=3 lateness: 3", "lat=52ms lon=1234 flat=3 lateness: 3"},
		"all in one":                     {vin + " jane@example.com " + jwt, "[redacted] [redacted] [redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			var r redact.Redactor
			got := r.String(tc.text)
			assert.Equal(t, tc.want, got)
			assert.Equal(t, got, r.String(got), "redacting twice must change nothing")
		})
	}
}

func TestLearnedSecrets(t *testing.T) {
	for name, tc := range map[string]struct {
		secrets    []string
		text, want string
	}{
		"password":                        {[]string{"Tr0ub4dor&3"}, "password Tr0ub4dor&3 refused", "password [redacted] refused"},
		"password within a word":          {[]string{"hunter2"}, "xhunter2x", "x[redacted]x"},
		"every occurrence":                {[]string{"hunter2"}, "hunter2 hunter2hunter2", "[redacted] [redacted][redacted]"},
		"regular expressions mean nought": {[]string{"a.c*e+g$"}, "a.c*e+g$ abcdefg", "[redacted] abcdefg"},
		"other case":                      {[]string{"hunter2"}, "Hunter2", "Hunter2"},
		"secret within another":           {[]string{"hunter", "hunter2000"}, "hunter2000 hunter", "[redacted] [redacted]"},
		"the same, learned backwards":     {[]string{"hunter2000", "hunter"}, "hunter2000 hunter", "[redacted] [redacted]"},
		"shortest that is found anywhere": {[]string{"abcdef"}, "xxabcdefxx", "xx[redacted]xx"},
		"longest that must be a word":     {[]string{"abcde"}, "xxabcdexx abcde", "xxabcdexx [redacted]"},
		"PIN":                             {[]string{"1234"}, "pin 1234.", "pin [redacted]."},
		"PIN alone":                       {[]string{"1234"}, "1234", "[redacted]"},
		"PIN in JSON":                     {[]string{"1234"}, `{"pin":"1234","id":12345}`, `{"pin":"[redacted]","id":12345}`},
		"PIN in a query":                  {[]string{"1234"}, "?pin=1234&t=91234", "?pin=[redacted]&t=91234"},
		"PIN twice":                       {[]string{"1234"}, "1234 1234,1234", "[redacted] [redacted],[redacted]"},
		"PIN starts a number":             {[]string{"1234"}, "took 12345 ms", "took 12345 ms"},
		"PIN ends a number":               {[]string{"1234"}, "took 91234 ms", "took 91234 ms"},
		"PIN within an id":                {[]string{"1234"}, "car a1234b, ab1234", "car a1234b, ab1234"},
		"PIN behind a number with it":     {[]string{"1234"}, "12345 1234", "12345 [redacted]"},
		"PIN of equal digits":             {[]string{"1111"}, "pin 1111", "pin [redacted]"},
		"PIN of equal digits in a number": {[]string{"1111"}, "took 11111 ms", "took 11111 ms"},
		"PIN of zeros in a large number":  {[]string{"0000"}, "10000000 of 0000000", "10000000 of 0000000"},
		"PIN of pairs in a number":        {[]string{"1212"}, "took 121212 ms", "took 121212 ms"},
		"too short to be a secret":        {[]string{"", "a", "12"}, "12 a 12", "12 a 12"},
		"shortest secret":                 {[]string{"123"}, "123 1234", "[redacted] 1234"},
		"not ASCII":                       {[]string{"пароль"}, "это пароль!", "это [redacted]!"},
		"VIN in another case":             {[]string{"WVWZZZ1KZ6W012345"}, "wvwzzz1kz6w012345 WvwZZZ1kz6w012345", "[redacted] [redacted]"},
		"VIN in another case in a word":   {[]string{"WVWZZZ1KZ6W012345"}, "xwvwzzz1kz6w012345x", "x[redacted]x"},
		"VIN learned in lower case":       {[]string{"wvwzzz1kz6w012345"}, "car WVWZZZ1KZ6W012345, wvwzzz1KZ6W012345", "car [redacted], [redacted]"},
		"PIN as a number in JSON":         {[]string{"1234"}, `{"a":1234,"b":[1234,12345],"c":-1234}`, `{"a":[redacted],"b":[[redacted],12345],"c":-[redacted]}`},
		"PIN as a number, escaped":        {[]string{"1234"}, `{\"a\":1234,\"b\":\"x\n1234\"}`, `{\"a\":[redacted],\"b\":\"x\n[redacted]\"}`},
		"PIN behind a letter n":           {[]string{"1234"}, "n1234", "n1234"},
		"a secret that is an e-mail":      {[]string{"jane@example.com"}, "jane@example.com", "[redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			var r redact.Redactor
			r.Learn(tc.secrets...)
			assert.Equal(t, tc.want, r.String(tc.text))

			var oneByOne redact.Redactor
			for _, secret := range tc.secrets {
				oneByOne.Learn(secret)
				oneByOne.Learn(secret)
			}
			assert.Equal(t, tc.want, oneByOne.String(tc.text), "learned one by one")
		})
	}
}

// No secret may get lost between goroutines that learn at the same time.
func TestConcurrentUse(t *testing.T) {
	const goroutines, each = 8, 25
	var r redact.Redactor
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for i := range each {
				secret := fmt.Sprintf("secret-%d-%d!", g, i)
				r.Learn(secret)
				assert.Equal(t, "x "+redact.Mask, r.String("x "+secret))
			}
		})
	}
	all.Wait()
	for g := range goroutines {
		for i := range each {
			assert.Equal(t, redact.Mask, r.String(fmt.Sprintf("secret-%d-%d!", g, i)))
		}
	}
}

// logged returns what a JSON log of one record holds.
func logged(t *testing.T, r *redact.Redactor, do func(*slog.Logger)) map[string]any {
	t.Helper()
	var out bytes.Buffer
	do(slog.New(r.Handler(slog.NewJSONHandler(&out, nil))))
	fields := map[string]any{}
	require.NoError(t, json.Unmarshal(out.Bytes(), &fields), "%s", out.String())
	delete(fields, slog.TimeKey)
	delete(fields, slog.LevelKey)
	return fields
}

type account struct{ Name, Mail string }

func (a account) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", a.Name), slog.String("contact", a.Mail))
}

type plain struct{ Mail string }

type named string

func (n named) String() string { return "name " + string(n) }

func TestHandlerCleans(t *testing.T) {
	type fields = map[string]any
	for name, tc := range map[string]struct {
		do   func(*slog.Logger)
		want fields
	}{
		"message": {
			func(l *slog.Logger) { l.Info("login of jane@example.com with hunter2000") },
			fields{"msg": "login of [redacted] with [redacted]"},
		},
		"text": {
			func(l *slog.Logger) { l.Info("m", "car", vin, "note", "pin 1234, 12345 ms") },
			fields{"msg": "m", "car": "[redacted]", "note": "pin [redacted], 12345 ms"},
		},
		"group": {
			func(l *slog.Logger) {
				l.Info("m", slog.Group("a", "x", vin, slog.Group("b", "y", "jane@example.com", "n", 1)))
			},
			fields{"msg": "m", "a": fields{"x": "[redacted]", "b": fields{"y": "[redacted]", "n": 1.0}}},
		},
		"With": {
			func(l *slog.Logger) { l.With("car", vin, "n", 2).Info("m") },
			fields{"msg": "m", "car": "[redacted]", "n": 2.0},
		},
		"With, then a field": {
			func(l *slog.Logger) { l.With("n", 2).Info("m", "car", vin) },
			fields{"msg": "m", "car": "[redacted]", "n": 2.0},
		},
		"WithGroup": {
			func(l *slog.Logger) { l.WithGroup("g").With("pin", "1234").Info("m "+vin, "car", vin) },
			fields{"msg": "m [redacted]", "g": fields{"pin": "[redacted]", "car": "[redacted]"}},
		},
		"error": {
			func(l *slog.Logger) { l.Info("m", "err", fmt.Errorf("get: %w", errors.New("no car "+vin))) },
			fields{"msg": "m", "err": "get: no car [redacted]"},
		},
		"no error": {
			func(l *slog.Logger) { l.Info("m", "err", nil) },
			fields{"msg": "m", "err": "<nil>"},
		},
		"value that logs itself": {
			func(l *slog.Logger) { l.Info("m", "who", account{"Jane", "jane@example.com"}) },
			fields{"msg": "m", "who": fields{"name": "Jane", "contact": "[redacted]"}},
		},
		"structure": {
			func(l *slog.Logger) { l.Info("m", "who", plain{"jane@example.com"}) },
			fields{"msg": "m", "who": "{[redacted]}"},
		},
		"value with a String method": {
			func(l *slog.Logger) { l.Info("m", "who", named("hunter2000")) },
			fields{"msg": "m", "who": "name [redacted]"},
		},
		"list": {
			func(l *slog.Logger) { l.Info("m", "cars", []string{vin, "x"}) },
			fields{"msg": "m", "cars": []any{"[redacted]", "x"}},
		},
		"personal keys": {
			func(l *slog.Logger) {
				l.Info("m", "password", "x", "pin", 1234, "token", true, "vin", "x", "username", "x", "email", "x", "latitude", 52.5,
					"longitude", 13.4, "lat", "52", "lon", nil, "address", plain{"x"}, "authorization", "x", "cookie", []byte("x"))
			},
			fields{
				"msg": "m", "password": "[redacted]", "pin": "[redacted]", "token": "[redacted]", "vin": "[redacted]", "username": "[redacted]",
				"email": "[redacted]", "latitude": "[redacted]", "longitude": "[redacted]", "lat": "[redacted]", "lon": "[redacted]",
				"address": "[redacted]", "authorization": "[redacted]", "cookie": "[redacted]",
			},
		},
		"personal keys in capitals": {
			func(l *slog.Logger) { l.Info("m", "VIN", "x", "Password", "y") },
			fields{"msg": "m", "VIN": "[redacted]", "Password": "[redacted]"},
		},
		"personal key in a group": {
			func(l *slog.Logger) { l.Info("m", slog.Group("at", "latitude", 52.5, "speed", 3)) },
			fields{"msg": "m", "at": fields{"latitude": "[redacted]", "speed": 3.0}},
		},
		"group with a personal key": {
			func(l *slog.Logger) { l.Info("m", slog.Group("address", "street", "x")) },
			fields{"msg": "m", "address": "[redacted]"},
		},
		"personal key with With": {
			func(l *slog.Logger) { l.With("vin", "x").Info("m") },
			fields{"msg": "m", "vin": "[redacted]"},
		},
		"a learned number": {
			func(l *slog.Logger) {
				l.Info("m", "i", 1234, "minus", -1234, "u", uint64(1234), "f", 1234.0, "list", []int{1234, 12345}, slog.Group("g", "i", 1234))
			},
			fields{
				"msg": "m", "i": "[redacted]", "minus": "[redacted]", "u": "[redacted]", "f": "[redacted]", "list": "[[redacted] 12345]",
				"g": fields{"i": "[redacted]"},
			},
		},
		"a learned number with With": {
			func(l *slog.Logger) { l.With("i", 1234).Info("m") },
			fields{"msg": "m", "i": "[redacted]"},
		},
		"numbers that are not learned": {
			func(l *slog.Logger) {
				l.Info("m", "i", 123, "long", 12345, "u", uint16(1883), "f", 1234.5, "size", 4<<20, "d", 1234*time.Nanosecond)
			},
			fields{"msg": "m", "i": 123.0, "long": 12345.0, "u": 1883.0, "f": 1234.5, "size": 4194304.0, "d": 1234.0},
		},
		"what is not personal": {
			func(l *slog.Logger) {
				l.Info("m", "n", 12345, "f", 1.5, "b", true, "d", time.Second, "t", time.Unix(0, 0).UTC())
			},
			fields{"msg": "m", "n": 12345.0, "f": 1.5, "b": true, "d": 1e9, "t": "1970-01-01T00:00:00Z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var r redact.Redactor
			r.Learn("hunter2000", "1234")
			assert.Equal(t, tc.want, logged(t, &r, tc.do))
		})
	}
}

// A logger is made before the settings with the secrets are read.
func TestHandlerLearnsLater(t *testing.T) {
	var r redact.Redactor
	fields := logged(t, &r, func(l *slog.Logger) {
		l = l.WithGroup("g")
		r.Learn("hunter2000")
		l.Info("with hunter2000")
	})
	assert.Equal(t, "with [redacted]", fields["msg"])
}

func TestHandlerKeepsTheRest(t *testing.T) {
	var out bytes.Buffer
	var r redact.Redactor
	handler := r.Handler(slog.NewJSONHandler(&out, &slog.HandlerOptions{AddSource: true, Level: slog.LevelWarn}))
	assert.False(t, handler.Enabled(context.Background(), slog.LevelInfo))
	assert.True(t, handler.Enabled(context.Background(), slog.LevelWarn))

	slog.New(handler).Error("m")
	var rec struct {
		Time   time.Time
		Level  string
		Source slog.Source
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &rec))
	assert.Equal(t, "ERROR", rec.Level)
	assert.False(t, rec.Time.IsZero())
	assert.Contains(t, rec.Source.File, "redact_test.go", "the source must be the caller's")
}

// failing is a log whose disk is full.
type failing struct {
	slog.Handler
	err error
}

func (f failing) Handle(context.Context, slog.Record) error { return f.err }

func TestHandlerReportsFailure(t *testing.T) {
	full := errors.New("disk full")
	var r redact.Redactor
	err := r.Handler(failing{slog.DiscardHandler, full}).Handle(context.Background(), slog.Record{})
	require.ErrorIs(t, err, full)
}

func FuzzRedact(f *testing.F) {
	for _, secret := range []string{"hunter2", "Tr0ub4dor&3", "1234", "11111", "jane@example.com", "[redac", "redacted", vin} {
		for _, around := range []string{"%s", "a%sb", "%s%s", "Bearer %s", "%s@example.com", "x %s, " + vin + " " + jwt, "52.5200,13.4050 %s"} {
			f.Add(strings.ReplaceAll(around, "%s", secret), secret)
		}
	}
	f.Fuzz(func(t *testing.T, text, secret string) {
		var unaware redact.Redactor
		unaware.String(text)

		var r redact.Redactor
		r.Learn(secret)
		got := r.String(text)
		if again := r.String(text); again != got {
			t.Fatalf("%q gives %q and %q", text, got, again)
		}
		// Blanks around a secret could match a blank that masking puts in.
		if len(secret) < 6 || secret != strings.TrimSpace(secret) {
			return
		}
		// A mask is no leak, even if the secret is a part of that word.
		for _, visible := range strings.Split(got, redact.Mask) {
			if strings.Contains(visible, secret) {
				t.Fatalf("%q survives in %q", secret, got)
			}
		}
	})
}

func TestMembersOfRawText(t *testing.T) {
	var r redact.Redactor
	r.Learn("pass word&")
	for in, want := range map[string]string{
		`body [{"password":"hunter2000","soc":5}]`: `body [{"password":"[redacted]","soc":5}]`,
		`{"refresh_token": "a\"b", "PIN": 1234}`:   `{"refresh_token": "[redacted]", "PIN": "[redacted]"}`,
		`at lat=52.5200 lon=13.4050`:               `at lat=[redacted] lon=[redacted]`,
		`"latitude":52.52,"longitude":-13.4`:       `"latitude":[redacted],"longitude":[redacted]`,
		`GET /x?p=pass+word%26`:                    `GET /x?p=[redacted]`,
		`latency=52.5 lateral: 3.5 longest 13.4`:   `latency=52.5 lateral: 3.5 longest 13.4`,
	} {
		assert.Equal(t, want, r.String(in))
	}
}

// countingHandler counts how often fields are given to it.
type countingHandler struct {
	slog.Handler
	given *atomic.Int32
}

func (h countingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.given.Add(1)
	h.Handler = h.Handler.WithAttrs(attrs)
	return h
}

func (h countingHandler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}

// TestFieldsOfLinesThatAreNotWritten cost nothing, and those of lines that are written are
// as they were when the logger got them.
func TestFieldsOfLinesThatAreNotWritten(t *testing.T) {
	var out bytes.Buffer
	given := &atomic.Int32{}
	r := &redact.Redactor{}
	log := slog.New(r.Handler(countingHandler{slog.NewTextHandler(&out, nil), given}))
	quiet := log.With("vehicle", "car1").With("attempt", 1)
	quiet.Debug("is not written")
	assert.Zero(t, given.Load())
	r.Learn("s3cret-value")
	list := []string{"before"}
	loud := quiet.WithGroup("group").With("list", list, "text", "s3cret-value")
	list[0] = "after"
	for range 2 {
		loud.Info("is written")
	}
	assert.EqualValues(t, 3, given.Load(), "once each")
	for line := range strings.Lines(out.String()) {
		assert.Contains(t, line, "vehicle=car1 attempt=1 group.list=[before] group.text=[redacted]")
	}
}
