package redact

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkString is one line of a fleet's log.
func BenchmarkString(b *testing.B) {
	var vins []string
	for i := range 1000 {
		vins = append(vins, fmt.Sprintf("KMHXX00XXXX%06d", i))
	}
	r := &Redactor{}
	r.Learn(vins...)
	line := strings.Repeat("worker completed ", 4) + vins[500]
	b.ReportAllocs()
	for b.Loop() {
		r.String(line)
	}
}

// BenchmarkMembers is a vendor's answer that went into the log as it came.
func BenchmarkMembers(b *testing.B) {
	r := &Redactor{}
	line := strings.Repeat(`{"retCode":"S","odometer":{"value":12345.6,"unit":1},"time":"20250101120000"},`, 10) + `{"pin":"1234"}`
	b.ReportAllocs()
	for b.Loop() {
		r.String(line)
	}
}
