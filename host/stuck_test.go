package host_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
)

// TestPluginThatIsStuckStartsAnew: calls to the vendor that never end pile up in
// the process, and only a new one is rid of them.
func TestPluginThatIsStuckStartsAnew(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.set("deaf")
	h := start(t, s, nil, spec("p", "good", s))
	h.reaches("p", host.Ready)
	pid := h.status("p").PID
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var callers sync.WaitGroup
	for n := range deafCars {
		callers.Go(func() {
			_, err := h.Plugin("p").RefreshCached(ctx, fmt.Sprint("deaf", n))
			assert.ErrorIs(t, err, context.Canceled)
		})
	}
	for n := range deafCars {
		h.eventually("the call is under way", func() bool { return s.count(fmt.Sprint("cached deaf", n)) == 1 })
	}
	leave()
	callers.Wait()
	h.eventually("it has ended itself", func() bool { return h.status("p").Crashes == 1 })
	crash := h.status("p").LastCrash
	assert.Equal(t, host.CauseExit, crash.Cause)
	assert.Contains(t, strings.Join(crash.LastLines, " "), "too many calls to the vendor do not end")
	h.eventually("a new process serves", func() bool { return h.status("p").Serving && h.status("p").PID != pid })
	_, err := h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.NoError(t, err)
}
