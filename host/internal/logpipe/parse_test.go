package logpipe_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/logpipe"
)

// fields are a line's attributes by name.
func fields(tb testing.TB, line logpipe.Line) map[string]any {
	tb.Helper()
	set := map[string]any{}
	for _, a := range line.Attrs {
		assert.NotContains(tb, set, a.Key, "twice the same field")
		set[a.Key] = a.Value.Any()
	}
	return set
}

func TestParseJSON(t *testing.T) {
	type attrs = map[string]any
	for name, tc := range map[string]struct {
		line    string
		level   slog.Level
		message string
		attrs   attrs
		time    string
	}{
		"slog": {
			`{"time":"2025-07-14T12:05:09.25+02:00","level":"WARN","msg":"slow","ms":1200,"car":"e"}`,
			slog.LevelWarn, "slow",
			attrs{"ms": int64(1200), "car": "e"},
			"2025-07-14T10:05:09.25Z",
		},
		"hclog": {
			`{"@level":"error","@message":"boom","@module":"plugin","@timestamp":"2025-07-14T12:05:09.250000Z","n":1.5}`,
			slog.LevelError, "boom",
			attrs{"@module": "plugin", "n": 1.5},
			"2025-07-14T12:05:09.25Z",
		},
		"hclog trace":                {`{"@level":"trace","@message":"m"}`, slog.LevelDebug, "m", attrs{}, ""},
		"other loggers' message":     {`{"level":"info","message":"m"}`, slog.LevelInfo, "m", attrs{}, ""},
		"two messages":               {`{"level":"info","msg":"a","message":"b"}`, slog.LevelInfo, "a", attrs{"message": "b"}, ""},
		"two levels":                 {`{"level":"warn","@level":"error","msg":"a"}`, slog.LevelWarn, "a", attrs{"@level": "error"}, ""},
		"numeric message":            {`{"@level":"warn","@message":42}`, slog.LevelWarn, "42", attrs{}, ""},
		"message of any type":        {`{"msg":{"a":[1,"b"]}}`, slog.LevelInfo, `{"a":[1,"b"]}`, attrs{}, ""},
		"message null":               {`{"msg":null}`, slog.LevelInfo, "null", attrs{}, ""},
		"message only":               {`{"msg":"m"}`, slog.LevelInfo, "m", attrs{}, ""},
		"level only":                 {`{"level":"ERROR","code":7}`, slog.LevelError, "", attrs{"code": int64(7)}, ""},
		"numeric level":              {`{"level":30,"msg":"m"}`, slog.LevelInfo, "m", attrs{}, ""},
		"level between two":          {`{"level":"WARN+2","msg":"m"}`, slog.LevelWarn + 2, "m", attrs{}, ""},
		"unknown level":              {`{"level":"loud","msg":"m"}`, slog.LevelInfo, "m", attrs{}, ""},
		"fatal":                      {`{"level":"fatal","msg":"m"}`, slog.LevelError, "m", attrs{}, ""},
		"panic level":                {`{"level":"PANIC","msg":"m"}`, slog.LevelError, "m", attrs{}, ""},
		"warning":                    {`{"level":"Warning","msg":"m"}`, slog.LevelWarn, "m", attrs{}, ""},
		"time that cannot be read":   {`{"time":"yesterday","msg":"m"}`, slog.LevelInfo, "m", attrs{"time": "yesterday"}, ""},
		"time that is a number":      {`{"time":1721469600,"msg":"m"}`, slog.LevelInfo, "m", attrs{"time": int64(1721469600)}, ""},
		"truth values and null":      {`{"msg":"m","a":true,"b":false,"c":null}`, slog.LevelInfo, "m", attrs{"a": true, "b": false, "c": "null"}, ""},
		"list":                       {`{"msg":"m","cars":["a","b"]}`, slog.LevelInfo, "m", attrs{"cars": `["a","b"]`}, ""},
		"number beyond every type":   {`{"msg":"m","n":1e999}`, slog.LevelInfo, "m", attrs{"n": "1e999"}, ""},
		"largest whole number":       {`{"msg":"m","n":9223372036854775807}`, slog.LevelInfo, "m", attrs{"n": int64(math.MaxInt64)}, ""},
		"blanks around it":           {"  {\"msg\":\"m\"}  \r\n", slog.LevelInfo, "m", attrs{}, ""},
		"line break in the message":  {`{"msg":"a\nb"}`, slog.LevelInfo, "a\nb", attrs{}, ""},
		"invalid UTF-8":              {"{\"msg\":\"a\xffb\"}", slog.LevelInfo, "a\ufffdb", attrs{}, ""},
		"half a surrogate pair":      {`{"msg":"a\ud800b"}`, slog.LevelInfo, "a\ufffdb", attrs{}, ""},
		"neither message nor level":  {`{"code":7}`, slog.LevelInfo, `{"code":7}`, attrs{}, ""},
		"empty object":               {`{}`, slog.LevelInfo, `{}`, attrs{}, ""},
		"half an object":             {`{"level":"ERROR","msg":"bo`, slog.LevelInfo, `{"level":"ERROR","msg":"bo`, attrs{}, ""},
		"list at the top":            {`["msg"]`, slog.LevelInfo, `["msg"]`, attrs{}, ""},
		"brace of something else":    {`{not JSON}`, slog.LevelInfo, `{not JSON}`, attrs{}, ""},
		"null object is plain text":  {`null`, slog.LevelInfo, `null`, attrs{}, ""},
		"empty message and no field": {`{"msg":""}`, slog.LevelInfo, "", attrs{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			line := logpipe.Parse([]byte(tc.line))
			assert.Equal(t, tc.level, line.Level)
			assert.Equal(t, tc.message, line.Message)
			assert.Equal(t, tc.attrs, fields(t, line))
			assertTime(t, tc.time, line.Time)
		})
	}
}

