package europe

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// meaning of an answer.
type meaning struct {
	reason    shared.Reason // "": the session has ended
	retry     time.Duration
	temporary bool
	code      string
}

func (want meaning) check(t *testing.T, err error) {
	t.Helper()
	if want.reason == "" {
		require.ErrorIs(t, err, sdk.ErrSessionExpired)
		assertClean(t, err)
		return
	}
	e := failure(t, err, want.reason)
	assert.Equal(t, want.retry, e.RetryAfter)
	assert.Equal(t, want.temporary, e.Temporary)
	assert.Equal(t, want.code, e.VendorCode)
	assert.NotEmpty(t, e.Message)
}

// asked says what a read and a wake make of an answer.
func asked(t *testing.T, answer http.HandlerFunc, read, wake meaning) {
	t.Helper()
	client := scripted(t, answer)
	_, err := client.Vehicles(t.Context())
	read.check(t, err)
	_, err = client.Force(t.Context(), scriptedCar, time.Time{})
	wake.check(t, err)
}

// The table of docs/protocol-europe.md, section "Result codes".
func TestResultCodes(t *testing.T) {
	t.Parallel()
	// Noon in Berlin; the limit resets at five past midnight.
	const untilReset = 12*time.Hour + 5*time.Minute
	same := meaning{reason: "same"}
	for _, tc := range []struct {
		code, text string
		status     int
		read, wake meaning
	}{
		{"4002", "Invalid request body - Invalid parameter.", 400, meaning{shared.ReasonInvalidCommand, 0, false, "4002"}, same},
		{"4002", "service problem, because of anything problem", 400, meaning{shared.ReasonVendorUnavailable, 5 * time.Minute, true, "4002"}, same},
		{"4003", "Invalid values", 400, meaning{shared.ReasonInvalidCommand, 0, false, "4003"}, same},
		{"4004", "Duplicate request", 400, meaning{shared.ReasonVehicleBusy, time.Minute, true, "4004"}, same},
		{"4005", "Unsupported control request - Vehicle is not Supported", 400, meaning{shared.ReasonUnsupported, 0, false, "4005"}, meaning{shared.ReasonUnsupported, 24 * time.Hour, false, "4005"}},
		{"4006", "TMU timeout", 408, meaning{shared.ReasonVehicleUnreachable, 30 * time.Minute, true, "4006"}, same},
		{"4007", "Remote control unavailable", 400, meaning{shared.ReasonGuardRefused, 24 * time.Hour, false, "4007"}, same},
		{"4010", "Require authentication", 401, meaning{}, same},
		{"4010", "Require authentication", 400, meaning{}, same},
		{"", "no code at all", 401, meaning{}, same},
		{"4017", "Invalid request value - Invalid Application Id.", 401, meaning{shared.ReasonVendorChanged, 24 * time.Hour, false, "4017"}, same},
		{"4081", "Request timeout", 408, meaning{shared.ReasonVehicleUnreachable, 10 * time.Minute, true, "4081"}, same},
		{
			"5031", "Unavailable remote control - Service Temporary Unavailable", 503,
			meaning{shared.ReasonVendorUnavailable, 5 * time.Minute, true, "5031"},
			meaning{shared.ReasonVehicleUnreachable, 5 * time.Minute, true, "5031"},
		},
		{"5091", "Exceeds number of requests", 509, meaning{shared.ReasonRateLimited, untilReset, true, "5091"}, same},
		{"5153", "Invalid valet auth", 400, meaning{shared.ReasonGuardRefused, time.Hour, false, "5153"}, same},
		{"5921", "No Data Found v2", 400, meaning{shared.ReasonVehicleUnreachable, 24 * time.Hour, true, "5921"}, same},
		{
			"9999", "Undefined Error - Response timeout", 400,
			meaning{shared.ReasonVendorTimeout, 5 * time.Minute, true, "9999"},
			meaning{shared.ReasonVehicleUnreachable, 5 * time.Minute, true, "9999"},
		},
		{"5999", "a code of the vendor's side", 400, meaning{shared.ReasonVendorUnavailable, 0, true, "5999"}, same},
		{"4999", "a code that nobody knows", 400, meaning{shared.ReasonInvalidResponse, 0, true, "4999"}, same},
		{"4999", "the same in an outage", 500, meaning{shared.ReasonVendorUnavailable, 0, true, "4999"}, same},
		{"", "no code", 400, meaning{shared.ReasonInvalidResponse, 0, true, "400"}, same},
		{"", "no code", 429, meaning{shared.ReasonRateLimited, 10 * time.Minute, true, "429"}, same},
		{"", "no code", 509, meaning{shared.ReasonRateLimited, untilReset, true, "5091"}, same},
		{"", "no code", 502, meaning{shared.ReasonVendorUnavailable, 0, true, "502"}, same},
		{"", "no code", 504, meaning{shared.ReasonVendorUnavailable, 0, true, "504"}, same},
	} {
		if tc.wake == same {
			tc.wake = tc.read
		}
		body := fmt.Sprintf(`{"retCode":"F","resCode":%q,"resMsg":%q,"msgId":"m"}`, tc.code, tc.text)
		if tc.code == "" {
			body = fmt.Sprintf(`{"retCode":"F","resMsg":%q}`, tc.text)
		}
		t.Run(fmt.Sprintf("%s %d %s", tc.code, tc.status, tc.text), func(t *testing.T) {
			t.Parallel()
			asked(t, text(tc.status, body), tc.read, tc.wake)
		})
		// The body counts, whatever the status.
		if tc.code != "" && tc.code != "4999" {
			t.Run(fmt.Sprintf("%s under 200 %s", tc.code, tc.text), func(t *testing.T) {
				t.Parallel()
				asked(t, text(http.StatusOK, body), tc.read, tc.wake)
			})
		}
	}
}

