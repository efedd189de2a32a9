package mqtt

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

func TestInboxIsBounded(t *testing.T) {
	i := newInbox()
	for range maxWaiting + 10 {
		i.put(message{topic: "hyundai/car1/commands/refresh", payload: []byte("cached")})
	}
	assert.Equal(t, 10, i.lost())
	assert.Zero(t, i.lost(), "told once")
	i.close()
	taken, overflow := 0, 0
	for {
		m, ok := i.take()
		if !ok {
			break
		}
		taken++
		if m.overflow {
			overflow++
			_, err := m.parse("car1")
			require.ErrorIs(t, err, shared.ReasonQueueFull)
			assert.Positive(t, shared.AsAPIError(err).RetryAfter)
		}
		i.done()
	}
	assert.Equal(t, maxWaiting, taken, "whoever is counted out is counted, everybody else is answered")
	assert.Equal(t, maxWaiting-maxCommands, overflow)
	i.put(message{})
	_, ok := i.take()
	assert.False(t, ok, "a closed inbox takes nothing")
}

func TestInboxKeepsItsOwnCopy(t *testing.T) {
	i := newInbox()
	payload := []byte("cached")
	i.put(message{payload: payload})
	copy(payload, "xxxxxx")
	m, _ := i.take()
	assert.Equal(t, "cached", string(m.payload))
}

func TestInboxGivesEachMessageOnce(t *testing.T) {
	i := newInbox()
	var all, takers sync.WaitGroup
	got := make(chan string, 4000)
	for range 4 {
		takers.Go(func() {
			for {
				m, ok := i.take()
				if !ok {
					i.signal() // for the next taker
					return
				}
				got <- m.topic
				i.done()
			}
		})
	}
	for n := range 8 {
		all.Go(func() {
			for range 500 {
				i.put(message{topic: string(rune('a' + n))})
			}
		})
	}
	all.Wait()
	i.close()
	takers.Wait()
	close(got)
	counts := map[string]int{}
	for topic := range got {
		counts[topic]++
	}
	assert.Len(t, counts, 8)
	for topic, n := range counts {
		assert.Equal(t, 500, n, topic)
	}
}

func FuzzCommand(f *testing.F) {
	for _, s := range []string{"cached", "force", "smart", "smart:60", "smart: 1 ", "smart:604800", "", "\xff", "smart:-1", "smart:0x10", "force:override", "force: override ", "smart:override", "cached:override", "force:", `{"mode":"smart","max_age":300,"id":"abc","timeout":60,"override":false}`, `{"mode":"force","override":true}`, `{"id":"x"`, `{"mode":"cached"}}`, `{}`, `[1]`, `{"mode":"force","mode":1}`, `{"max_age":1e9}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		cmd, err := ParseCommand(payload)
		assert.LessOrEqual(t, len(cmd.ID), maxID)
		if err != nil {
			require.ErrorIs(t, err, shared.ReasonInvalidCommand)
			require.NotEmpty(t, faultOf(err).Code)
			assert.Less(t, len(err.Error()), 1000)
			return
		}
		require.NoError(t, cmd.Mode.Check())
		again, err := ParseCommand([]byte(cmd.String()))
		require.NoError(t, err)
		assert.Equal(t, Command{Mode: cmd.Mode, MaxAge: cmd.MaxAge, Override: cmd.Override}, again)
	})
}