// assertTime compares with want in RFC 3339; "" stands for none.
func assertTime(t *testing.T, want string, got time.Time) {
	t.Helper()
	if want == "" {
		assert.True(t, got.IsZero(), "got %v", got)
		return
	}
	assert.Equal(t, want, got.UTC().Format(time.RFC3339Nano))
}

func TestParseText(t *testing.T) {
	type attrs = map[string]any
	for name, tc := range map[string]struct {
		line    string
		level   slog.Level
		message string
		attrs   attrs
		time    string
	}{
		"slog": {
			`time=2025-07-14T12:05:09.250+02:00 level=WARN msg="two words" car=e ms=1200`,
			slog.LevelWarn, "two words",
			attrs{"car": "e", "ms": "1200"},
			"2025-07-14T10:05:09.25Z",
		},
		"quotes within quotes":    {`level=INFO msg="say \"hi\"" path="C:\\x"`, slog.LevelInfo, `say "hi"`, attrs{"path": `C:\x`}, ""},
		"equals sign in a value":  {`level=INFO msg="a=b" q="x=1 y=2"`, slog.LevelInfo, "a=b", attrs{"q": "x=1 y=2"}, ""},
		"line break in a value":   {`level=ERROR msg="a\nb"`, slog.LevelError, "a\nb", attrs{}, ""},
		"one word":                {`level=DEBUG msg=poll`, slog.LevelDebug, "poll", attrs{}, ""},
		"empty message":           {`level=ERROR msg=""`, slog.LevelError, "", attrs{}, ""},
		"nothing behind msg=":     {`level=ERROR msg=`, slog.LevelError, "", attrs{}, ""},
		"empty value in between":  {`level=ERROR a= msg=m`, slog.LevelError, "m", attrs{"a": ""}, ""},
		"level between two":       {`level=INFO+2 msg=m`, slog.LevelInfo + 2, "m", attrs{}, ""},
		"message before level":    {`msg=m level=ERROR`, slog.LevelError, "m", attrs{}, ""},
		"group":                   {`level=INFO msg=m car.doors=4`, slog.LevelInfo, "m", attrs{"car.doors": "4"}, ""},
		"quote that never ends":   {`level=ERROR msg="half`, slog.LevelInfo, `level=ERROR msg="half`, attrs{}, ""},
		"text behind a quote":     {`level=ERROR msg="a"b`, slog.LevelInfo, `level=ERROR msg="a"b`, attrs{}, ""},
		"word without a value":    {`level=ERROR msg=a b`, slog.LevelInfo, `level=ERROR msg=a b`, attrs{}, ""},
		"prose with both words":   {`set level=3 and msg=none`, slog.LevelInfo, `set level=3 and msg=none`, attrs{}, ""},
		"value without a key":     {`=1 level=ERROR msg=a`, slog.LevelInfo, `=1 level=ERROR msg=a`, attrs{}, ""},
		"two blanks are no form":  {`level=ERROR  msg=a`, slog.LevelInfo, `level=ERROR  msg=a`, attrs{}, ""},
		"msg= as part of a value": {`level=ERROR note=msg=a`, slog.LevelInfo, `level=ERROR note=msg=a`, attrs{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			line := logpipe.Parse([]byte(tc.line))
			assert.Equal(t, tc.level, line.Level)
			assert.Equal(t, tc.message, line.Message)
			assert.Equal(t, tc.attrs, fields(t, line))
			assertTime(t, tc.time, line.Time)
		})
	}
}

