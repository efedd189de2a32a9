package main

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
			got, err := serviceState(func(name string) string { return tc.env[name] }, tc.uid)
			if tc.want == "" {
				require.ErrorContains(t, err, "--state")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}
