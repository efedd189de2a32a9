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