func TestParsePlainText(t *testing.T) {
	for name, tc := range map[string]struct {
		line, message string
		level         slog.Level
	}{
		"plain":                   {"hello world", "hello world", slog.LevelInfo},
		"empty":                   {"", "", slog.LevelInfo},
		"line end only":           {"\r\n", "", slog.LevelInfo},
		"line end is no content":  {"hello\r\n", "hello", slog.LevelInfo},
		"indentation stays":       {"\tmain.go:12 +0x1d", "\tmain.go:12 +0x1d", slog.LevelInfo},
		"panic":                   {"panic: runtime error: index out of range [3] with length 3", "panic: runtime error: index out of range [3] with length 3", slog.LevelError},
		"panic again":             {"\tpanic: second", "\tpanic: second", slog.LevelError},
		"fatal error":             {"fatal error: all goroutines are asleep - deadlock!", "fatal error: all goroutines are asleep - deadlock!", slog.LevelError},
		"runtime":                 {"runtime: goroutine stack exceeds 1000000000-byte limit", "runtime: goroutine stack exceeds 1000000000-byte limit", slog.LevelError},
		"stack":                   {"goroutine 1 [running]:", "goroutine 1 [running]:", slog.LevelInfo},
		"word panic within":       {"no reason to panic: all is well", "no reason to panic: all is well", slog.LevelInfo},
		"prefix of a level":       {"[ERROR] plugin: no network", "[ERROR] plugin: no network", slog.LevelError},
		"prefix of a warning":     {"[WARN] plugin: slow", "[WARN] plugin: slow", slog.LevelWarn},
		"prefix of debug":         {"[DEBUG] plugin: x", "[DEBUG] plugin: x", slog.LevelDebug},
		"prefix of trace":         {"[TRACE] plugin: x", "[TRACE] plugin: x", slog.LevelDebug},
		"prefix of info":          {"[INFO] plugin: x", "[INFO] plugin: x", slog.LevelInfo},
		"invalid UTF-8":           {"a\xff\xfeb", "a\ufffdb", slog.LevelInfo},
		"cut in a rune":           {"gr\xc3", "gr\ufffd", slog.LevelInfo},
		"zero byte":               {"a\x00b", "a\x00b", slog.LevelInfo},
		"huge":                    {strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<20), slog.LevelInfo},
		"deeper than JSON may be": {`{"msg":` + strings.Repeat("[", 1<<17), `{"msg":` + strings.Repeat("[", 1<<17), slog.LevelInfo},
	} {
		t.Run(name, func(t *testing.T) {
			line := logpipe.Parse([]byte(tc.line))
			// Not assert.Equal: its report of a huge line would be huger.
			assert.True(t, tc.message == line.Message, "got %.100q", line.Message)
			assert.Equal(t, tc.level, line.Level)
			assert.Empty(t, line.Attrs)
			assert.True(t, line.Time.IsZero())
		})
	}
}

// TestNothingIsLost feeds lines that are almost of a known form.
func TestNothingIsLost(t *testing.T) {
	for name, line := range map[string]string{
		"nested object":                    `{"msg":"poll","car":{"note":"boom"}}`,
		"object in a list":                 `{"msg":"poll","cars":[{"note":"boom"}]}`,
		"text behind an object":            `{"level":"INFO","msg":"poll"} panic: boom`,
		"two objects in one line":          `{"level":"INFO","msg":"poll"}{"level":"ERROR","msg":"boom"}`,
		"field behind a broken one":        `level=INFO msg=poll "x=boom`,
		"time that is none, in JSON":       `{"msg":"poll","time":"boom"}`,
		"time that is none, in text":       `time=boom level=INFO msg=poll`,
		"time of the wrong type, in JSON":  `{"msg":"poll","time":["boom"]}`,
		"second form's time in one object": `{"msg":"poll","time":"2025-07-14T12:05:09Z","@timestamp":"boom"}`,
	} {
		t.Run(name, func(t *testing.T) {
			parsed := logpipe.Parse([]byte(line))
			assert.Contains(t, fmt.Sprint(parsed.Message, fields(t, parsed)), "boom")
		})
	}
}

