package cloudsim

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const story = `
name: a bad morning
steps:
- {fault: status, status: 503, retry_after: 30s, on: read, after: 2}
- {fault: captcha}
- fault: silent
  car: Tucson
  for: 40s
`

func TestParseScript(t *testing.T) {
	t.Parallel()
	want := Script{Name: "a bad morning", Steps: []Step{
		{Fault: Status, Status: 503, RetryAfter: 30 * time.Second, On: []Class{Read}, After: 2},
		{Fault: Captcha},
		{Fault: Silent, Car: "Tucson", For: 40 * time.Second},
	}}
	got, err := ParseScript(strings.NewReader(story))
	require.NoError(t, err)
	assert.Equal(t, want, got)

	got, err = ParseScript(strings.NewReader(`{"steps":[{"fault":"hang","on":["read","wake"],"path":"/latest","always":true}]}`))
	require.NoError(t, err, "JSON is YAML")
	assert.Equal(t, Script{Steps: []Step{{Fault: Hang, On: []Class{Read, Wake}, Path: "/latest", Always: true}}}, got)
}

func TestParseScriptSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		``:                                "no steps",
		`steps: []`:                       "no steps",
		`steps: 7`:                        "cannot unmarshal",
		`{`:                               "script: ",
		`stepz: []`:                       "field stepz not found",
		`steps: [{fault: hang, forr: 2}]`: "field forr not found",
		"steps: [{fault: hang}]\n---\nsteps: [{fault: drip}]":         "one document",
		`steps: [{fault: explode}]`:                                   `step 1: fault "explode" is not known; there are blocked, captcha`,
		`steps: [{}]`:                                                 `fault "" is not known`,
		`steps: [{fault: hang}, {fault: refusal}]`:                    "step 2: refusal needs code",
		`steps: [{fault: hang, code: "4004"}]`:                        "hang takes no code",
		`steps: [{fault: silent, for: 40s}]`:                          "silent needs car",
		`steps: [{fault: silent, car: x, times: 2}]`:                  "silent takes no times",
		`steps: [{fault: expire_tokens, for: 1s}]`:                    "expire_tokens takes no for",
		`steps: [{fault: hang, on: reed}]`:                            `"reed" is no class of calls; there are page, login`,
		`steps: [{fault: hang, on: {a: b}}]`:                          "cannot unmarshal",
		`steps: [{fault: hang, for: 40}]`:                             "cannot unmarshal !!int `40` into time.Duration",
		`steps: [{fault: hang, wait: -1s}]`:                           "wait: ",
		`steps: [{fault: hang, after: -1}]`:                           "after: -1",
		`steps: [{fault: hang, always: true, times: 3}]`:              "always has no end",
		`steps: [{fault: status, status: 7}]`:                         "status: 7",
		`steps: [{fault: refusal, code: "1234"}]`:                     `code: "1234" is not known`,
		`steps: [{fault: edit}]`:                                      "edit needs set or remove",
		`steps: [{fault: edit, set: {a: {7: b}}}]`:                    "set: a value that JSON cannot hold",
		`steps: [{fault: old_time, age: -1h}]`:                        "age: ",
		`steps: [{fault: hang, text: "` + strings.Repeat("x", 70_000): "longer than 64 KiB",
	} {
		_, err := ParseScript(strings.NewReader(script))
		require.ErrorContains(t, err, want, "%.60s", script)
	}
	_, err := ParseScript(strings.NewReader(`steps: [{fault: refusal, code: "1234", status: 400, text: what}]`))
	require.NoError(t, err)
	_, err = ParseScript(strings.NewReader(`steps: [{fault: hang, after: -1, for: 3ns}, {fault: delay}]`))
	for _, want := range []string{"step 1: after", "for: 3ns is no time", "step 2: delay needs delay"} {
		require.ErrorContains(t, err, want, "all of it at once")
	}
}

func TestPlayKnowsTheCars(t *testing.T) {
	t.Parallel()
	c, err := New(Options{})
	require.NoError(t, err)
	_, err = c.Play(Script{Steps: []Step{{Fault: Silent, Car: "Tucson"}, {Fault: Hang, Car: "Batmobile"}}})
	require.ErrorContains(t, err, `step 2: there is no car "Batmobile"`)
	_, err = c.Play(Script{})
	require.ErrorContains(t, err, "no steps")
	assert.Empty(t, c.Playing())
}

// The manual has every fault, every class, and scripts that can be read.
func TestManual(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/cloudsim.md")
	require.NoError(t, err)
	for _, fault := range Faults() {
		assert.Contains(t, string(text), "| `"+string(fault)+"` |")
	}
	for _, class := range Classes() {
		assert.Contains(t, string(text), "`"+string(class)+"`")
	}
	scripts := 0
	for _, block := range strings.Split(string(text), "```yaml\n")[1:] {
		script, _, _ := strings.Cut(block, "```")
		_, err := ParseScript(strings.NewReader(script))
		require.NoError(t, err, script)
		scripts++
	}
	assert.NotZero(t, scripts)
}

func FuzzParseScript(f *testing.F) {
	f.Add(story)
	for _, fault := range Faults() {
		f.Add("steps: [{fault: " + string(fault) + ", for: 2s, times: 3, on: [read], car: Tucson, code: '4004', calls: 3, delay: 1ms, age: 1h, set: {a: [1]}, remove: [b.0]}]")
	}
	f.Add(`a: &a [*a, *a]`)
	f.Fuzz(func(t *testing.T, text string) {
		script, err := ParseScript(strings.NewReader(text))
		if err != nil {
			return
		}
		// What can be read can be played.
		c, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Play(script); err != nil && !strings.Contains(err.Error(), "there is no car") {
			t.Fatal(err)
		}
		c.Advance(time.Hour)
		for _, p := range c.Playing() {
			c.Stop(p.ID)
		}
		if down := c.State(); len(down.Scripts) != 0 {
			t.Fatal("a script goes on")
		}
	})
}
