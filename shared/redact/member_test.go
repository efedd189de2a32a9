package redact_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

func TestMembersOfEscapedText(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"a PIN":                   {`{\"pin\":\"5678\"}`, `{\"pin\":\"[redacted]\"}`},
		"a PIN as a number":       {`{\"pin\":5678,\"n\":5}`, `{\"pin\":\"[redacted]\",\"n\":5}`},
		"a password with a blank": {`{\"password\":\"x y\"}`, `{\"password\":\"[redacted]\"}`},
		"a password with a quote": {`{\"password\":\"x\\\"y\",\"n\":5}`, `{\"password\":\"[redacted]\",\"n\":5}`},
		"a token":                 {`{\"accessToken\" : \"a.b\"}`, `{\"accessToken\" : \"[redacted]\"}`},
		"a latitude":              {`{\"lat\":52.5,\"n\":5}`, `{\"lat\":[redacted],\"n\":5}`},
		"a latitude as text":      {`{\"lat\":\"52\"}`, `{\"lat\":\"[redacted]\"}`},
		"escaped twice":           {`{\\\"pin\\\":\\\"5678\\\",\\\"lat\\\":52.5}`, `{\\\"pin\\\":\\\"[redacted]\\\",\\\"lat\\\":[redacted]}`},
		"two members":             {`{\"pin\":\"5678\",\"n\":5,\"vin\":\"x\"}`, `{\"pin\":\"[redacted]\",\"n\":5,\"vin\":\"[redacted]\"}`},
		"cut off":                 {`{\"password\":\"x y`, `{\"password\":\"[redacted]\"`},
		"cut off and quoted":      {`"{\"password\":\"x y", "n":5`, `"{\"password\":\"[redacted]\"", "n":5`},
		"cut off, not escaped":    {`{"password":"x y`, `{"password":"[redacted]"`},
		"an empty text":           {`{"pin":""}`, `{"pin":"[redacted]"}`},
		"neither text nor number": {`{"token":null,"pin":true,"n":5}`, `{"token":null,"pin":true,"n":5}`},
		"masked already":          {`{\"pin\":[redacted]}`, `{\"pin\":[redacted]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r redact.Redactor
			got := r.String(tc.text)
			assert.Equal(t, tc.want, got)
			assert.Equal(t, got, r.String(got), "redacting twice must change nothing")
		})
	}
}

// FuzzMembers: however often a document is quoted in another, nothing of the
// password is seen, and everything else is.
func FuzzMembers(f *testing.F) {
	for _, password := range []string{"", "5678", "x y", `"`, `\`, `a"b\`, `\\"`, `","n":"`, "\n"} {
		for times := range uint8(4) {
			f.Add(password, times)
		}
	}
	f.Fuzz(func(t *testing.T, password string, times uint8) {
		document := func(password string) string {
			body, err := json.Marshal(map[string]string{"a": "before", "password": password, "z": "after"})
			require.NoError(t, err)
			text := string(body)
			for range times % 5 {
				text = strconv.Quote(text)
			}
			return text
		}
		var r redact.Redactor
		require.Equal(t, document(redact.Mask), r.String(document(password)), strings.Repeat("quoted ", int(times%5)))
	})
}
