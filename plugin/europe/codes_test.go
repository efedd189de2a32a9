package europe

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// outcomeOf is what a result code does when it comes again and again.
type outcomeOf struct {
	reason shared.Reason
	// sent is how often the cloud is asked for six commands.
	sent int
	// others says what a command for another car gets after that: "" for its
	// data.
	others shared.Reason
	// registered counts devices that were registered for it, logins passwords.
	registered, logins int
}

// TestEveryCodeInTheEngine: six commands meet the same code, on a read or on a
// wake. It shows what is sent, what is closed for whom, that one car's trouble
// does not open the breaker for another. A wake is sent as often as its column says and
// not once more.
func TestEveryCodeInTheEngine(t *testing.T) {
	t.Parallel()
	answer := func(status int, code, message string) http.HandlerFunc {
		return text(status, fmt.Sprintf(`{"retCode":"F","resCode":%q,"resMsg":%q}`, code, message))
	}
	const all, once = 6, 1
	for name, tc := range map[string]struct {
		answer     http.HandlerFunc
		read, wake outcomeOf
	}{
		"4002 device id": {
			answer(400, "4002", "Invalid request body - Invalid deviceId."),
			// The first command registers anew; then the car is left alone.
			outcomeOf{shared.ReasonVendorUnavailable, 2 * once, "", once, 0},
			outcomeOf{shared.ReasonVendorUnavailable, 2 * once, "", once, 0},
		},
		"4002 parameter": {
			answer(400, "4002", "Invalid request body - Invalid parameter."),
			outcomeOf{shared.ReasonInvalidCommand, all, "", 0, 0},
			outcomeOf{shared.ReasonInvalidCommand, all, "", 0, 0},
		},
		"4003": {
			answer(400, "4003", "Invalid values"),
			outcomeOf{shared.ReasonInvalidCommand, all, "", 0, 0},
			outcomeOf{shared.ReasonInvalidCommand, all, "", 0, 0},
		},
		"4004": {
			answer(400, "4004", "Duplicate request"),
			outcomeOf{shared.ReasonVehicleBusy, all, "", 0, 0},
			outcomeOf{shared.ReasonVehicleBusy, once, "", 0, 0},
		},
		"4005": {
			answer(400, "4005", "Unsupported control request - Vehicle is not Supported"),
			outcomeOf{shared.ReasonUnsupported, all, "", 0, 0},
			outcomeOf{shared.ReasonUnsupported, once, "", 0, 0},
		},
		"4006": {
			answer(408, "4006", "TMU timeout"),
			outcomeOf{shared.ReasonVehicleUnreachable, all, "", 0, 0},
			outcomeOf{shared.ReasonVehicleUnreachable, once, "", 0, 0},
		},
		"4007": {
			answer(400, "4007", "Remote control unavailable"),
			outcomeOf{shared.ReasonGuardRefused, all, "", 0, 0},
			outcomeOf{shared.ReasonGuardRefused, once, "", 0, 0},
		},
		"4017": {
			answer(401, "4017", "Invalid request value - Invalid Application Id."),
			outcomeOf{shared.ReasonVendorChanged, once, shared.ReasonVendorChanged, 0, 0},
			outcomeOf{shared.ReasonVendorChanged, once, shared.ReasonVendorChanged, 0, 0},
		},
		"4081": {
			answer(408, "4081", "Request timeout"),
			outcomeOf{shared.ReasonVehicleUnreachable, all, "", 0, 0},
			outcomeOf{shared.ReasonVehicleUnreachable, 3, "", 0, 0},
		},
		"5031": {
			answer(503, "5031", "Unavailable remote control - Service Temporary Unavailable"),
			outcomeOf{shared.ReasonVendorUnavailable, all, "", 0, 0},
			outcomeOf{shared.ReasonVehicleUnreachable, 3, "", 0, 0},
		},
		"5091": {
			answer(509, "5091", "Exceeds number of requests"),
			outcomeOf{shared.ReasonRateLimited, once, shared.ReasonRateLimited, 0, 0},
			outcomeOf{shared.ReasonRateLimited, once, shared.ReasonRateLimited, 0, 0},
		},
		"509 without a code": {
			text(509, `{}`),
			outcomeOf{shared.ReasonRateLimited, once, shared.ReasonRateLimited, 0, 0},
			outcomeOf{shared.ReasonRateLimited, once, shared.ReasonRateLimited, 0, 0},
		},
		"5153": {
			answer(400, "5153", "Invalid valet auth"),
			outcomeOf{shared.ReasonGuardRefused, once, "", 0, 0},
			outcomeOf{shared.ReasonGuardRefused, once, "", 0, 0},
		},
		"5921": {
			answer(400, "5921", "No Data Found v2"),
			outcomeOf{shared.ReasonVehicleUnreachable, once, "", 0, 0},
			outcomeOf{shared.ReasonVehicleUnreachable, once, "", 0, 0},
		},
		"9999": {
			answer(400, "9999", "Undefined Error - Response timeout"),
			outcomeOf{shared.ReasonVendorTimeout, all, "", 0, 0},
			outcomeOf{shared.ReasonVehicleUnreachable, 3, "", 0, 0},
		},
		"firewall": {
			text(http.StatusForbidden, nginx403),
			outcomeOf{shared.ReasonVendorBlocked, once, shared.ReasonVendorBlocked, 0, 0},
			outcomeOf{shared.ReasonVendorBlocked, once, shared.ReasonVendorBlocked, 0, 0},
		},
		"503 with Retry-After": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "600")
				w.WriteHeader(http.StatusServiceUnavailable)
			},
			outcomeOf{shared.ReasonVendorUnavailable, once, shared.ReasonVendorUnavailable, 0, 0},
			outcomeOf{shared.ReasonVendorUnavailable, once, shared.ReasonVendorUnavailable, 0, 0},
		},
		"4010": {
			answer(401, "4010", "Require authentication"),
			// The session is renewed for it, without the password; the list of cars shows
			// that it is good, so one car's refusal costs neither a login nor the lock.
			outcomeOf{shared.ReasonAuthFailed, 9, "", 0, 0},
			outcomeOf{shared.ReasonAuthFailed, 2 * all, "", 0, 0},
		},
		"gateway": {
			text(http.StatusBadGateway, ""),
			outcomeOf{shared.ReasonVendorUnavailable, all, "", 0, 0},
			outcomeOf{shared.ReasonVendorUnavailable, all, "", 0, 0},
		},
	} {
		for kind, want := range map[string]outcomeOf{"read": tc.read, "wake": tc.wake} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				c := newCloud(t, cloudsim.Options{})
				e := c.engine(t)
				// The wake's baseline is read, and so is a session that works.
				_, err := e.RefreshCached(t.Context(), ccs2ID)
				require.NoError(t, err)
				path, refresh := latestCCS2, e.RefreshCached
				if kind == "wake" {
					path, refresh = wakeCCS2, e.RefreshForce
				}
				devices, logins := c.Calls(cloudsim.Register), c.Calls(cloudsim.Login)
				c.intercept(on(path, tc.answer))
				for range all {
					_, err := refresh(t.Context(), ccs2ID)
					require.ErrorIs(t, err, want.reason)
				}
				got := outcomeOf{
					reason: want.reason, sent: c.seen(path),
					registered: c.Calls(cloudsim.Register) - devices, logins: c.Calls(cloudsim.Login) - logins,
				}
				c.intercept(nil)
				if _, err := e.RefreshCached(t.Context(), ccs1ID); err != nil {
					var api *shared.APIError
					require.True(t, errors.As(err, &api))
					got.others = api.Reason
				}
				assert.Equal(t, want, got)
				if kind == "read" {
					assert.Zero(t, c.seen(wakeCCS2), "a read wakes nobody, whatever it meets")
				}
			})
		}
	}
}
