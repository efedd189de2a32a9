package parsetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Check holds a parse of info to what is true of any document.
func Check(info field.Object, parse Parse) error {
	d := parse(info)
	var report, reportAgain field.Report
	for _, r := range []*field.Report{&report, &reportAgain} {
		if again := parse(info.Reporting(r, "")); !proto.Equal(d, again) {
			return fmt.Errorf("parsing again, with a report, gives %v and %v", d, again)
		}
	}
	if err := errors.Join(checkReport(&report), sameReports(&report, &reportAgain)); err != nil {
		return err
	}
	if _, err := proto.Marshal(d); err != nil {
		return fmt.Errorf("cannot be sent: %w", err)
	}
	for _, a := range shared.Attributes() {
		if a.Info.GetUnit() != "%" {
			continue
		}
		v, ok := a.Get(d)
		if percent, isNumber := v.(float64); ok && (!isNumber || percent < 0 || percent > 100) {
			return fmt.Errorf("%s is %v %%", a.Path, v)
		}
	}
	return checkFinite(d.ProtoReflect())
}

// checkReport holds a report to its bounds: entries, their size, each path once.
func checkReport(r *field.Report) error {
	rejected := r.Rejected()
	if len(rejected) > 200 || int(r.Count()) != len(rejected) {
		return fmt.Errorf("%d entries, counted %d", len(rejected), r.Count())
	}
	seen := map[string]bool{}
	for _, v := range rejected {
		if seen[v.Path] || len(v.Raw) > 90 || !utf8.ValidString(v.Raw) {
			return fmt.Errorf("%s stands twice, or is too long or no text: %q", v.Path, v.Raw)
		}
		seen[v.Path] = true
	}
	return nil
}

func sameReports(a, b *field.Report) error {
	if !slices.Equal(a.Rejected(), b.Rejected()) {
		return fmt.Errorf("two reports of one document: %v and %v", a.Rejected(), b.Rejected())
	}
	return nil
}

// checkFinite looks at every number, however deep.
func checkFinite(m protoreflect.Message) error {
	var err error
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				err = errors.Join(err, checkFinite(v.List().Get(i).Message()))
			}
		case f.IsList():
		case f.Message() != nil:
			err = checkFinite(v.Message())
		case f.Kind() == protoreflect.DoubleKind && (math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0)):
			err = fmt.Errorf("%s is %v", f.FullName(), v.Float())
		}
		return err == nil
	})
	return err
}

// CheckFuzzed is [Check] for the body of a fuzz test: what is no JSON never
// reaches a parser.
func CheckFuzzed(t *testing.T, body []byte, parse Parse) {
	t.Helper()
	info, err := field.Decode(body)
	if err != nil {
		return
	}
	if err := Check(info, parse); err != nil {
		t.Fatal(err)
	}
}

// nonsense is what clouds send in place of a value, and worse.
var nonsense = []any{
	"?", map[string]any{}, json.Number("-1"), json.Number("101"), json.Number("65535"), json.Number("1.7e308"),
}

// full tells the fixtures that hold values of every kind from those in which
// there is nothing to spoil.
var full = regexp.MustCompile(`everything_on|miles|sentinels`)

// CheckNonsense puts all nonsense behind every name that occurs in a full fixture
// of the dialect, and holds the parse to [Check].
func CheckNonsense(t *testing.T, dialect string, parse Parse) {
	t.Helper()
	for file, body := range Fixtures(t, dialect) {
		if !full.MatchString(file) {
			continue
		}
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			var document any
			decoder := json.NewDecoder(bytes.NewReader(body))
			decoder.UseNumber()
			require.NoError(t, decoder.Decode(&document))
			for _, name := range slices.Sorted(maps.Keys(memberNames(document))) {
				for _, value := range nonsense {
					changed, err := json.Marshal(replaced(document, name, value))
					require.NoError(t, err)
					assert.NoError(t, Check(Decode(t, string(changed)), parse), "%s: %v", name, value)
				}
			}
		})
	}
}

// CheckBlame makes one value after the other of a fixture an object. Then no
// other path is blamed, no attribute has another value, and at most two are
// unset. Paths that match wide may cost more: units, for example, serve many.
func CheckBlame(t *testing.T, dialect, file string, parse Parse, wide *regexp.Regexp) {
	t.Helper()
	var document any
	decoder := json.NewDecoder(bytes.NewReader(Fixtures(t, dialect)[file]))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&document))
	before := parse(Decode(t, marshal(t, document)))
	for _, path := range leaves(document, "") {
		if strings.HasPrefix(path, "_fixture_meta") {
			continue
		}
		var report field.Report
		after := Values(parse(Decode(t, marshal(t, with(document, strings.Split(path, "."), map[string]any{}))).Reporting(&report, "")))
		for _, v := range report.Rejected() {
			assert.Equal(t, path, v.Path, "blamed in place of another one")
		}
		var lost []string
		for attribute, value := range Values(before) {
			if got, set := after[attribute]; !set {
				lost = append(lost, attribute)
			} else if !wide.MatchString(path) {
				assert.Equal(t, value, got, "%s changes %s", path, attribute)
			}
		}
		if !wide.MatchString(path) {
			assert.LessOrEqual(t, len(lost), 2, "%s costs %v", path, lost)
		}
	}
}

func marshal(t *testing.T, document any) string {
	t.Helper()
	raw, err := json.Marshal(document)
	require.NoError(t, err)
	return string(raw)
}

// leaves are the paths of all values that hold no others.
func leaves(node any, path string) []string {
	var all []string
	add := func(name string, value any) {
		all = append(all, leaves(value, strings.TrimPrefix(path+"."+name, "."))...)
	}
	switch node := node.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(node)) {
			add(name, node[name])
		}
	case []any:
		for i, value := range node {
			add(strconv.Itoa(i), value)
		}
	default:
		return []string{path}
	}
	return all
}

// with is a copy of node with value at path.
func with(node any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	if list, ok := node.([]any); ok {
		i, _ := strconv.Atoi(path[0])
		list = slices.Clone(list)
		list[i] = with(list[i], path[1:], value)
		return list
	}
	object, _ := node.(map[string]any)
	object = maps.Clone(object)
	object[path[0]] = with(object[path[0]], path[1:], value)
	return object
}

func memberNames(node any) map[string]bool {
	names := map[string]bool{}
	switch node := node.(type) {
	case map[string]any:
		for name, value := range node {
			names[name] = true
			maps.Copy(names, memberNames(value))
		}
	case []any:
		for _, value := range node {
			maps.Copy(names, memberNames(value))
		}
	}
	return names
}

// replaced is a copy of node with value behind every occurrence of name.
func replaced(node any, name string, value any) any {
	switch node := node.(type) {
	case map[string]any:
		out := make(map[string]any, len(node))
		for member, present := range node {
			if out[member] = value; member != name {
				out[member] = replaced(present, name, value)
			}
		}
		return out
	case []any:
		out := make([]any, len(node))
		for i, present := range node {
			out[i] = replaced(present, name, value)
		}
		return out
	}
	return node
}
