package cloudsim

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Fault is what goes wrong.
type Fault string

// Answers in the cloud's place.
const (
	// Refusal with a code of the vehicle API.
	Refusal Fault = "refusal"
	// Status of HTTP, with a body or none.
	Status Fault = "status"
	// Blocked by the firewall: its page, with status 403 unless another is given.
	Blocked Fault = "blocked"
	// Page of HTML with status 200.
	Page Fault = "page"
	// Garbage that begins like JSON.
	Garbage Fault = "garbage"
	// Empty body with status 200.
	Empty Fault = "empty"
	// Huge body of valid JSON; default 50 MB.
	Huge Fault = "huge"
	// RejectToken: a refresh token is no good.
	RejectToken Fault = "reject_token"
	// WrongPassword, whatever the password.
	WrongPassword Fault = "wrong_password"
	// Locked account after too many passwords.
	Locked Fault = "locked"
	// Captcha at the sign-in.
	Captcha Fault = "captcha"
	// Consent to new terms is missing.
	Consent Fault = "consent"
)

// What happens to the true answer on its way.
const (
	// Hang: it never comes.
	Hang Fault = "hang"
	// Delay of it.
	Delay Fault = "delay"
	// Drip: one byte at a time; default one a second.
	Drip Fault = "drip"
	// Truncate: half of it, then the connection breaks.
	Truncate Fault = "truncate"
	// Reset of the connection before it.
	Reset Fault = "reset"
)

// What is wrong in an answer that is otherwise true.
const (
	// OldTime of a report that has new data; default 6 h too old.
	OldTime Fault = "old_time"
	// Unflagged list: it does not say which cars speak the newer dialect.
	Unflagged Fault = "unflagged"
	// EmptyState of a car.
	EmptyState Fault = "empty_state"
	// Placeholders in a car's state: what cars send while they know nothing.
	Placeholders Fault = "placeholders"
	// Edit of any members.
	Edit Fault = "edit"
)

// What happens to the cloud or to a car.
const (
	// ExpireTokens of the vehicle API.
	ExpireTokens Fault = "expire_tokens"
	// RevokeSessions: all tokens end, also those for renewals.
	RevokeSessions Fault = "revoke_sessions"
	// DropDevices: device ids are forgotten.
	DropDevices Fault = "drop_devices"
	// Silent car: it does not answer when it is woken.
	Silent Fault = "silent"
	// Down: an outage of the vehicle API.
	Down Fault = "down"
	// Quota of calls a day.
	Quota Fault = "quota"
)

// kind says how a fault works: it either answers calls or begins and ends.
type kind struct {
	// needs and may are the members of a step that it must and can have.
	needs, may []string
	// on and paths are the classes, and the ends of the paths, of the calls that it
	// meets by default. Empty: all.
	on    []Class
	paths []string
	// answer answers one call.
	answer func(c *Cloud, s Step, w http.ResponseWriter, r *http.Request)
	// begin changes the cloud; end, if it has one, changes it back.
	begin func(c *Cloud, s Step, at time.Time) (end func(at time.Time))
}

func (k kind) takes(member string) bool {
	if k.answer != nil && slices.Contains([]string{"car", "times", "for", "always"}, member) {
		return true
	}
	return slices.Contains(k.needs, member) || slices.Contains(k.may, member)
}

// lasting is what a state may have that can end.
var lasting = []string{"for"}

var atSignIn = []string{signInPath}

// ofStates are the ends of the paths of calls whose answers hold a car's state.
var ofStates = []string{"/latest", "/status"}

// faults are all there are.
var faults = map[Fault]kind{
	Refusal: {needs: []string{"code"}, may: []string{"status", "text", "retry_after"}, answer: answerRefusal},
	Status:  {needs: []string{"status"}, may: []string{"text", "retry_after"}, answer: answerStatus},
	Blocked: {may: []string{"status", "retry_after"}, answer: answerBlocked},
	Page:    {may: []string{"text"}, answer: answerPage},
	Garbage: {may: []string{"status", "text"}, answer: answerGarbage},
	Empty:   {may: []string{"status"}, answer: answerEmpty},
	Huge:    {may: []string{"bytes"}, answer: answerHuge},

	RejectToken:   {paths: []string{"/oauth2/token", "/token-refresh"}, answer: answerRejectToken},
	WrongPassword: {paths: atSignIn, answer: answerWrongPassword},
	Locked:        {paths: atSignIn, answer: answerLocked},
	Captcha:       {paths: atSignIn, answer: answerCaptcha},
	Consent:       {paths: atSignIn, answer: answerConsent},

	Hang:     {answer: answerNever},
	Delay:    {needs: []string{"delay"}, answer: answerLate},
	Drip:     {may: []string{"delay"}, answer: answerDrip},
	Truncate: {answer: answerTruncated},
	Reset:    {answer: answerReset},

	OldTime:      {may: []string{"age"}, paths: ofStates, answer: altered(age)},
	Unflagged:    {on: []Class{List}, answer: altered(unflag)},
	EmptyState:   {paths: ofStates, answer: altered(empty)},
	Placeholders: {paths: ofStates, answer: altered(forget)},
	Edit:         {may: []string{"set", "remove"}, answer: altered(edit)},

	ExpireTokens:   {begin: once((*Cloud).ExpireTokens)},
	RevokeSessions: {begin: once((*Cloud).RevokeSessions)},
	DropDevices:    {begin: once((*Cloud).DropDevices)},
	Silent:         {needs: []string{"car"}, may: lasting, begin: beginSilence},
	Down:           {may: lasting, begin: beginOutage},
	Quota:          {needs: []string{"calls"}, may: lasting, begin: beginQuota},
}

// Faults are all there are, in the order of the alphabet.
func Faults() []Fault {
	all := make([]Fault, 0, len(faults))
	for name := range faults {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// once is a change that nothing undoes.
func once(change func(*Cloud)) func(*Cloud, Step, time.Time) func(time.Time) {
	return func(c *Cloud, _ Step, _ time.Time) func(time.Time) {
		change(c)
		return nil
	}
}

func beginSilence(c *Cloud, s Step, at time.Time) func(time.Time) {
	car := c.find(s.Car)
	car.sleep(1, at)
	return func(at time.Time) { car.sleep(-1, at) }
}

func beginOutage(c *Cloud, _ Step, _ time.Time) func(time.Time) {
	c.addOutage(1)
	return func(time.Time) { c.addOutage(-1) }
}

func beginQuota(c *Cloud, s Step, _ time.Time) func(time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	mine := &s.Calls
	c.quotas = append(c.quotas, mine)
	return func(time.Time) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.quotas = slices.DeleteFunc(c.quotas, func(q *int) bool { return q == mine })
	}
}

func retryAfter(w http.ResponseWriter, s Step) {
	if s.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((s.RetryAfter+time.Second-1)/time.Second)))
	}
}
