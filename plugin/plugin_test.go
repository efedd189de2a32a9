package plugin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

const (
	user   = "jane@example.com"
	secret = "s3cret-word"
)

// account is the JSON of an account with more members, as text.
func account(more string) json.RawMessage {
	if more != "" {
		more = "," + more
	}
	return json.RawMessage(fmt.Sprintf(`{"username":%q,"password":%q%s}`, user, secret, more))
}

func TestAnOldProfileIsTold(t *testing.T) {
	for version, want := range map[int]bool{1: true, 2: false, 3: false} {
		var lines bytes.Buffer
		warnOfOld(slog.New(slog.NewTextHandler(&lines, nil)), version, 2)
		assert.Equal(t, want, strings.Contains(lines.String(), "older than the built-in"), version)
	}
}

func TestPlugin(t *testing.T) {
	p := Plugin()
	assert.Equal(t, "hyundai-plugin", p.Name)
	assert.NotEmpty(t, p.Version)
	assert.Equal(t, settings.Schema, p.SettingsSchema)
	start := func(body json.RawMessage) (sdk.Vendor, string, error) {
		store, err := sdk.OpenStore("")
		require.NoError(t, err)
		var lines bytes.Buffer
		vendor, err := p.New(sdk.VendorConfig{
			Settings: body, Store: store, Redactor: &redact.Redactor{}, Now: time.Now,
			Logger: slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		redacttest.NotIn(t, lines.String(), secret)
		return vendor, lines.String(), err
	}
	for more, warned := range map[string]bool{``: true, `"brand":2`: true, `"brand":"2"`: true, `"brand":"hyundai"`: false} {
		vendor, lines, err := start(account(more))
		require.NoError(t, err)
		assert.Implements(t, (*sdk.Renewer)(nil), vendor)
		assert.Equal(t, warned, strings.Contains(lines, "brand is given by number"), more)
	}
	vendor, _, err := start(account(`"brand":"lada"`))
	require.ErrorIs(t, err, shared.ReasonConfigInvalid)
	redacttest.NotIn(t, err.Error(), user, secret)
	assert.Nil(t, vendor)
}
