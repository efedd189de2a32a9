package logpipe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/logpipe"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

const maxLine = 16 << 10

// recorder is a log that keeps its records.
type recorder struct {
	level slog.Level
	err   error

	mu      sync.Mutex
	records []slog.Record
}

func (r *recorder) Enabled(_ context.Context, level slog.Level) bool { return level >= r.level }
func (r *recorder) WithAttrs([]slog.Attr) slog.Handler               { return r }
func (r *recorder) WithGroup(string) slog.Handler                    { return r }
func (r *recorder) Handle(_ context.Context, rec slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, rec)
	return r.err
}

func (r *recorder) messages() []string {
	var all []string
	for _, rec := range r.records {
		all = append(all, rec.Message)
	}
	return all
}

// field returns a record's field of that name, nil if it has none.
func field(rec slog.Record, name string) any {
	var found any
	rec.Attrs(func(a slog.Attr) bool {
		if a.Key == name {
			found = a.Value.Any()
		}
		return true
	})
	return found
}

// drain sends all of r through a new pipe into a recorder, slowly enough that
// the pipe holds nothing back.
func drain(r io.Reader) (*logpipe.Pipe, *recorder) {
	log := &recorder{level: slog.LevelDebug}
	now := time.Now()
	pipe := logpipe.New(logpipe.Options{Logger: slog.New(log), Now: func() time.Time {
		now = now.Add(time.Second)
		return now
	}})
	pipe.Drain(r)
	return pipe, log
}

func TestDrain(t *testing.T) {
	now := time.Date(2025, 7, 14, 12, 5, 30, 0, time.UTC)
	log := &recorder{level: slog.LevelDebug}
	logpipe.New(logpipe.Options{Logger: slog.New(log), Now: func() time.Time { return now }}).Drain(strings.NewReader(
		"plain\n" + `{"time":"2025-07-14T12:05:09Z","level":"WARN","msg":"slow","ms":1200}` + "\r\n\n" + "level=ERROR msg=boom\npanic: oh"))

	require.Equal(t, []string{"plain", "slow", "", "boom", "panic: oh"}, log.messages(), "in order, and the last one without its end")
	var levels []slog.Level
	for _, rec := range log.records {
		levels = append(levels, rec.Level)
	}
	assert.Equal(t, []slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelInfo, slog.LevelError, slog.LevelError}, levels)
	assert.Equal(t, int64(1200), field(log.records[1], "ms"))
	assert.Equal(t, "2025-07-14T12:05:09Z", log.records[1].Time.UTC().Format(time.RFC3339), "the plugin's own time")
	assert.Equal(t, now, log.records[0].Time, "a line without a time has the present one")
	for _, rec := range log.records {
		assert.Nil(t, field(rec, "bytes_dropped"))
	}
}

func TestDrainOfNothing(t *testing.T) {
	pipe, log := drain(strings.NewReader(""))
	assert.Empty(t, log.records)
	assert.Empty(t, pipe.Last())
}

// A line is in the log as soon as it is written, not when the plugin ends.
func TestDrainDoesNotHoldLinesBack(t *testing.T) {
	log := &arriving{Handler: slog.DiscardHandler, messages: make(chan string, 8)}
	pipe := logpipe.New(logpipe.Options{Logger: slog.New(log)})
	r, w := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		pipe.Drain(r)
	}()
	for _, line := range []string{"first", "second"} {
		_, err := io.WriteString(w, line+"\n")
		require.NoError(t, err)
		assert.Equal(t, line, await.Value(t, "the line "+line, log.messages))
	}
	require.NoError(t, w.Close())
	<-ended
	assert.Empty(t, log.messages, "the end is no line")
}

// arriving hands every message over.
type arriving struct {
	slog.Handler
	messages chan string
}

func (a *arriving) Enabled(context.Context, slog.Level) bool { return true }
func (a *arriving) Handle(_ context.Context, rec slog.Record) error {
	a.messages <- rec.Message
	return nil
}

