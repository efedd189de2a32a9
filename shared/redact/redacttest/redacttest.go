// Package redacttest is for tests: it searches what a program has written for
// secrets.
package redacttest

import (
	"regexp"
	"strings"
	"testing"
)

// shortest is how long a secret has to be to be searched for. "13.39" stands in a
// log by chance, as a duration or a part of one.
const shortest = 8

// clock matches the times of log lines, which have any number in them.
var clock = regexp.MustCompile(`(\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:?\d\d)?`)

// NotIn fails the test for each of the secrets that stands in text, in messages
// and attributes: the times of lines are left out. A secret that is too short to
// be searched for fails it as well.
func NotIn(tb testing.TB, text string, secrets ...string) {
	tb.Helper()
	text = clock.ReplaceAllString(text, "(time)")

	for _, secret := range secrets {
		if len(secret) < shortest {
			tb.Errorf("%q is too short to be searched for: it may stand there by chance", secret)
			continue
		}
		if at := strings.Index(text, secret); at >= 0 {
			from := strings.LastIndexByte(text[:at], '\n') + 1
			line, _, _ := strings.Cut(text[from:], "\n")
			tb.Errorf("the secret %q stands in: %s", secret, line)
		}
	}
}
