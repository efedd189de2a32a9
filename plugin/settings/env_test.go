package settings

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhereTheServiceKeepsItsState(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		uid  int
		want string // empty: refused
	}{
		"a user":               {map[string]string{"HOME": "/home/me"}, 1000, "/home/me/.local/state/hyundai-plugin"},
		"a user of Windows":    {map[string]string{"USERPROFILE": "/users/me"}, -1, "/users/me/.local/state/hyundai-plugin"},
		"root":                 {map[string]string{"HOME": "/root"}, 0, "/var/lib/hyundai-plugin"},
		"root with a variable": {map[string]string{"XDG_STATE_HOME": "/x"}, 0, "/x/hyundai-plugin"},
		"no home":              {nil, 1000, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := StateDir(func(name string) (string, bool) { v, ok := tc.env[name]; return v, ok }, tc.uid)
			if tc.want == "" {
				require.ErrorContains(t, err, "--state")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestFromEnv(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"HYUNDAI_USERNAME": " me@example.com ", "HYUNDAI_PASSWORD": "ends with a blank ", "HYUNDAI_PIN": "1234", "HYUNDAI_BRAND": " 3 ", "HYUNDAI_DRIVER_SIDE": "right",
		"HYUNDAI_RECORD":       "Yes",
		"HYUNDAI_ENDPOINT_API": "http://127.0.0.1:1", "HYUNDAI_SCHEDULE": "recommended", "HYUNDAI_LIMITS": `{"calls_per_day":9}`,
	}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	s, err := FromEnv(lookup)
	require.NoError(t, err)
	assert.JSONEq(t, `{"username":"me@example.com","password":"ends with a blank ","pin":"1234","brand":"3","driver_side":"right","record":true,"endpoints":{"api":"http://127.0.0.1:1"},
		"schedule":"recommended","limits":{"calls_per_day":9}}`, string(s.JSON()))
	again, err := Parse(s.JSON())
	require.NoError(t, err)
	assert.Equal(t, s, again)

	env = map[string]string{"HYUNDAI_LIMITS": "much", "HYUNDAI_SCHEDULE": "often", "HYUNDAI_PROFILE_FILE": "/nowhere", "HYUNDAI_RECORD": "perhaps"}
	_, err = FromEnv(lookup)
	for name := range env {
		require.ErrorContains(t, err, name, "all that is wrong is said at once")
	}
}
