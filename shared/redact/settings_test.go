package redact_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

func TestSecretsOfSettings(t *testing.T) {
	for name, tc := range map[string]struct {
		settings string
		want     []string
	}{
		"flat":           {`{"username":"me","password":"pw","region":"europe"}`, []string{"me", "pw"}},
		"a number":       {`{"pin":1234}`, []string{"1234"}},
		"nested":         {`{"account":{"refreshToken":"abc"},"hosts":["x"]}`, []string{"abc"}},
		"below a secret": {`{"secret":{"a":["b"]}}`, []string{"b"}},
		"not a secret":   {`{"token_url":"https://x","brand":"kia"}`, nil},
		"no object":      {`"x"`, nil},
		"no JSON":        {`{`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := redact.Secrets(json.RawMessage(tc.settings))
			slices.Sort(got)
			assert.Equal(t, tc.want, got)
		})
	}
}

// TestTextsOfSecrets: of a document that is nothing else, no name is looked at.
func TestTextsOfSecrets(t *testing.T) {
	t.Parallel()
	assert.ElementsMatch(t, []string{"a", "b", "c", "7"}, redact.Texts(json.RawMessage(`{"kind":"a","list":["b",{"any":"c"},7,null,true]}`)))
	assert.Empty(t, redact.Texts(nil))
}
