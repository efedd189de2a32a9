package redacttest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

// heard is a test that notes what it was told.
type heard struct {
	testing.TB
	errors []string
}

func (h *heard) Helper() {}

func (h *heard) Errorf(format string, args ...any) {
	h.errors = append(h.errors, fmt.Sprintf(format, args...))
}

func TestNotIn(t *testing.T) {
	for name, tc := range map[string]struct {
		text, secret string
		want         []string
	}{
		"absent":         {"one\ntwo", "13.377704", nil},
		"in a message":   {"one\n" + `{"msg":"at 13.377704"}` + "\nthree", "13.377704", []string{`the secret "13.377704" stands in: {"msg":"at 13.377704"}`}},
		"in JSON's time": {`{"time":"2026-11-28T09:37:13.377704152Z","msg":"x"}`, "13.377704", nil},
		"in a text":      {"09:37:13.377704 car", "13.377704", nil},
		"too short":      {"one", "13.39", []string{`"13.39" is too short to be searched for: it may stand there by chance`}},
		"empty":          {"one", "", []string{`"" is too short to be searched for: it may stand there by chance`}},
	} {
		h := &heard{}
		redacttest.NotIn(h, tc.text, tc.secret)
		assert.Equal(t, tc.want, h.errors, name)
	}
}
