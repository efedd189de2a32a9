package cloudsim

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// play starts a script of steps.
func play(t *testing.T, c *Cloud, steps ...Step) int {
	t.Helper()
	id, err := c.Play(Script{Steps: steps})
	require.NoError(t, err)
	return id
}

// said sums an answer up: status and code.
func said(a answer) string { return fmt.Sprint(a.status, " ", a.at("resCode")) }

const (
	fine   = "200 0000"
	outage = "503 5031"
)

// TestStory plays one script through: each step begins when the one before it
// is over.
func TestStory(t *testing.T) {
	ccs2, ccs1 := demoCars()
	c, clock := serve(t, Options{ForceDelay: time.Millisecond})
	p := owner(t, c)
	read, wake := "vehicles/"+ccs2+"/ccs2/carstatus/latest", "vehicles/"+ccs1+"/status"
	id := play(t, c,
		Step{Fault: Status, Status: 503, RetryAfter: 1500 * time.Millisecond, On: []Class{Read}, After: 2},
		Step{Fault: RejectToken},
		Step{Fault: Silent, Car: "tucson", For: 40 * time.Second},
		Step{Fault: ExpireTokens, Wait: 5 * time.Second},
	)
	at := func(step int, fault Fault, met int) {
		t.Helper()
		assert.Equal(t, []Playing{{ID: id, Step: step, Steps: 4, Fault: fault, Met: met}}, c.Playing())
	}
	assert.Equal(t, fine, said(p.get(read)))
	assert.Equal(t, fine, said(p.get("vehicles")), "not a read")
	assert.Equal(t, fine, said(p.get(read)))
	at(1, Status, 0)
	a := p.get(read)
	assert.Equal(t, 503, a.status)
	assert.Equal(t, "2", a.header.Get("Retry-After"), "whole seconds, rather too late than too early")
	at(2, RejectToken, 1)
	assert.Equal(t, fine, said(p.get(read)))

	assert.Equal(t, 400, p.grant(DemoAccount().RefreshToken).status)
	at(3, Silent, 2)
	assert.Equal(t, "408 4081", said(p.get(wake)))
	clock.advance(40*time.Second - time.Millisecond)
	assert.Equal(t, "408 4081", said(p.get(wake)))
	at(3, Silent, 2)
	clock.advance(time.Millisecond)
	assert.Equal(t, fine, said(p.get(wake)))
	at(4, ExpireTokens, 2)

	clock.advance(5*time.Second - time.Millisecond)
	assert.Equal(t, fine, said(p.get(read)))
	clock.advance(time.Millisecond)
	assert.Equal(t, 401, p.get(read).status)
	at(5, "", 2)
	p.login()
	assert.Equal(t, fine, said(p.get(read)))
	assert.Equal(t, 3, c.Calls(Wake))
}

// How long a fault goes on: for some calls, for a time, or for ever.
func TestHowLongAFaultLasts(t *testing.T) {
	c, clock := serve(t, Options{})
	p := owner(t, c)
	calls := func(n int) (answers []string) {
		for range n {
			answers = append(answers, said(p.get("vehicles")))
			clock.advance(time.Second)
		}
		return answers
	}
	bad := "400 4004"
	for name, tc := range map[string]struct {
		step Step
		want []string
	}{
		"once":                    {Step{}, []string{bad, fine, fine, fine}},
		"twice":                   {Step{Times: 2}, []string{bad, bad, fine, fine}},
		"after one":               {Step{After: 1, Times: 2}, []string{fine, bad, bad, fine}},
		"for two seconds":         {Step{For: 2 * time.Second}, []string{bad, bad, fine, fine}},
		"for a time, once":        {Step{For: 3 * time.Second, Times: 1}, []string{bad, fine, fine, fine}},
		"for a time after two":    {Step{For: 3 * time.Second, After: 2}, []string{fine, fine, bad, fine}},
		"for a time, had it come": {Step{For: 2 * time.Second, After: 3}, []string{fine, fine, fine, fine}},
		"later":                   {Step{Wait: 2 * time.Second}, []string{fine, fine, bad, fine}},
		"always":                  {Step{Always: true}, []string{bad, bad, bad, bad}},
	} {
		tc.step.Fault, tc.step.Code = Refusal, "4004"
		id := play(t, c, tc.step)
		assert.Equal(t, tc.want, calls(4), name)
		assert.True(t, c.Stop(id))
		assert.Equal(t, fine, said(p.get("vehicles")), name)
	}
	assert.False(t, c.Stop(99))
}

