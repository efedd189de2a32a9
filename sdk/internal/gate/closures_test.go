package gate

import (
	"log/slog"
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
	open := func() *Closures {
		return NewClosures(ClosuresOptions{
			Store: d, Logger: slog.New(slog.DiscardHandler), Now: c.now, Account: "me", Build: "1",
			Changed: func(refusal *shared.APIError) { said = refusal },
		})
	}
	require.False(t, open().Closed(Call{}))
	d.docs[closuresDoc] = nil

	refusal := open().Check(Call{})
	require.NotNil(t, refusal)
	assert.Equal(t, time.Hour, refusal.RetryAfter)
	require.NotNil(t, said, "health says so")
	c.t = c.t.Add(59 * time.Minute)
	assert.True(t, open().Closed(Call{Vehicle: "a"}))
	c.t = c.t.Add(time.Minute)
	assert.False(t, open().Closed(Call{Vehicle: "a"}))
}

// A clock that is set back neither ends a refusal nor makes it longer than it was.
func TestClosuresOfAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	for _, back := range []time.Duration{time.Minute, 20 * time.Hour, 40 * time.Hour, 10 * 365 * 24 * time.Hour} {
		c, d := noon(t), newDisk()
		open := func() *Closures {
			return NewClosures(ClosuresOptions{
				Store: d, Logger: slog.New(slog.DiscardHandler), Now: c.now, Account: "me", Build: "1", Changed: func(*shared.APIError) {},
			})
		}
		limited := shared.NewError(shared.ReasonRateLimited)
		limited.RetryAfter = 20 * time.Hour
		open().Note(Call{}, 0, limited)

		c.t = c.t.Add(-back)
		refusal := open().Check(Call{})
		require.NotNil(t, refusal, back)
		assert.LessOrEqual(t, refusal.RetryAfter, 20*time.Hour, back)
		c.t = c.t.Add(20 * time.Hour)
		assert.False(t, open().Closed(Call{}), back)
	}
}
