package gate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Refusals that were lost may still be in force: calls wait, also after another restart.
func TestDamagedClosuresAreInForce(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	var said *shared.APIError
	open := func() *Gate {
		o := options(Policy{}, d, c)
		o.Closed = func(refusal *shared.APIError) { said = refusal }
		return New(o)
	}
	require.True(t, open().ask(list).Allowed)
	d.docs[closuresDoc] = nil

	refused := open().ask(list)
	assert.Equal(t, VendorRefused, refused.Rule)
	assert.True(t, refused.Until.Equal(c.t.Add(time.Hour)))
	require.NotNil(t, said, "health says so")
	c.t = c.t.Add(59 * time.Minute)
	assert.False(t, open().ask(read).Allowed)
	c.t = c.t.Add(time.Minute)
	assert.True(t, open().ask(read).Allowed)
}

// A clock that is set back neither ends a refusal nor makes it longer than it was.
func TestClosuresOfAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	for _, back := range []time.Duration{time.Minute, 20 * time.Hour, 40 * time.Hour, 10 * 365 * 24 * time.Hour} {
		c, d := noon(t), newDisk()
		limited := shared.NewError(shared.ReasonRateLimited)
		limited.RetryAfter = 20 * time.Hour
		open(Policy{}, d, c).Note(list, limited)

		c.t = c.t.Add(-back)
		refused := open(Policy{}, d, c).ask(list)
		require.Equal(t, VendorRefused, refused.Rule, back)
		assert.LessOrEqual(t, refused.Until.Sub(c.t), 20*time.Hour, back)
		c.t = c.t.Add(20 * time.Hour)
		assert.True(t, open(Policy{}, d, c).ask(list).Allowed, back)
	}
}