func TestDrainCutsLongLines(t *testing.T) {
	for name, tc := range map[string]struct {
		length  int
		end     string
		dropped any
	}{
		"short":                  {100, "\n", nil},
		"larger than the buffer": {5000, "\n", nil},
		"one below the limit":    {maxLine - 1, "\n", nil},
		"at the limit":           {maxLine, "\n", nil},
		"at the limit, no end":   {maxLine, "", nil},
		"one above the limit":    {maxLine + 1, "\n", int64(1)},
		"one above, no end":      {maxLine + 1, "", int64(1)},
		"far above the limit":    {10 * maxLine, "\n", int64(9 * maxLine)},
	} {
		t.Run(name, func(t *testing.T) {
			stream := strings.Repeat("x", tc.length) + tc.end
			if tc.end != "" {
				stream += "next\n"
			}
			pipe, log := drain(strings.NewReader(stream))
			require.NotEmpty(t, log.records)
			assert.Len(t, log.records[0].Message, min(tc.length, maxLine))
			assert.Equal(t, tc.dropped, field(log.records[0], "bytes_dropped"))
			if tc.end != "" {
				require.Len(t, log.records, 2)
				assert.Equal(t, "next", log.records[1].Message)
				assert.Nil(t, field(log.records[1], "bytes_dropped"), "each line counts for itself")
			}
			assert.Len(t, pipe.Last()[0], min(tc.length, maxLine))
		})
	}
}

func TestDrainCutsBetweenRunes(t *testing.T) {
	for name, line := range map[string]string{
		"two bytes":             "x" + strings.Repeat("ä", maxLine),
		"three bytes":           strings.Repeat("€", maxLine),
		"four bytes":            "x" + strings.Repeat("🚗", maxLine),
		"the limit is a border": strings.Repeat("ä", maxLine),
	} {
		t.Run(name, func(t *testing.T) {
			_, log := drain(strings.NewReader(line + "\n"))
			require.Len(t, log.records, 1)
			got := log.records[0].Message
			assert.LessOrEqual(t, len(got), maxLine)
			assert.Greater(t, len(got), maxLine-utf8.UTFMax)
			assert.True(t, strings.HasPrefix(line, got), "ends in %q", got[len(got)-6:])
		})
	}
}

func TestDrainCutsWhatIsNoText(t *testing.T) {
	// Bytes that continue a rune only: there is no border to cut at.
	_, log := drain(strings.NewReader(strings.Repeat("\x80", 2*maxLine) + "\n"))
	require.Len(t, log.records, 1)
	assert.Equal(t, "\ufffd", log.records[0].Message)
	assert.NotNil(t, field(log.records[0], "bytes_dropped"))
}

// endless is a plugin that never ends its line.
type endless struct{ left, read int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range p[:n] {
		p[i] = 'x'
	}
	e.left, e.read = e.left-n, e.read+n
	return n, nil
}

func TestDrainOfAnEndlessLine(t *testing.T) {
	const size = 64 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	source := &endless{left: size}
	_, log := drain(source)
	runtime.ReadMemStats(&after)

	assert.Equal(t, size, source.read, "a plugin must never block on its stderr")
	require.Len(t, log.records, 1)
	assert.Len(t, log.records[0].Message, maxLine)
	assert.Equal(t, int64(size-maxLine), field(log.records[0], "bytes_dropped"))
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), "memory must not grow with the line")
}

func TestDrainOfAFailingReader(t *testing.T) {
	_, log := drain(io.MultiReader(strings.NewReader("whole\nhalf"), iotest.ErrReader(errors.New("pipe broke")), strings.NewReader("never\n")))
	assert.Equal(t, []string{"whole", "half"}, log.messages())
}

func TestDrainOutlivesAFailingLog(t *testing.T) {
	log := &recorder{err: errors.New("disk full")}
	pipe := logpipe.New(logpipe.Options{Logger: slog.New(log)})
	pipe.Drain(strings.NewReader("a\nb\n"))
	assert.Equal(t, []string{"a", "b"}, log.messages())
	assert.Equal(t, []string{"a", "b"}, pipe.Last())
}

func TestLevels(t *testing.T) {
	log := &recorder{level: slog.LevelWarn}
	pipe := logpipe.New(logpipe.Options{Logger: slog.New(log)})
	pipe.Drain(strings.NewReader("plain\n[WARN] slow\nlevel=DEBUG msg=detail\nlevel=ERROR msg=boom\n"))
	assert.Equal(t, []string{"[WARN] slow", "boom"}, log.messages())
	assert.Equal(t, []string{"plain", "[WARN] slow", "detail", "boom"}, pipe.Last(), "a crash report wants what led to it")
}

func TestLast(t *testing.T) {
	for count, want := range map[int][2]int{1: {1, 1}, 19: {1, 19}, 20: {1, 20}, 21: {2, 21}, 1000: {981, 1000}} {
		t.Run(fmt.Sprintf("%d lines", count), func(t *testing.T) {
			var lines, expected []string
			for i := 1; i <= count; i++ {
				lines = append(lines, strconv.Itoa(i))
				if i >= want[0] && i <= want[1] {
					expected = append(expected, strconv.Itoa(i))
				}
			}
			pipe, _ := drain(strings.NewReader(strings.Join(lines, "\n")))
			assert.Equal(t, expected, pipe.Last())
		})
	}
}

