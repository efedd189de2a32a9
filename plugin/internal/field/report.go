package field

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a report: what a broken cloud sends must not fill a log.
const (
	maxRejected = 200 // a document has fewer values
	maxRaw      = 80
)

// Report takes down what stands in a document and was not understood: the wrong
// type, a number out of range, a code that nobody knows, an impossible date. What
// is missing, null, empty or a sentinel of the vendor is none of it.
//
// The zero Report is empty and ready. It belongs to one document and one
// goroutine.
type Report struct {
	rejected []Rejected
	seen     map[string]bool
}

// Rejected is a value that was not understood.
type Rejected struct {
	// Path of the value in the document.
	Path string
	// Raw is the value as it came, cut off if it is long. Of objects and lists
	// there is only the size, and nothing of what tells who or where: the value
	// may be a position or an id that came in another form than expected.
	Raw string
}

// Rejected returns what was not understood, at most 200 values, each path once.
func (r *Report) Rejected() []Rejected {
	if r == nil {
		return nil
	}
	return slices.Clone(r.rejected)
}

// Count is the number of values that were not understood, at most 200.
func (r *Report) Count() int32 {
	if r == nil {
		return 0
	}
	return int32(len(r.rejected))
}

// Reporting is o whose readers, and those of its parts, note in r what they do
// not understand. The name stands for o in paths; it may be empty.
func (o Object) Reporting(r *Report, name string) Object {
	return Object{v: o.v, report: r, path: name}
}

// Understood passes ok on. If it is false and there is a value, that is noted. It
// is for rules that no reader of this package knows.
func (o Object) Understood(ok bool) bool {
	if ok || o.report == nil || o.blank() {
		return ok
	}
	r := o.report
	if len(r.rejected) == maxRejected || r.seen[o.path] {
		return false
	}
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	r.seen[o.path] = true
	r.rejected = append(r.rejected, Rejected{Path: o.path, Raw: o.raw()})
	return false
}

// blank: nothing is there, or a text that says nothing.
func (o Object) blank() bool {
	text, isText := o.v.(string)
	return o.v == nil || isText && strings.TrimSpace(text) == ""
}

// raw is the value for a log.
func (o Object) raw() string {
	if private(o.path) {
		return "(not shown)"
	}
	var raw string
	switch x := o.v.(type) {
	case map[string]any:
		return fmt.Sprintf("object of %d", len(x))
	case []any:
		return fmt.Sprintf("list of %d", len(x))
	case string:
		raw = strconv.Quote(x[:min(len(x), maxRaw)])
	case json.Number:
		raw = x.String()
	default:
		raw = fmt.Sprint(x)
	}
	if len(raw) <= maxRaw {
		return raw
	}
	cut := maxRaw
	for cut > 0 && !utf8.RuneStart(raw[cut]) {
		cut--
	}
	return raw[:cut] + "…"
}

// private: what stands there tells where a car is, or which.
func private(path string) bool {
	for part := range strings.SplitSeq(path, ".") {
		switch lower := strings.ToLower(part); lower {
		case "location", "vehiclelocation", "park", "position", "gpsdetail", "coord", "geocoord",
			"lat", "lon", "latitude", "longitude", "vin", "id":
			return true
		default:
			if strings.HasSuffix(part, "Id") || strings.HasSuffix(part, "ID") || strings.HasSuffix(lower, "_id") {
				return true
			}
		}
	}
	return false
}