// Last lines go into crash reports, and those into JSON and protobuf.
func TestEscapedBytesBecomeValidText(t *testing.T) {
	line := logpipe.Parse([]byte(`level=ERROR msg="a\xffb" car="c\xc3"`))
	assert.Equal(t, slog.LevelError, line.Level)
	assert.True(t, utf8.ValidString(line.Message), "%q", line.Message)
	assert.True(t, utf8.ValidString(fmt.Sprint(fields(t, line)["car"])), "%q", fields(t, line)["car"])
}

// TestReadsWhatLoggersWrite asks the real loggers, whatever their forms are.
func TestReadsWhatLoggersWrite(t *testing.T) {
	messages := map[string]string{
		"word": "poll", "words": "poll of two cars", "empty": "", "quotes": `say "hi"`, "equals sign": "a=b", "line break": "a\nb",
		"backslash": `C:\x`, "brace": "{", "JSON": `{"msg":"other"}`, "other letters": "größer als", "markup": "<a> & </a>",
	}
	loggers := map[string]func(*bytes.Buffer) func(string, ...any){
		"slog JSON": func(out *bytes.Buffer) func(string, ...any) { return slog.New(slog.NewJSONHandler(out, nil)).Error },
		"slog text": func(out *bytes.Buffer) func(string, ...any) { return slog.New(slog.NewTextHandler(out, nil)).Error },
		"hclog JSON": func(out *bytes.Buffer) func(string, ...any) {
			return hclog.New(&hclog.LoggerOptions{Output: out, JSONFormat: true}).Error
		},
	}
	for loggerName, logger := range loggers {
		for messageName, message := range messages {
			t.Run(loggerName+" "+messageName, func(t *testing.T) {
				var out bytes.Buffer
				logger(&out)(message, "car", message)
				line := logpipe.Parse(out.Bytes())
				assert.Equal(t, slog.LevelError, line.Level)
				assert.Equal(t, message, line.Message)
				assert.Equal(t, message, fields(t, line)["car"])
				assert.False(t, line.Time.IsZero())
			})
		}
		for _, key := range []string{"two words", "a=b", `quo"te`} {
			t.Run(fmt.Sprintf("%s with the key %q", loggerName, key), func(t *testing.T) {
				var out bytes.Buffer
				logger(&out)("boom", key, "v")
				line := logpipe.Parse(out.Bytes())
				assert.Equal(t, slog.LevelError, line.Level, "%s", out.String())
				assert.Equal(t, "boom", line.Message)
				assert.Equal(t, "v", fields(t, line)[key])
			})
		}
	}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Warn("m", "err", errors.New("no car"), "d", time.Second)
	require.Equal(t, map[string]any{"err": "no car", "d": int64(1e9)}, fields(t, logpipe.Parse(out.Bytes())))
}

func FuzzLogLine(f *testing.F) {
	for _, line := range []string{
		`{"time":"2025-07-14T12:05:09.25+02:00","level":"WARN","msg":"slow","ms":1200,"car":{"a":[1]}}`,
		`{"@level":"error","@message":42,"@timestamp":"2025-07-14T12:05:09.250000Z","n":1e999}`,
		`time=2025-07-14T12:05:09.250Z level=WARN msg="two \"words\"" car=e`, `level=INFO msg="\xff"`, `level=INFO msg=`, "panic: x", "[WARN] x",
		`{"msg":"a"} b`, "{", "", "\xff", "\r\n", `{"msg":null,"level":null,"time":null}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		pristine := bytes.Clone(line)
		got, again := logpipe.Parse(line), logpipe.Parse(line)
		if !bytes.Equal(line, pristine) {
			t.Fatal("parsing changed the line")
		}
		if got.Message != again.Message || got.Level != again.Level || !got.Time.Equal(again.Time) || !reflect.DeepEqual(texts(got), texts(again)) {
			t.Fatalf("parsing twice gives %v and %v", got, again)
		}
		for _, text := range append(texts(got), got.Message) {
			if !utf8.ValidString(text) {
				t.Fatalf("%q is not UTF-8", text)
			}
		}
		if len(got.Attrs) == 0 && len(got.Message) == 0 && bytes.ContainsAny(line, "abcxyz") && !bytes.ContainsAny(line, "{=") {
			t.Fatalf("%q is lost", line)
		}
	})
}

// texts are the fields' names and values in order.
func texts(line logpipe.Line) []string {
	var all []string
	for _, a := range line.Attrs {
		all = append(all, a.Key, a.Value.String())
	}
	return all
}
