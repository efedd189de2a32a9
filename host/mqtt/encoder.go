package mqtt

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// encoder encodes the payloads of a page, a hundred of which a car has, one behind the
// other into the same memory and without reflection. The zero value is ready.
type encoder struct {
	b []byte
	// at is the time of the payload before, which most share, and timestamp its text.
	at        time.Time
	timestamp []byte
}

// usualPage is how long the payloads of a car usually are together.
const usualPage = 12 << 10

// payload encodes a payload of a time. Without a value it is null.
func (e *encoder) payload(p payload, at time.Time) []byte {
	if e.b == nil {
		e.b = make([]byte, 0, usualPage)
	}
	if e.timestamp == nil || !e.at.Equal(at) {
		e.at, e.timestamp = at, appendTime(e.timestamp[:0], at)
	}
	begin := len(e.b)
	e.b = appendValue(append(e.b, `{"value":`...), p.Value)
	e.member(`,"state":`, p.State)
	e.member(`,"level":`, p.Level)
	e.member(`,"mode":`, p.Mode)
	e.member(`,"unit":`, p.Unit)
	e.b = append(append(e.b, `,"timestamp":`...), e.timestamp...)
	e.b = append(e.b, '}')
	return e.b[begin:len(e.b):len(e.b)]
}

// member adds a word, if there is one.
func (e *encoder) member(key, word string) {
	if word != "" {
		e.b = appendText(append(e.b, key...), word)
	}
}

// appendValue appends a value as JSON in its plain form: numbers, truth values and words
// as they are, times as text. A number that is none is null.
func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return appendNumber(b, v)
	case string:
		return appendText(b, v)
	case shared.Choice:
		return appendText(b, v.Word)
	case time.Time:
		return appendTime(b, v)
	case shared.TimeOfDay:
		return appendText(b, v.String())
	}
	return appendJSON(b, value)
}

// appendNumber appends a number as encoding/json does: those of cars stand in digits.
func appendNumber(b []byte, v float64) []byte {
	if size := math.Abs(v); v == 0 || size >= 1e-6 && size < 1e21 {
		return strconv.AppendFloat(b, v, 'f', -1, 64)
	}
	return appendJSON(b, v)
}

// appendText appends a word as encoding/json does: most need no care.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return appendJSON(b, text)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

// timeForm is ISO 8601 in UTC with microseconds, as the topics have always had it.
const timeForm = "2006-01-02T15:04:05.000000Z"

func timeText(t time.Time) string { return t.UTC().Format(timeForm) }

func appendTime(b []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(b, '"'), timeForm), '"')
}

func appendJSON(b []byte, value any) []byte {
	body, err := json.Marshal(value)
	if err != nil { // a number that is none
		body = []byte("null")
	}
	return append(b, body...)
}
