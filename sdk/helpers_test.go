package sdk_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that tests set.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// settings of a test account.
func settings(password string) json.RawMessage {
	b, _ := json.Marshal(map[string]string{"username": "somebody@example.com", "password": password})
	return b
}

// engine returns an engine that is initialized with v.
func engine(t *testing.T, v sdk.Vendor, o sdk.Options) *sdk.Engine {
	t.Helper()
	dir := t.TempDir() // outlives the engine
	e := bareEngine(t, v, o)
	_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("secret-1"), StateDir: dir})
	require.NoError(t, err)
	return e
}

func bareEngine(t *testing.T, v sdk.Vendor, o sdk.Options) *sdk.Engine {
	t.Helper()
	e := sdk.NewEngine(sdktest.Plugin(v), o)
	t.Cleanup(func() { require.NoError(t, e.Close(await.Context(t, "the engine closes"))) })
	return e
}
