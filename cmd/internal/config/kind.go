package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind is what a value has to be.
type kind struct {
	// want says it in words: "a number from 1 to 65535".
	want string
	// read takes the text of a value and returns the value in the form that is kept: a
	// string, bool, int, time.Duration, []string or json.RawMessage.
	read func(text string) (any, error)
	// path: in a file a relative one is one beside the file.
	path bool
	// verbatim values keep the blanks at their ends.
	verbatim bool
	// structured values are lists and objects in a file, and JSON elsewhere.
	structured bool
	// schema is the kind in JSON Schema.
	schema map[string]any
}

// errKind says that a value is not of its kind, whose words tell the rest.
var errKind = errors.New("not of its kind")

func text() kind {
	return kind{want: "text", read: func(s string) (any, error) { return s, nil }, schema: map[string]any{"type": []any{"string", "number"}}}
}

// password is a text to whose ends blanks may belong.
func password() kind {
	k := text()
	k.verbatim = true
	return k
}

// path of a file or directory.
func path() kind {
	k := text()
	k.want, k.path = "a path", true
	return k
}

// word is a text that may be written as a number, too.
func word() kind {
	k := text()
	k.want = "a word or a number"
	return k
}

func choice(words ...string) kind {
	return kind{
		want: "one of " + strings.Join(words, ", "),
		read: func(s string) (any, error) {
			if lower := strings.ToLower(s); slices.Contains(words, lower) {
				return lower, nil
			}
			return nil, errKind
		},
		schema: map[string]any{"type": []any{"string", "integer"}, "enum": enum(words)},
	}
}

// enum is what JSON Schema lists of words: those that are numbers may be written as such.
func enum(words []string) []any {
	var all []any
	for _, w := range words {
		all = append(all, w)
		if n, err := strconv.Atoi(w); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// yesNo takes what people write for it.
func yesNo() kind {
	return kind{
		want: "true or false",
		read: func(s string) (any, error) {
			switch strings.ToLower(s) {
			case "true", "1", "yes", "on":
				return true, nil
			case "false", "0", "no", "off":
				return false, nil
			}
			return nil, errKind
		},
		schema: map[string]any{"type": "boolean"},
	}
}

func number(least, most int) kind {
	return kind{
		want: fmt.Sprintf("a number from %d to %d", least, most),
		read: func(s string) (any, error) {
			n, err := strconv.Atoi(s)
			if err != nil || n < least || n > most {
				return nil, errKind
			}
			return n, nil
		},
		schema: map[string]any{"type": "integer", "minimum": least, "maximum": most},
	}
}

// span is a time from least to most.
func span(least, most time.Duration, want string) kind {
	return kind{
		want: want,
		read: func(s string) (any, error) {
			d, err := time.ParseDuration(s)
			if err != nil || d < least || d > most {
				return nil, errKind
			}
			return d, nil
		},
		schema: map[string]any{"type": "string", "pattern": `^-?([0-9.]+(ns|us|µs|ms|s|m|h))+$`},
	}
}

// object is JSON that somebody else reads. schema may be nil.
func object(want string, schema map[string]any) kind {
	if schema == nil {
		schema = map[string]any{"type": "object"}
	}
	return kind{want: want, structured: true, schema: schema, read: func(s string) (any, error) {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(s), &fields); err != nil || fields == nil {
			return nil, errKind
		}
		return json.RawMessage(s), nil
	}}
}

// wordsOr is an object, or one of some words.
func wordsOr(o kind, words ...string) kind {
	inner := o.read
	o.want = strings.Join(words, ", ") + ", or " + o.want
	o.read = func(s string) (any, error) {
		plain := strings.Trim(s, `"`)
		if slices.Contains(words, plain) {
			return json.RawMessage(strconv.Quote(plain)), nil
		}
		return inner(s)
	}
	return o
}

// list of texts.
func list(want string) kind {
	return kind{want: want, structured: true, schema: map[string]any{"type": "array", "items": map[string]any{"type": "string"}}, read: func(s string) (any, error) {
		var all []string
		if err := json.Unmarshal([]byte(s), &all); err != nil {
			return nil, errKind
		}
		return all, nil
	}}
}