func TestWhichCallsAFaultMeets(t *testing.T) {
	ccs2, ccs1 := demoCars()
	c, _ := serve(t, Options{ForceDelay: time.Nanosecond})
	p := owner(t, c)
	one, other := "vehicles/"+ccs1+"/location/park", "vehicles/"+ccs2+"/location/park"
	for name, tc := range map[string]struct {
		step     Step
		met, not string
	}{
		"class":       {Step{On: []Class{List}}, "vehicles", one},
		"classes":     {Step{On: []Class{List, Read}}, one, "vehicles/" + ccs1 + "/status"},
		"path":        {Step{Path: "/park"}, one, "vehicles/" + ccs2 + "/ccs2/carstatus/latest"},
		"car by id":   {Step{Car: ccs1}, one, other},
		"car by name": {Step{Car: "ioniq 5"}, other, one},
		"all at once": {Step{Car: ccs2, On: []Class{Read}, Path: "/latest"}, "vehicles/" + ccs2 + "/ccs2/carstatus/latest", other},
	} {
		tc.step.Fault, tc.step.Code, tc.step.Always = Refusal, "5031", true
		id := play(t, c, tc.step)
		assert.Equal(t, outage, said(p.get(tc.met)), name)
		assert.Equal(t, fine, said(p.get(tc.not)), name)
		c.Stop(id)
	}
}

func TestStatesEndWithTheirScript(t *testing.T) {
	_, ccs1 := demoCars()
	c, clock := serve(t, Options{ForceDelay: time.Millisecond, Quota: 100})
	p := owner(t, c)
	id := play(t, c,
		Step{Fault: Quota, Calls: 1, For: time.Hour},
		Step{Fault: Down, On: []Class{List}, After: 1},
		Step{Fault: Silent, Car: ccs1},
	)
	assert.Equal(t, fine, said(p.get("vehicles")))
	assert.Equal(t, "509 5091", said(p.get("vehicles")))
	clock.advance(time.Hour)
	assert.Equal(t, fine, said(p.get("vehicles")), "the old quota is back")
	assert.Equal(t, outage, said(p.get("vehicles")), "the call that begins the outage meets it")
	assert.Equal(t, outage, said(p.get("vehicles/"+ccs1+"/status")))
	assert.True(t, c.State().Cars[1].Silent, "an outage without end holds no step up")
	require.True(t, c.Stop(id))
	assert.Equal(t, fine, said(p.get("vehicles/"+ccs1+"/status")))

	id = play(t, c, Step{Fault: Down, For: time.Hour})
	assert.Equal(t, outage, said(p.get("vehicles")))
	c.Stop(id)
	assert.Equal(t, fine, said(p.get("vehicles")))
}

// A wake that was answered before a car fell silent stays answered, and one
// that it slept through stays unanswered, whenever somebody looks.
func TestSilenceHasItsTime(t *testing.T) {
	ccs2, _ := demoCars()
	c, clock := serve(t, Options{ForceDelay: 10 * time.Second})
	p := owner(t, c)
	trigger := "vehicles/" + ccs2 + "/ccs2/carstatus"
	reported := func() time.Time { return c.State().Cars[0].Reported }

	require.Equal(t, "S", p.get(trigger).at("retCode"))
	play(t, c, Step{Fault: Silent, Car: ccs2, Wait: 11 * time.Second, For: time.Minute})
	clock.advance(20 * time.Second)
	assert.Equal(t, start.Add(10*time.Second), reported())

	require.Equal(t, "S", p.get(trigger).at("retCode"))
	clock.advance(time.Minute) // it slept through that, and is awake again
	assert.Equal(t, start.Add(10*time.Second), reported())
}

