package redact

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzPatterns: the walk that saves a search for each pattern misses none.
func FuzzPatterns(f *testing.F) {
	for _, s := range []string{
		"", "a@b.de", "a%40b.de", "eyJabcdef.gh", "Authorization: BASIC abcdefgh", "baſic abcdefgh1", "bearer\tabcdefgh", `{"pin":1234}`, `"Access_Token" : "x"`,
		"Lat=52.5", "longitude: -1.5", "KMHXX00XXXX000000", "52.520,13.405", `\"pin\":\"1\"`, "lat=52", "kmhc851hflu012345", "x52.5200 ; -113.4050", "a.5", "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890123456789",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		require.Equal(t, patterns(s, allMarks(), nil), patterns(s, marksOf(s), nil))
	})
}
