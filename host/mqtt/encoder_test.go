package mqtt

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// standard is a payload as encoding/json has it.
func standard(t *testing.T, p payload, at time.Time) string {
	t.Helper()
	switch v := p.Value.(type) {
	case shared.Choice:
		p.Value = v.Word
	case time.Time:
		p.Value = timeText(v)
	case shared.TimeOfDay:
		p.Value = v.String()
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			p.Value = nil
		}
	}
	body, err := json.Marshal(struct {
		Value     any    `json:"value"`
		State     string `json:"state,omitempty"`
		Level     string `json:"level,omitempty"`
		Mode      string `json:"mode,omitempty"`
		Unit      string `json:"unit,omitempty"`
		Timestamp string `json:"timestamp"`
	}{p.Value, p.State, p.Level, p.Mode, p.Unit, timeText(at)})
	require.NoError(t, err)
	return string(body)
}

// TestEncoderIsAsTheStandard: whoever reads the topics sees no difference.
func TestEncoderIsAsTheStandard(t *testing.T) {
	at := time.Date(2026, 3, 1, 7, 5, 9, 120300, time.FixedZone("", 3600))
	var e encoder
	var all, want []string
	for _, value := range []any{
		nil, true, false, 0, 2, int64(-7), int64(math.MaxInt64), 0., math.Copysign(0, -1), 76.3, -12., 1e-6, 9.9e-7, 1e20, 1e21, 1.5e300, math.NaN(), math.Inf(1),
		"", "closed", `a "b" \ c`, "<&>", "Tür", "\u2028", "\x00\x7f", "bad\xff",
		shared.Choice{Word: "AC", Number: 1},
		at, shared.TimeOfDay(425),
		[]string{"monday", "<"},
		json.RawMessage(`{"a":[1,2]}`),
		map[string]any{"a": 1},
	} {
		for _, p := range []payload{{Value: value}, {Value: value, Unit: "km"}, {Value: value, State: "OPEN", Level: "LOW", Mode: "heat", Unit: "°C"}} {
			for _, at := range []time.Time{at, at.Add(time.Hour)} {
				all, want = append(all, string(e.payload(p, at))), append(want, standard(t, p, at))
			}
		}
	}
	assert.Equal(t, want, all)
}

// FuzzEncoder: any number and any word, as the standard has them.
func FuzzEncoder(f *testing.F) {
	f.Add(76.3, "closed", int64(1772000000000))
	f.Add(1e-7, "\u2029<", int64(-1))
	f.Fuzz(func(t *testing.T, number float64, word string, ms int64) {
		if ms < 0 || ms > 253402300799999 { // years of four digits
			t.Skip()
		}
		at := time.UnixMilli(ms)
		var e encoder
		for _, p := range []payload{{Value: number, State: word}, {Value: word, Unit: word}} {
			assert.Equal(t, standard(t, p, at), string(e.payload(p, at)))
		}
	})
}

// TestPayloadsKeepTheirMemory: one that is longer than the rest of it does not overwrite
// what is on its way.
func TestPayloadsKeepTheirMemory(t *testing.T) {
	var e encoder
	first := e.payload(payload{Value: "first"}, time.Time{})
	long := make([]byte, 2*usualPage)
	for i := range long {
		long[i] = 'x'
	}
	second := e.payload(payload{Value: string(long)}, time.Time{})
	third := append(first, "behind"...) //nolint:gocritic // what a careless reader might do
	assert.Contains(t, string(first), `"first"`)
	assert.Len(t, second, len(long)+len(`{"value":"","timestamp":"0001-01-01T00:00:00.000000Z"}`))
	assert.Contains(t, string(third), "behind")
	assert.Equal(t, byte('{'), second[0])
}
