//go:build unix

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSettingsAreReadAgain when the service is told to: what is right is taken up without a
// gap, what is wrong is said and changes nothing.
func TestSettingsAreReadAgain(t *testing.T) {
	t.Parallel()
	p, file, cars, watcher := runTwoAccounts(t)
	watcher.holds("hyundai/"+cars[0]+"/schedule", "{}")

	text, err := os.ReadFile(file)
	require.NoError(t, err)
	rewrite := func(old, with string) {
		t.Helper()
		require.Contains(t, string(text), old)
		text = []byte(strings.Replace(string(text), old, with, 1))
		require.NoError(t, os.WriteFile(file, text, 0o600))
		p.hangUp()
	}
	rewrite("    brand: hyundai\n", "    brand: hyundai\n    schedule: {idle: 2h}\n")
	p.find(`Account first has new settings\.$`)
	p.find(`plugin upgraded`)
	watcher.holds("hyundai/"+cars[0]+"/schedule", "2h")

	rewrite("{idle: 2h}", "often")
	p.find(`the settings are wrong, and those of before go on: .*hub\.yaml:9: accounts\.first\.schedule has to be`)
	p.find(`plugin upgraded`)
	watcher.holds("hyundai/"+cars[0]+"/schedule", "2h")

	text = []byte(strings.Replace(string(text), "often", "{idle: 2h}", 1))
	rewrite("  second:\n", "  third: {username: me, password: p}\n  second:\n")
	_, before := p.find(`Changed, from the next start on: accounts\.third\.password, accounts\.third\.username\.$`)
	for _, line := range before {
		assert.NotContains(t, line, "new settings", "only what has changed is given to a plugin")
	}
	p.find(`plugin upgraded`)
	rewrite("  third: {username: me, password: p}\n", "")
	p.find(`plugin upgraded`)
	second := string(text[strings.Index(string(text), "  second:"):])
	rewrite(second, "")
	p.find(`Changed, from the next start on: accounts\.second\..*accounts\.second\.username\.$`)
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	p.ended()
}