func TestLastIsACopy(t *testing.T) {
	pipe, _ := drain(strings.NewReader("a\nb\n"))
	pipe.Last()[0] = "changed"
	assert.Equal(t, []string{"a", "b"}, pipe.Last())
}

func TestRedaction(t *testing.T) {
	const vin, mail = "KMHC851HFLU012345", "jane@example.com"
	for name, line := range map[string]string{
		"plain text":             "car " + vin + " of " + mail,
		"panic":                  "panic: no car " + vin,
		"JSON message":           `{"level":"INFO","msg":"car ` + vin + `"}`,
		"JSON field":             `{"level":"INFO","msg":"m","car":"` + vin + `","who":"` + mail + `"}`,
		"JSON personal field":    `{"level":"INFO","msg":"m","password":"hunter2000","latitude":52.5}`,
		"JSON list":              `{"level":"INFO","msg":"m","cars":["` + vin + `"]}`,
		"JSON object as message": `{"level":"INFO","msg":{"car":"` + vin + `"}}`,
		"JSON without a message": `{"car":"` + vin + `"}`,
		"broken JSON":            `{"level":"INFO","msg":"car ` + vin,
		"text message":           `level=INFO msg="car ` + vin + `"`,
		"text field":             `level=INFO msg=m car=` + vin + ` who=` + mail,
		"text personal field":    `level=INFO msg=m password=hunter2000 latitude=52.5`,
		"below a JSON group":     `{"level":"INFO","msg":"m","at":{"password":"hunter2000","latitude":52.5}}`,
		"below a text group":     `level=INFO msg=m at.password=hunter2000 at.latitude=52.5`,
	} {
		t.Run(name, func(t *testing.T) {
			pipe, log := drain(strings.NewReader(line + "\n"))
			require.Len(t, log.records, 1)
			visible := log.records[0].Message + strings.Join(pipe.Last(), "")
			log.records[0].Attrs(func(a slog.Attr) bool {
				visible += " " + a.String()
				return true
			})
			for _, secret := range []string{vin, mail, "hunter2000", "52.5"} {
				assert.NotContains(t, visible, secret)
			}
			assert.Contains(t, visible, "[redacted]", "the rest of the line stays")
		})
	}
}

// A plugin's stdout and stderr may go through one pipe.
func TestConcurrentUse(t *testing.T) {
	const readers, lines = 4, 200
	log := &recorder{}
	pipe := logpipe.New(logpipe.Options{Logger: slog.New(log)})
	var all sync.WaitGroup
	for r := range readers {
		all.Go(func() {
			pipe.Drain(strings.NewReader(strings.Repeat("line of "+strconv.Itoa(r)+"\n", lines)))
		})
		all.Go(func() {
			for range lines {
				assert.LessOrEqual(t, len(pipe.Last()), 20)
			}
		})
	}
	all.Wait()
	assert.Len(t, log.records, readers*lines)
	assert.Len(t, pipe.Last(), 20)
}

func FuzzLogPipe(f *testing.F) {
	for _, stream := range []string{
		"", "\n", "a", "a\nb\n", "\r\n\r\n", "panic: x\n\ngoroutine 1 [running]:\n", `{"level":"WARN","msg":"slow"}` + "\nlevel=ERROR msg=boom",
		"\xff\xfe\n", strings.Repeat("x", 2*maxLine) + "\ny", strings.Repeat("ä", maxLine) + "\n", strings.Repeat("\n", 50), "jane@example.com\n",
	} {
		f.Add([]byte(stream))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		pipe, log := drain(bytes.NewReader(stream))
		lines := bytes.Split(stream, []byte("\n"))
		if len(lines[len(lines)-1]) == 0 {
			lines = lines[:len(lines)-1]
		}
		if len(log.records) != len(lines) {
			t.Fatalf("%d lines give %d records", len(lines), len(log.records))
		}
		for i, rec := range log.records {
			dropped, _ := field(rec, "bytes_dropped").(int64)
			if cut := len(lines[i]) - maxLine; cut > 0 && dropped < int64(cut) && !bytes.Contains(lines[i], []byte("bytes_dropped")) {
				t.Fatalf("line %d of %d bytes says that %d were dropped", i, len(lines[i]), dropped)
			}
			if !utf8.ValidString(rec.Message) {
				t.Fatalf("%q is not UTF-8", rec.Message)
			}
		}
		if last := pipe.Last(); len(last) != min(len(lines), 20) {
			t.Fatalf("the last lines are %d of %d", len(last), len(lines))
		}
		// How the operating system cuts the stream must not matter.
		slow, slowLog := drain(iotest.OneByteReader(bytes.NewReader(stream)))
		if a, b := strings.Join(log.messages(), "\n"), strings.Join(slowLog.messages(), "\n"); a != b {
			t.Fatalf("byte by byte gives %q, at once %q", b, a)
		}
		if len(slow.Last()) != len(pipe.Last()) {
			t.Fatal("byte by byte keeps other last lines")
		}
	})
}