func TestTheOldestScriptComesFirst(t *testing.T) {
	c, _ := serve(t, Options{})
	p := owner(t, c)
	play(t, c, Step{Fault: Refusal, Code: "4004"})
	play(t, c, Step{Fault: Refusal, Code: "5921"}, Step{Fault: Refusal, Code: "9999"})
	var got []string
	for range 4 {
		got = append(got, said(p.get("vehicles")))
	}
	assert.Equal(t, []string{"400 4004", "400 5921", "400 9999", fine}, got)
}

// States of several scripts may overlap; each ends by itself.
func TestOverlappingStates(t *testing.T) {
	_, ccs1 := demoCars()
	c, clock := serve(t, Options{ForceDelay: time.Millisecond, Quota: 100})
	p := owner(t, c)
	status := "vehicles/" + ccs1 + "/status"
	for _, tc := range []struct {
		fault     Step
		bad, path string
	}{
		{Step{Fault: Down}, outage, "vehicles"},
		{Step{Fault: Quota, Calls: 1}, "509 5091", "vehicles"},
		{Step{Fault: Silent, Car: ccs1}, "408 4081", status},
	} {
		first, second := tc.fault, tc.fault
		first.For, second.For, second.Wait = 2*time.Minute, 2*time.Minute, time.Minute
		play(t, c, Step{Fault: Delay, Delay: time.Millisecond, Always: true})
		play(t, c, first)
		play(t, c, second)
		p.get(tc.path) // a quota of one lets this one through
		for minute := range 4 {
			want := tc.bad
			if minute == 3 {
				want = fine
			}
			assert.Equal(t, want, said(p.get(tc.path)), "%s, minute %d", tc.fault.Fault, minute)
			clock.advance(time.Minute)
		}
	}
}

// Attempts are what came; calls are what the cloud took.
func TestAttemptsAndCalls(t *testing.T) {
	var mu sync.Mutex
	var heard []Call
	_, ccs1 := demoCars()
	c, _ := serve(t, Options{ForceDelay: time.Millisecond, OnCall: func(call Call) {
		mu.Lock()
		defer mu.Unlock()
		call.Took, call.Path = 0, ""
		heard = append(heard, call)
	}})
	p := owner(t, c)
	play(t, c, Step{Fault: Refusal, Code: "5921", On: []Class{Wake}}, Step{Fault: RejectToken})
	assert.Equal(t, "400 5921", said(p.get("vehicles/"+ccs1+"/status")))
	assert.Equal(t, fine, said(p.get("vehicles/"+ccs1+"/status")))
	assert.Equal(t, 400, p.grant(DemoAccount().RefreshToken).status)
	p.post("vehicles/"+ccs1+"/drvhistory", `{"periodTarget":0}`)
	p.post("vehicles/"+ccs1+"/control/door", `{}`)
	p.get("nonsense")

	for class, want := range map[Class]CallCount{
		Wake: {2, 1}, Login: {2, 1}, Register: {1, 1}, History: {1, 1}, Command: {1, 0}, Other: {1, 0}, Read: {},
	} {
		assert.Equal(t, want, c.State().Calls[class], class)
	}
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, heard, 8)
	assert.Equal(t, Register, heard[0].Class)
	assert.Positive(t, heard[1].Bytes)
	heard[2].Bytes = 0
	assert.Equal(t, Call{At: start, Class: Wake, Method: http.MethodGet, Fault: Refusal, Status: 400}, heard[2])
	assert.Equal(t, 404, heard[7].Status)
}