// Answers without the usual envelope.
func TestOtherAnswers(t *testing.T) {
	t.Parallel()
	firewall := func(code string) meaning { return meaning{shared.ReasonVendorBlocked, 4 * time.Hour, true, code} }
	unknown := func(code string) meaning { return meaning{shared.ReasonInvalidResponse, 0, true, code} }
	outage := func(code string) meaning { return meaning{shared.ReasonVendorUnavailable, 0, true, code} }
	refused := meaning{shared.ReasonTokenRejected, 0, false, "7501"}
	ended := meaning{}
	for name, tc := range map[string]struct {
		status int
		body   string
		want   meaning
	}{
		"HTML 403":         {403, nginx403, firewall("403")},
		"empty 403":        {403, "", firewall("403")},
		"abusing 200":      {200, abusingPage, firewall("200")},
		"ABUSING 400":      {400, "<p>ABUSING REQUEST</p>", firewall("400")},
		"HTML 200":         {200, "<html><body>Welcome</body></html>", unknown("200")},
		"HTML 404":         {404, "<html></html>", unknown("404")},
		"HTML 500":         {500, "<html></html>", outage("500")},
		"HTML 502":         {502, "<html><h1>502 Bad Gateway</h1></html>", outage("502")},
		"HTML 429":         {429, "<html></html>", meaning{shared.ReasonRateLimited, 10 * time.Minute, true, "429"}},
		"empty 509":        {509, "", meaning{shared.ReasonRateLimited, 12*time.Hour + 5*time.Minute, true, "5091"}},
		"empty 200":        {200, "", unknown("200")},
		"empty 504":        {504, "", outage("504")},
		"truncated":        {200, `{"retCode":"S","resCode":"0000","resMsg":{"vehicles":[{"veh`, unknown("200")},
		"list":             {200, `[{"retCode":"S"}]`, unknown("200")},
		"null":             {200, `null`, unknown("200")},
		"number":           {200, `0`, unknown("200")},
		"two documents":    {200, `{"retCode":"S"}{"retCode":"S"}`, unknown("200")},
		"no known field":   {200, `{"status":"UP"}`, unknown("")},
		"other error text": {200, `{"error":"something else"}`, unknown("")},

		"token expired":       {401, `{"error":"Key not authorized: Token is expired"}`, ended},
		"token has expired":   {401, `{"error":"Key not authorized: token has expired"}`, ended},
		"expired under 403":   {403, `{"error":"Key not authorized: Token is expired"}`, ended},
		"expired under 200":   {200, `{"error":"Key not authorized: Token is expired"}`, ended},
		"401 of any text":     {401, `{"error":"unauthorized"}`, ended},
		"401 of errCode":      {401, `{"errId":"5f","errCode":"4010","errMsg":"Require authentication"}`, ended},
		"401 without a body":  {401, "", ended},
		"401 with a page":     {401, "<html><h1>401 Authorization Required</h1></html>", ended},
		"numeric result code": {509, `{"retCode":"F","resCode":5153,"resMsg":"Invalid valet auth"}`, meaning{shared.ReasonGuardRefused, time.Hour, false, "5153"}},

		"refused refresh token":      {400, `{"retId":"9f","retCode":7501,"retMsg":"Received unexpected statusCode","retSubMsg":"{}","retValue":null}`, refused},
		"the same by its code alone": {400, `{"retCode":7501}`, refused},
		"the same as text":           {400, `{"retCode":"7501"}`, refused},
		"the same under 200":         {200, `{"retCode":7501}`, refused},
		"the same under 401":         {401, `{"retCode":7501,"retMsg":"Received unexpected statusCode"}`, refused},
		"the same under 403":         {403, `{"retCode":7501}`, refused},
		"the same under 500":         {500, `{"retCode":7501}`, refused},
		"a refused sign-in": {
			400, `{"errId":"5f","errCode":"4003","errMsg":"Invalid values","errBody":{"userId":"","remainCount":4,"remainTime":300}}`,
			meaning{shared.ReasonInvalidCommand, 0, false, "4003"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked(t, text(tc.status, tc.body), tc.want, tc.want)
		})
	}
}

