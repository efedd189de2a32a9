package main

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/config"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

// asProgram in the environment makes the test binary the program itself.
const asProgram = "HYUNDAI_PLUGIN_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

const ioniq = "11111111-2222-4333-8444-555555555501"

// person runs commands against a scripted cloud.
type person struct {
	cloud *cloudsim.Cloud
	env   map[string]string
	state string
}

func newPerson(t *testing.T) *person {
	t.Helper()
	cloud, err := cloudsim.New(cloudsim.Options{ForceDelay: 10 * time.Millisecond})
	require.NoError(t, err)
	require.NoError(t, cloud.Start("127.0.0.1:0"))
	t.Cleanup(func() { assert.NoError(t, cloud.Close(context.WithoutCancel(t.Context()))) })
	return newPersonAt(t, cloud)
}

func newPersonAt(t *testing.T, cloud *cloudsim.Cloud) *person {
	t.Helper()
	demo := cloudsim.DemoAccount()
	return &person{cloud: cloud, state: t.TempDir(), env: map[string]string{
		"HYUNDAI_USERNAME": demo.Email, "HYUNDAI_PASSWORD": demo.Password, "HYUNDAI_BRAND": "hyundai",
		"HYUNDAI_ENDPOINT_LOGIN": cloud.URL(), "HYUNDAI_ENDPOINT_CCI": cloud.URL(), "HYUNDAI_ENDPOINT_API": cloud.URL(),
	}}
}

func (p *person) environment() config.Environment {
	return config.Environment{
		Names:  slices.Collect(maps.Keys(p.env)),
		Lookup: func(name string) (string, bool) { v, ok := p.env[name]; return v, ok },
	}
}

func (p *person) does(t *testing.T, args ...string) (status int, out, complaint string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = run(t.Context(), append([]string{args[0], "--state", p.state}, args[1:]...), p.environment(), nil, &stdout, &stderr)
	return status, stdout.String(), stderr.String()
}

func TestOneLoginServesAllCommands(t *testing.T) {
	p := newPerson(t)
	status, out, complaint := p.does(t, "login")
	require.Zero(t, status, complaint)
	assert.Contains(t, out, "2 vehicle(s)")
	status, out, complaint = p.does(t, "vehicles")
	require.Zero(t, status, complaint)
	assert.Contains(t, out, ioniq)
	assert.Contains(t, out, "CCS2")
	status, out, complaint = p.does(t, "vehicles", "--json")
	require.Zero(t, status, complaint)
	var cars []struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(out), &cars))
	assert.Equal(t, ioniq, cars[0].ID)
	status, out, complaint = p.does(t, "refresh", ioniq)
	require.Zero(t, status, complaint)
	assert.Contains(t, out, "State of charge")
	assert.Zero(t, p.cloud.Wakes(ioniq))
	status, out, complaint = p.does(t, "refresh", "--json", ioniq, "--mode", "smart")
	require.Zero(t, status, complaint)
	var data struct {
		Battery struct {
			Soc float64 `json:"soc"`
		} `json:"battery"`
	}
	require.NoError(t, json.Unmarshal([]byte(out), &data))
	assert.Positive(t, data.Battery.Soc)
	for range 100 { // each is a process of its own to the engine
		status, _, complaint = p.does(t, "vehicles")
		require.Zero(t, status, complaint)
	}
	assert.Equal(t, 1, p.cloud.Calls(cloudsim.Login), "one login for all of it")
}

// What was recorded answers like the cloud, to a login as well.
func TestReplay(t *testing.T) {
	p := newPerson(t)
	recording := filepath.Join(t.TempDir(), "traffic.jsonl")
	status, before, complaint := p.does(t, "refresh", "--json", "--record", recording, ioniq)
	require.Zero(t, status, complaint)

	ctx, stop := context.WithCancel(t.Context())
	out, ended := new(await.Log), make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"replay", "--listen", "127.0.0.1:0", recording}, config.Environment{}, nil, out, out)
	}()
	await.True(t, "the cloud answers", func() bool { return strings.Contains(out.String(), "HYUNDAI_ENDPOINT_API=") })
	p.state = t.TempDir()
	for _, set := range regexp.MustCompile(`(HYUNDAI_\w+)=(\S+)`).FindAllStringSubmatch(out.String(), -1) {
		p.env[set[1]] = set[2]
	}

	status, cars, complaint := p.does(t, "vehicles")
	require.Zero(t, status, complaint)
	id := regexp.MustCompile(`0{8}-0000-4000-8000-0{11}\d`).FindString(cars)
	require.NotEmpty(t, id, cars)
	status, after, complaint := p.does(t, "refresh", "--json", id)
	require.Zero(t, status, complaint)
	var was, is struct {
		Battery  json.RawMessage `json:"battery"`
		Odometer json.RawMessage `json:"odometer"`
	}
	require.NoError(t, json.Unmarshal([]byte(before), &was))
	require.NoError(t, json.Unmarshal([]byte(after), &is))
	assert.Equal(t, was, is)
	assert.NotContains(t, out.String(), ioniq)
	stop()
	assert.Zero(t, await.Value(t, "the end of the replay", ended), out.String())

	status, _, complaint = p.does(t, "replay", recording+"-none")
	assert.Equal(t, 1, status)
	assert.Contains(t, complaint, "no such file")
}

