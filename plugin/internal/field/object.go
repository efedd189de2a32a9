// Package field reads values out of the vendors' JSON without trusting it:
// booleans come as 0 and 1, numbers as text, whole numbers as floats, and what
// is missing, null, a sentinel or nonsense is unset. One bad value never costs
// another one.
//
// Nonsense alone is worth a word: a reader that finds something it does not
// understand notes it in the [Report] of the document, if it has one.
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
	"slices"
	"strconv"
	"strings"
)

// Object is a piece of a decoded JSON document. The zero Object is a piece that
// is not there. Reading never changes it.
type Object struct {
	v any
	// report takes down what is not understood, under path; nil: nobody asks.
	report *Report
	path   string
}

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
	return Object{v: v}, nil
}

// At follows a dotted path; numbers in it are list indexes. A piece on the way
// that should hold others and does not is not understood.
func (o Object) At(path string) Object {
	if path == "" {
		return o
	}
	for part := range strings.SplitSeq(path, ".") {
		if o = o.member(part); !o.Exists() {
			return Object{}
		}
	}
	return o
}

// member is the part of an object or a list.
func (o Object) member(name string) Object {
	switch x := o.v.(type) {
	case map[string]any:
		if v, ok := x[name]; ok || !isIndex(name) {
			return o.part(name, v)
		}
	case []any:
		if isIndex(name) {
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(x) {
				return Object{}
			}
			return o.part(name, x[i])
		}
	}
	o.Understood(false)
	return Object{}
}

// isIndex says whether a part of a path can be one of a list. Most are not, and each try
// to read a number that is none costs an error.
func isIndex(name string) bool { return name != "" && strings.Trim(name, "0123456789") == "" }

// part is what stands at name in o.
func (o Object) part(name string, v any) Object {
	if o.report == nil {
		return Object{v: v}
	}
	if o.path != "" {
		name = o.path + "." + name
	}
	return Object{v: v, report: o.report, path: name}
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
	list, ok := o.v.([]any)
	o.Understood(ok)
	out := make([]Object, len(list))
	for i, v := range list {
		out[i] = o.part(strconv.Itoa(i), v)
	}
	return out
}

// Text is a string, or a number as it was written.
func (o Object) Text() (string, bool) {
	s, ok := o.text()
	return s, o.Understood(ok)
}

func (o Object) text() (string, bool) {
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
	f, ok := o.number()
	return f, o.Understood(ok)
}

// number is Number for readers that judge by themselves what is understood.
func (o Object) number() (float64, bool) {
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

// NumberIn is a number from low to high.
func (o Object) NumberIn(low, high float64) (float64, bool) {
	f, ok := o.number()
	return f, o.Understood(ok && f >= low && f <= high)
}

// Int is a number without a fraction.
func (o Object) Int() (int64, bool) {
	n, ok := o.whole()
	return n, o.Understood(ok)
}

func (o Object) whole() (int64, bool) {
	f, ok := o.number()
	if !ok || f != math.Trunc(f) {
		return 0, false
	}
	return int64(f), true
}

// Int32 is an Int that fits.
func (o Object) Int32() (int32, bool) {
	n, ok := o.whole32()
	return n, o.Understood(ok)
}

func (o Object) whole32() (int32, bool) {
	n, ok := o.whole()
	if !ok || n < math.MinInt32 || n > math.MaxInt32 {
		return 0, false
	}
	return int32(n), true
}

// Code is a vendor's code: a whole number, or a truth value as 0 or 1.
func (o Object) Code() (int32, bool) {
	code, ok := o.code()
	return code, o.Understood(ok)
}

func (o Object) code() (int32, bool) {
	if b, ok := o.v.(bool); ok {
		if b {
			return 1, true
		}
		return 0, true
	}
	return o.whole32()
}

// OneOf is a Code that must be one of those.
func (o Object) OneOf(codes ...int32) (int32, bool) {
	code, ok := o.code()
	return code, o.Understood(ok && slices.Contains(codes, code))
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
	f, ok := o.number()
	return f != 0, o.Understood(ok)
}

// Fold is the member of that name in whatever case. Of several it is the one
// written as asked, else the first by the alphabet.
func (o Object) Fold(name string) Object {
	m, ok := o.v.(map[string]any)
	if _, exact := m[name]; exact || !ok {
		return o.member(name)
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if strings.EqualFold(key, name) {
			return o.member(key)
		}
	}
	return Object{}
}

// Opt makes an optional field of a value: Opt(o.At("x").Number()).
func Opt[T any](v T, ok bool) *T {
	if !ok {
		return nil
	}
	return &v
}

// With is a copy of o in which key is v. It reports as o does.
func (o Object) With(key string, v Object) Object {
	m, _ := o.v.(map[string]any)
	copied := make(map[string]any, len(m)+1)
	maps.Copy(copied, m)
	copied[key] = v.v
	return Object{v: copied, report: o.report, path: o.path}
}