// The vendor's own words, the token and the path stay out of what we say, even
// if the vendor repeats them.
func TestErrorsRepeatNothing(t *testing.T) {
	t.Parallel()
	echo := func(status int, format string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			words := r.Header.Get("Authorization") + " http://host" + r.URL.Path + " owner@example.com"
			text(status, fmt.Sprintf(format, words))(w, r)
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"message":      echo(400, `{"retCode":"F","resCode":"4003","resMsg":%q}`),
		"device":       echo(400, `{"retCode":"F","resCode":"4002","resMsg":"Invalid deviceId %s"}`),
		"gateway":      echo(401, `{"error":"Key not authorized: Token is expired %s"}`),
		"page":         echo(502, `<html>%s</html>`),
		"unknown JSON": echo(200, `{"hello":%q}`),
		"code":         echo(400, `{"retCode":"F","resCode":"7","resMsg":%q}`),
		"no answer":    hangUp,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := scripted(t, answer)
			_, err := client.Vehicles(t.Context())
			require.Error(t, err)
			assertClean(t, err)
			_, err = client.Cached(t.Context(), ccs1ID)
			require.Error(t, err)
			assertClean(t, err)
		})
	}
}

func TestDailyLimitEndsAtItsReset(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for _, tc := range []struct {
		at   time.Time
		want time.Duration
	}{
		{time.Date(2026, 7, 1, 12, 0, 0, 0, berlin), 12*time.Hour + 5*time.Minute},
		{time.Date(2026, 7, 1, 23, 59, 0, 0, berlin), 6 * time.Minute},
		// Between midnight and the reset the limit is still yesterday's.
		{time.Date(2026, 7, 1, 0, 2, 0, 0, berlin), 3 * time.Minute},
		{time.Date(2026, 7, 1, 0, 5, 0, 0, berlin), 24 * time.Hour},
		{time.Date(2026, 12, 31, 20, 0, 0, 0, berlin), 4*time.Hour + 5*time.Minute},
		// The nights in which the clocks change.
		{time.Date(2026, 3, 29, 0, 10, 0, 0, berlin), 23*time.Hour - 5*time.Minute},
		{time.Date(2026, 10, 25, 0, 10, 0, 0, berlin), 25*time.Hour - 5*time.Minute},
	} {
		t.Run(tc.at.Format(time.DateTime), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(text(509, `{"retCode":"F","resCode":"5091","resMsg":"Exceeds number of requests"}`))
			t.Cleanup(server.Close)
			clock := &clock{t: tc.at}
			client := signedIn(t, server.URL, func(o *ccs.Options) { o.Now = clock.now })
			require.NoError(t, client.Account().Update(func(s *ccs.Session) { s.ExpiresAt = tc.at.Add(forever).UnixMilli() }))
			_, err := client.Vehicles(t.Context())
			assert.Equal(t, tc.want, failure(t, err, shared.ReasonRateLimited).RetryAfter)
		})
	}
}