// What a plugin writes in a flood is counted, not forwarded; its last lines are
// kept all the same.
func TestFloodIsHeldBack(t *testing.T) {
	now := time.Date(2025, 7, 14, 12, 0, 0, 0, time.UTC)
	log := &recorder{level: slog.LevelInfo}
	pipe := logpipe.New(logpipe.Options{Logger: slog.New(log), Now: func() time.Time { return now }})
	const lines = 20_000
	var flood strings.Builder
	for n := range lines {
		fmt.Fprintf(&flood, "line %d\n", n)
	}
	pipe.Drain(strings.NewReader(flood.String()))
	require.Less(t, len(log.records), 1100)
	summary := log.records[len(log.records)-1]
	assert.Equal(t, slog.LevelWarn, summary.Level)
	assert.Equal(t, int64(lines-len(log.records)+1), field(summary, "lines"), "every line is forwarded or counted")
	assert.Contains(t, pipe.Last(), fmt.Sprintf("line %d", lines-1))

	now = now.Add(time.Minute)
	pipe.Drain(strings.NewReader("later\n"))
	assert.Equal(t, "later", log.records[len(log.records)-1].Message, "and later there is room again")
}

func TestLongLinesAreHeldBackByTheirBytes(t *testing.T) {
	now := time.Date(2025, 7, 14, 12, 0, 0, 0, time.UTC)
	log := &recorder{level: slog.LevelInfo}
	pipe := logpipe.New(logpipe.Options{Logger: slog.New(log), Now: func() time.Time { return now }})
	pipe.Drain(strings.NewReader(strings.Repeat(strings.Repeat("x", maxLine-1)+"\n", 200)))
	total := 0
	for _, rec := range log.records {
		total += len(rec.Message)
	}
	assert.LessOrEqual(t, total, 1<<20+1000)
}

// The head of a panic is what people need; its goroutines push it out of the last
// lines.
func TestPanicIsKept(t *testing.T) {
	var text strings.Builder
	text.WriteString("before\npanic: no map\n\ngoroutine 1 [running]:\n")
	for n := range 200 {
		fmt.Fprintf(&text, "main.f%d()\n", n)
	}
	pipe, _ := drain(strings.NewReader(text.String()))
	assert.NotContains(t, pipe.Last(), "panic: no map")
	kept := pipe.Panic()
	require.Len(t, kept, 40)
	assert.Equal(t, []string{"panic: no map", "", "goroutine 1 [running]:", "main.f0()"}, kept[:4])

	pipe, _ = drain(strings.NewReader("panic: first\na()\n" + `{"level":"INFO","msg":"went on"}` + "\nfatal error: second\nb()\n"))
	assert.Equal(t, []string{"fatal error: second", "b()"}, pipe.Panic(), "the last one")
	pipe, _ = drain(strings.NewReader(`{"msg":"panic: quoted"}` + "\n"))
	assert.Empty(t, pipe.Panic())
}

func TestTimesFarOffAreOurs(t *testing.T) {
	now := time.Date(2025, 7, 14, 12, 0, 0, 0, time.UTC)
	for stamp, want := range map[string]time.Time{
		"2025-07-14T11:59:30Z": now.Add(-30 * time.Second),
		"2025-07-14T11:00:00Z": now,
		"2199-01-01T00:00:00Z": now,
	} {
		log := &recorder{level: slog.LevelInfo}
		logpipe.New(logpipe.Options{Logger: slog.New(log), Now: func() time.Time { return now }}).
			Drain(strings.NewReader(`{"time":"` + stamp + `","msg":"m"}` + "\n"))
		assert.True(t, want.Equal(log.records[0].Time), stamp)
	}
}
