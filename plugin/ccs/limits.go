package ccs

import (
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
)

// Limits implements [sdk.Limited]: what docs/protocol-europe.md, section
// "Limits", knows of the quota, with room for the owner's app, and what a 12 V
// battery bears.
func (c *Client) Limits() sdk.Limits {
	return c.opts.Limits.Or(sdk.Limits{
		CallsPerDay: 180, Reserve: 40, LoginsPerDay: 10, WakesPerDay: 20, WakeInterval: 5 * time.Minute, AuxStop: 60, AuxResume: 75,
		// A read is the status and the position; a wake is followed by some re-reads.
		Prices: sdk.Prices{Login: 7, Renewal: 2, List: 1, Read: 2, Wake: 6},
		Zone:   c.account.Zone, ResetAt: resetAt, Metered: true,
	})
}

// Schedule implements [sdk.Scheduled].
func (c *Client) Schedule() sdk.Schedule { return c.opts.Plan }

// resetAt is how long after midnight in the region's zone the vendor's day is
// taken to begin.
const resetAt = 5 * time.Minute
