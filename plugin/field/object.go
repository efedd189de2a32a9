// Package field reads values out of the vendors' JSON without trusting it:
// booleans come as 0 and 1, numbers as text, whole numbers as floats, and what
// is missing, null, a sentinel or nonsense is unset. One bad value never costs
// another one.
//
// The encodings are described in docs/protocol-europe.md, sections "Values" and
// "Times".
package field

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"strconv"
	"strings"
)

// Object is a piece of a decoded JSON document. The zero Object is a piece that
// is not there. Reading never changes it.
type Object struct{ v any }

// Decode reads one JSON document.
func Decode(body []byte) (Object, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return Object{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Object{}, errors.New("more than one JSON document")
	}
	return Object{v}, nil
}

// At follows a dotted path; numbers in it are list indexes.
func (o Object) At(path string) Object {
	if path == "" {
		return o
	}
	v := o.v
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(x) {
				return Object{}
			}
			v = x[i]
		default:
			return Object{}
		}
	}
	return Object{v}
}

// First returns the first path that is there.
func (o Object) First(paths ...string) Object {
	for _, p := range paths {
		if x := o.At(p); x.Exists() {
			return x
		}
	}
	return Object{}
}

// Exists is false for what is missing or null.
func (o Object) Exists() bool { return o.v != nil }

// IsObject says whether it is a JSON object.
func (o Object) IsObject() bool { _, ok := o.v.(map[string]any); return ok }

// IsList says whether it is a JSON list.
func (o Object) IsList() bool { _, ok := o.v.([]any); return ok }

// List returns the elements of a JSON list, else nothing.
func (o Object) List() []Object {
	list, _ := o.v.([]any)
	out := make([]Object, len(list))
	for i, v := range list {
		out[i] = Object{v}
	}
	return out
}

// Text is a string, or a number as it was written.
func (o Object) Text() (string, bool) {
	switch x := o.v.(type) {
	case string:
		return x, true
	case json.Number:
		return x.String(), true
	}
	return "", false
}

// NonEmptyText is Text without blanks around it, unless nothing is left.
func (o Object) NonEmptyText() (string, bool) {
	s, ok := o.Text()
	s = strings.TrimSpace(s)
	return s, ok && s != ""
}

// maxNumber is beyond everything that a car can mean; larger numbers are
// garbage, and could leave the range of a double when a unit is converted.
const maxNumber = 1e15

// Number is a number, also written as text.
func (o Object) Number() (float64, bool) {
	var s string
	switch x := o.v.(type) {
	case json.Number:
		s = x.String()
	case string:
		s = strings.TrimSpace(x)
		// ParseFloat also takes hexadecimal and underscores; no vendor does.
		if strings.ContainsAny(s, "xXpP_") {
			return 0, false
		}
	default:
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > maxNumber {
		return 0, false
	}
	return f, true
}

// Int is a number without a fraction.
func (o Object) Int() (int64, bool) {
	f, ok := o.Number()
	if !ok || f != math.Trunc(f) {
		return 0, false
	}
	return int64(f), true
}

// Int32 is an Int that fits.
func (o Object) Int32() (int32, bool) {
	n, ok := o.Int()
	if !ok || n < math.MinInt32 || n > math.MaxInt32 {
		return 0, false
	}
	return int32(n), true
}

// Code is a vendor's code: a whole number, or a truth value as 0 or 1.
func (o Object) Code() (int32, bool) {
	if b, ok := o.v.(bool); ok {
		if b {
			return 1, true
		}
		return 0, true
	}
	return o.Int32()
}

// Bool is a truth value, or a number: anything but 0 is true.
func (o Object) Bool() (value, ok bool) {
	switch x := o.v.(type) {
	case bool:
		return x, true
	case string:
		switch strings.ToLower(strings.TrimSpace(x)) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	f, ok := o.Number()
	return f != 0, ok
}

// Opt makes an optional field of a value: Opt(o.At("x").Number()).
func Opt[T any](v T, ok bool) *T {
	if !ok {
		return nil
	}
	return &v
}

// With is a copy of o in which key is v.
func (o Object) With(key string, v Object) Object {
	m, _ := o.v.(map[string]any)
	copied := make(map[string]any, len(m)+1)
	maps.Copy(copied, m)
	copied[key] = v.v
	return Object{copied}
}
