package parsetest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zone must not depend on the machine

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Parse is a parser that already knows of the car what it needs.
type Parse func(info field.Object) *vehiclev1.VehicleData

// Berlin is the zone of the cars in the tests.
func Berlin(tb testing.TB) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(tb, err)
	return zone
}

// Decode reads a body that must be JSON.
func Decode(tb testing.TB, body string) field.Object {
	tb.Helper()
	o, err := field.Decode([]byte(body))
	require.NoError(tb, err, body)
	return o
}

// Inside wraps a value into objects: Inside("a.b", "1") is {"a": {"b": 1}}.
func Inside(path, value string) string {
	for _, key := range slices.Backward(strings.Split(path, ".")) {
		value = fmt.Sprintf("{%q: %s}", key, value)
	}
	return value
}

// Values returns every attribute that is set.
func Values(d *vehiclev1.VehicleData) map[string]any {
	set := map[string]any{}
	for _, a := range shared.Attributes() {
		if v, ok := a.Get(d); ok {
			set[a.Path] = v
		}
	}
	return set
}

// AssertValue compares an attribute with want; nil stands for unset.
func AssertValue(t *testing.T, want any, d *vehiclev1.VehicleData, path string) {
	t.Helper()
	require.True(t, slices.ContainsFunc(shared.Attributes(), func(a shared.Attribute) bool { return a.Path == path }), path)
	got := Values(d)[path]
	if number, ok := want.(float64); ok && got != nil {
		assert.InDelta(t, number, got, 1e-9)
		return
	}
	assert.Equal(t, want, got)
}

// AssertRejected parses a body and demands that exactly these paths were not
// understood, in whatever order.
func AssertRejected(t *testing.T, parse Parse, body string, paths ...string) {
	t.Helper()
	var report field.Report
	parse(Decode(t, body).Reporting(&report, ""))
	got := []string{}
	for _, v := range report.Rejected() {
		got = append(got, v.Path)
	}
	assert.ElementsMatch(t, paths, got, body)
}

// AssertNothing demands that of these bodies, and of those without any member,
// no attribute is set.
func AssertNothing(t *testing.T, parse Parse, bodies ...string) {
	t.Helper()
	for _, body := range append([]string{`{}`, `null`, `[]`, `"x"`}, bodies...) {
		d := parse(Decode(t, body))
		assert.True(t, proto.Equal(&vehiclev1.VehicleData{}, d), "%s gives %v", body, d)
	}
}

// AssertFlag turns the flag at path on and off, and makes it nonsense: that must
// reach the attribute want, and no other one.
func AssertFlag(t *testing.T, parse Parse, path, want string) {
	t.Helper()
	valuesAt := func(value string) map[string]any { return Values(parse(Decode(t, Inside(path, value)))) }
	assert.Equal(t, map[string]any{want: true}, valuesAt(`1`))
	assert.Equal(t, map[string]any{want: false}, valuesAt(`0`))
	assert.Empty(t, valuesAt(`"?"`))
}

// Fixtures returns the conformance bodies of a dialect, by name.
func Fixtures(tb testing.TB, dialect string) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob("../../testdata/conformance/*.json") // a test runs in the parser's directory
	require.NoError(tb, err)
	bodies := map[string][]byte{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(tb, err)
		if d, _ := Decode(tb, string(raw)).At("_fixture_meta.conformance.dialect").Text(); d == dialect {
			bodies[filepath.Base(file)] = raw
		}
	}
	require.NotEmpty(tb, bodies)
	return bodies
}
