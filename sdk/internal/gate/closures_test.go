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