// A login works with the wrong brand, too.
func TestAccountOfAnotherBrand(t *testing.T) {
	demo := cloudsim.DemoAccount()
	other := demo
	other.Brand, other.Cars = profile.Kia, nil
	cloud, err := cloudsim.New(cloudsim.Options{Accounts: []cloudsim.Account{demo, other}})
	require.NoError(t, err)
	require.NoError(t, cloud.Start("127.0.0.1:0"))
	t.Cleanup(func() { assert.NoError(t, cloud.Close(context.WithoutCancel(t.Context()))) })
	p := newPersonAt(t, cloud)
	p.env["HYUNDAI_BRAND"] = "kia"
	for _, command := range []string{"login", "vehicles"} {
		status, out, complaint := p.does(t, command, "--log-level", "warn")
		require.Zero(t, status, complaint)
		assert.Contains(t, out, "look at HYUNDAI_BRAND")
		assert.Contains(t, complaint, "brand=kia")
	}
}

func TestWrongPasswordIsTriedOncePerCommandOfAPerson(t *testing.T) {
	p := newPerson(t)
	p.env["HYUNDAI_PASSWORD"] = "wrong"
	status, _, complaint := p.does(t, "login")
	assert.Equal(t, 1, status)
	assert.Contains(t, complaint, "password")
	redacttest.NotIn(t, complaint, "demo@example.com")
	for range 100 {
		status, _, _ = p.does(t, "vehicles")
		assert.Equal(t, 1, status)
	}
	assert.Equal(t, 1, p.cloud.Calls(cloudsim.Login), "only login itself sends the password again")
	// Another try at once could be the one that locks the account.
	status, _, complaint = p.does(t, "login")
	assert.Equal(t, 1, status)
	assert.Contains(t, complaint, "Next try: in")
	assert.Equal(t, 1, p.cloud.Calls(cloudsim.Login))
}

// TestLoginChecksThePassword also while the stored session works: who has changed
// the password wants to know.
func TestLoginChecksThePassword(t *testing.T) {
	p := newPerson(t)
	status, _, complaint := p.does(t, "login")
	require.Zero(t, status, complaint)
	right := p.env["HYUNDAI_PASSWORD"]
	for _, wrong := range []string{"totally-wrong", right + " "} {
		p.env["HYUNDAI_PASSWORD"] = wrong
		status, out, complaint := p.does(t, "login", "--state", t.TempDir())
		assert.Equal(t, 1, status, out)
		assert.Contains(t, complaint, "password")
	}
	status, out, _ := p.does(t, "login")
	assert.Equal(t, 1, status, out)
	p.env["HYUNDAI_PASSWORD"] = right
	status, _, complaint = p.does(t, "vehicles")
	require.Zero(t, status, complaint)
}

// TestRecordingOfTheHistory needs no second command, and plays back without the
// login that it does not hold.
func TestRecordingOfTheHistory(t *testing.T) {
	p := newPerson(t)
	status, _, complaint := p.does(t, "vehicles")
	require.Zero(t, status, complaint)
	file := filepath.Join(t.TempDir(), "traffic.jsonl")
	status, out, complaint := p.does(t, "refresh", "--history", "--record", file, ioniq)
	require.Zero(t, status, complaint)
	assert.Contains(t, out, "Energy consumed", "what the service shows now and then")
	recording, err := os.Open(file)
	require.NoError(t, err)
	defer func() { require.NoError(t, recording.Close()) }()
	replay, err := traffic.NewReplay(recording)
	require.NoError(t, err)
	cloud, err := cloudsim.New(cloudsim.Options{Accounts: []cloudsim.Account{cloudsim.DemoAccount()}, Answers: replay})
	require.NoError(t, err)
	require.NoError(t, cloud.Start("127.0.0.1:0"))
	defer func() { require.NoError(t, cloud.Close(t.Context())) }()
	again := newPersonAt(t, cloud)
	status, out, complaint = again.does(t, "vehicles", "--json")
	require.Zero(t, status, complaint)
	var cars []struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(out), &cars))
	require.NotEmpty(t, cars)
	assert.NotEqual(t, ioniq, cars[0].ID, "ids are replaced")
	status, out, complaint = again.does(t, "refresh", "--history", cars[0].ID)
	require.Zero(t, status, complaint)
	assert.Contains(t, out, "State of charge")
}