// TestServerSaysWhenTheLimitEnds: what it says goes before what is assumed.
func TestServerSaysWhenTheLimitEnds(t *testing.T) {
	t.Parallel()
	epoch := func(in time.Duration) string { return strconv.FormatInt(summer.Add(in).Unix(), 10) }
	for name, tc := range map[string]struct {
		status         int
		reset, retryIn string
		want           time.Duration
	}{
		"nothing said":        {509, "", "", 12*time.Hour + 5*time.Minute},
		"a reset":             {509, epoch(3 * time.Hour), "", 3 * time.Hour},
		"a reset that passed": {509, epoch(-time.Hour), "", 12*time.Hour + 5*time.Minute},
		"no time":             {509, "0", "", 12*time.Hour + 5*time.Minute},
		"no number":           {509, "soon", "", 12*time.Hour + 5*time.Minute},
		"beyond a day":        {509, epoch(48 * time.Hour), "", 12*time.Hour + 5*time.Minute},
		"both":                {509, epoch(3 * time.Hour), "18000", 5 * time.Hour},
		"too many":            {429, "", "", 10 * time.Minute},
		"too many, a reset":   {429, epoch(time.Minute), "", time.Minute},
		"too many, seconds":   {429, "", "1800", 30 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Ratelimit-Reset", tc.reset)
				w.Header().Set("Retry-After", tc.retryIn)
				w.WriteHeader(tc.status)
			}))
			t.Cleanup(server.Close)
			clock := &clock{t: summer}
			client := signedIn(t, server.URL, func(o *ccs.Options) { o.Now = clock.now })
			require.NoError(t, client.Account().Update(func(s *ccs.Session) { s.ExpiresAt = summer.Add(forever).UnixMilli() }))
			_, err := client.Vehicles(t.Context())
			assert.Equal(t, tc.want, failure(t, err, shared.ReasonRateLimited).RetryAfter)
			assert.True(t, sdk.HasClosure(err))
		})
	}
}

func TestHugeBodyIsNotRead(t *testing.T) {
	t.Parallel()
	// It would be a success.
	asked(t, text(http.StatusOK, strings.Repeat(" ", 5<<20)+`{"retCode":"S","resMsg":{"vehicles":[]}}`),
		meaning{shared.ReasonInvalidResponse, 0, true, ""}, meaning{shared.ReasonInvalidResponse, 0, true, ""})
}

func TestLargeBodyIsRead(t *testing.T) {
	t.Parallel()
	client := scripted(t, text(http.StatusOK, strings.Repeat(" ", 4<<20-100)+`{"retCode":"S","resMsg":{"vehicles":[]}}`))
	_, err := client.Vehicles(t.Context())
	require.NoError(t, err)
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	headerThenNothing := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"retCode":`))
		w.(http.Flusher).Flush()
		hang(w, r)
	}
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"retCode":`))
	}
	t.Run("the caller's deadline", func(t *testing.T) {
		t.Parallel()
		for name, answer := range map[string]http.HandlerFunc{"before the header": hang, "in the body": headerThenNothing} {
			synctest.Test(t, func(t *testing.T) {
				client := signedIn(t, pipeBase, overPipes(t, answer))
				for what, call := range map[string]func(context.Context) error{
					"read": func(ctx context.Context) error { _, err := client.Vehicles(ctx); return err },
					"wake": func(ctx context.Context) error { _, err := client.Force(ctx, ccs1ID, time.Time{}); return err },
				} {
					begun := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // ours is longer
					err := call(ctx)
					cancel()
					require.ErrorIs(t, err, context.DeadlineExceeded, "%s, %s", what, name)
					assertClean(t, err)
					assert.Equal(t, 30*time.Second, time.Since(begun), "%s, %s", what, name)
				}
			})
		}
	})
	t.Run("our own limit", func(t *testing.T) {
		t.Parallel()
		for name, answer := range map[string]http.HandlerFunc{"before the header": hang, "in the body": headerThenNothing} {
			synctest.Test(t, func(t *testing.T) {
				client := signedIn(t, pipeBase, overPipes(t, answer))
				for _, wakes := range []bool{false, true} {
					begun := time.Now()
					_, err := client.Account().Send(t.Context(), ccs.Request{
						Method: http.MethodGet, URL: client.Account().Profile().APIURL + listPath, Timeout: time.Minute, Wakes: wakes,
					})
					e := failure(t, err, shared.ReasonVendorTimeout)
					assert.Equal(t, wakes, e.MayHaveHappened, name)
					assert.Equal(t, time.Minute, time.Since(begun), name)
				}
			})
		}
	})
	t.Run("connection refused", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		client := signedIn(t, server.URL)
		_, err := client.Vehicles(t.Context())
		fails(t, err, shared.ReasonVendorUnavailable)
		_, err = client.Force(t.Context(), ccs1ID, time.Time{})
		assert.False(t, failure(t, err, shared.ReasonVendorUnavailable).MayHaveHappened, "nothing was sent")
	})
	t.Run("connection broken", func(t *testing.T) {
		t.Parallel()
		for name, answer := range map[string]http.HandlerFunc{"before the header": hangUp, "in the body": cut} {
			client := scripted(t, answer)
			_, err := client.Vehicles(t.Context())
			fails(t, err, shared.ReasonVendorUnavailable)
			_, err = client.Force(t.Context(), ccs1ID, time.Time{})
			assert.True(t, failure(t, err, shared.ReasonVendorUnavailable).MayHaveHappened, "%s: the wake was sent", name)
		}
	})
}
