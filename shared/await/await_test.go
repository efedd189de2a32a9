package await_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// failing is a test that notes how it was ended.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// watch runs what a test would do and returns why that test ended.
func watch(f func(tb testing.TB)) string {
	tb := &failing{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(tb)
	}()
	<-done
	return tb.said
}

func TestWhatHappensIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		const late = await.Limit - time.Minute
		await.True(t, "it is late", func() bool { return time.Since(begun) >= late })

		ch := make(chan int)
		go func() {
			time.Sleep(late)
			ch <- 5
			close(ch)
		}()
		assert.Equal(t, 5, await.Value(t, "a number", ch))
		assert.Zero(t, await.Value(t, "the end", ch))
		assert.NoError(t, await.Context(t, "nothing").Err())
	})
}

func TestHangIsToldInWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		assert.Contains(t, watch(func(tb testing.TB) {
			tb.Helper()
			await.True(tb, "the sun is up", func() bool { return false })
		}), "the sun is up")
		assert.Contains(t, watch(func(tb testing.TB) {
			tb.Helper()
			await.Value(tb, "a letter", make(chan int))
		}), "a letter")

		ctx := await.Context(t, "a bus")
		<-ctx.Done()
		assert.ErrorContains(t, context.Cause(ctx), "a bus")
	})
}