func TestRecordingHoldsNothingOfThePerson(t *testing.T) {
	p := newPerson(t)
	file := filepath.Join(t.TempDir(), "traffic.jsonl")
	status, _, complaint := p.does(t, "refresh", "--record", file, ioniq)
	require.Zero(t, status, complaint)
	body, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Contains(t, string(body), "carstatus", "the reading is in it")
	assert.Contains(t, string(body), `{"version":1,"brand":"hyundai",`)
	demo := cloudsim.DemoAccount()
	redacttest.NotIn(t, string(body), demo.Email, demo.Password, demo.Cars[0].VIN, ioniq, "52.516275", "13.377704")
	assert.NotContains(t, string(body), demo.Cars[0].Name, "no number looks like it")
	status, _, complaint = p.does(t, "refresh", "--record", file, ioniq)
	assert.Equal(t, 1, status, "no recording is overwritten")
	assert.Contains(t, complaint, "--record")
}

// attempts are all calls that came to the cloud.
func (p *person) attempts() (calls int) {
	for _, class := range cloudsim.Classes() {
		calls += p.cloud.Attempts(class)
	}
	return calls
}

func TestPreviewAndOverride(t *testing.T) {
	p := newPerson(t)
	p.env["HYUNDAI_LIMITS"] = `{"wake_interval":"10m","calls_per_day":50}`
	status, _, complaint := p.does(t, "refresh", "--mode", "force", "--dry-run", ioniq)
	assert.Equal(t, 1, status)
	assert.Contains(t, complaint, "have not been listed here yet")
	assert.Zero(t, p.attempts(), "it makes no call")
	status, _, complaint = p.does(t, "vehicles")
	require.Zero(t, status, complaint)

	calls := p.attempts()
	status, out, complaint := p.does(t, "refresh", "--mode", "force", "--dry-run", ioniq)
	require.Zero(t, status, complaint)
	assert.Equal(t, calls, p.attempts())
	assert.Contains(t, out, "It would wake the car. It costs about 8 request(s) of the vendor's; ")
	assert.Zero(t, p.cloud.Attempts(cloudsim.Wake))
	status, _, complaint = p.does(t, "refresh", "--mode", "force", ioniq)
	require.Zero(t, status, complaint)

	status, out, _ = p.does(t, "refresh", "--mode", "force", "--dry-run", ioniq)
	assert.Zero(t, status)
	assert.Contains(t, out, "It would be refused (budget_spent, wake_interval): ")
	assert.Contains(t, out, "It would be allowed at ")
	status, out, _ = p.does(t, "refresh", "--mode", "force", "--dry-run", "--json", ioniq)
	assert.Zero(t, status)
	assert.Contains(t, out, `"reason": "budget_spent"`)
	status, _, complaint = p.does(t, "refresh", "--mode", "force", ioniq)
	assert.Equal(t, 1, status)
	assert.Contains(t, complaint, "Next try: in ")
	assert.Equal(t, 1, p.cloud.Wakes(ioniq))
	status, _, complaint = p.does(t, "refresh", "--mode", "force", "--override", ioniq)
	require.Zero(t, status, complaint)
	assert.Equal(t, 2, p.cloud.Wakes(ioniq))

	for limits, want := range map[string]string{`{`: "HYUNDAI_LIMITS", `{"wakes":1}`: "limits: json: unknown field"} {
		p.env["HYUNDAI_LIMITS"] = limits
		status, _, complaint = p.does(t, "vehicles")
		assert.Equal(t, 2, status)
		assert.Contains(t, complaint, want)
	}
}

func TestWordsThatAreNotUnderstood(t *testing.T) {
	p := newPerson(t)
	for _, args := range [][]string{
		{"logn"},
		{"login", "now"},
		{"refresh"},
		{"refresh", "--mode", "hard", ioniq},
		{"vehicles", "--colour"},
		{"refresh", ioniq, "--colour"},
		{"refresh", ioniq, "another"},
		{"--json"},
	} {
		status, _, complaint := p.does(t, args...)
		assert.Equal(t, 2, status, args)
		assert.NotEmpty(t, complaint, args)
	}
	status, _, complaint := p.does(t, "refresh", "typo")
	assert.Equal(t, 1, status)
	assert.Contains(t, complaint, "no such vehicle")
	delete(p.env, "HYUNDAI_PASSWORD")
	status, _, complaint = p.does(t, "vehicles")
	assert.Equal(t, 2, status)
	assert.Contains(t, complaint, "HYUNDAI_PASSWORD")
	p.env["HYUNDAI_PASSWORD"], p.env["HYUNDAI_PROFILE_FILE"] = "x", "/nonexistent/profile.json"
	status, _, complaint = p.does(t, "vehicles")
	assert.Equal(t, 2, status)
	assert.Contains(t, complaint, "HYUNDAI_PROFILE_FILE")
	assert.Equal(t, 1, p.cloud.Calls(cloudsim.Login), "of the typing error, whose account is right")
}
