//go:build linux

package host_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
)

// ship puts the digest of the program that lies at the plugin's path into its digest file.
func ship(t *testing.T, p host.PluginSpec) {
	t.Helper()
	require.NoError(t, os.WriteFile(p.DigestFile, []byte(digestOf(t, p.Path)+"  program\n"), 0o600))
}

// TestAProgramThatIsShippedWithItsDigest is trusted, as is the one of an update of both;
// another program is not.
func TestAProgramThatIsShippedWithItsDigest(t *testing.T) {
	t.Parallel()
	s, p := newStage(t), script(t, "p", as(t, "good"))
	p.DigestFile = p.Path + ".sha256"
	ship(t, p)
	h := start(t, s, soon, p)
	h.reaches("p", host.Ready)

	// An update: nobody has to say anything.
	write(t, p.Path, "# the next release\n"+as(t, "good"))
	ship(t, p)
	h.kill("p")
	h.reaches("p", host.Ready)
	assert.Equal(t, digestOf(t, p.Path), recordOf(t, s, "p").Digest)
	write(t, p.Path, "# and the next\n"+as(t, "good"))
	ship(t, p)
	require.NoError(t, h.Restart(t.Context(), "p"), "without a gap, too")

	// Somebody else's program, also if the hub asks for it.
	shipped, err := os.ReadFile(p.Path)
	require.NoError(t, err)
	write(t, p.Path, "# another\n"+as(t, "good"))
	require.ErrorContains(t, h.Upgrade(t.Context(), "p"), "is pinned in "+p.DigestFile)
	h.kill("p")
	assert.Contains(t, h.untrusted("p"), "is pinned in "+p.DigestFile)
	require.NoError(t, os.WriteFile(p.Path, shipped, 0o700))
	h.reaches("p", host.Ready)
}

func TestDigestFilesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		mode os.FileMode
		says string // empty: it starts
	}{
		"not there":            {says: ""},
		"nothing":              {"\n", 0o644, "one line of sha256sum's"},
		"no digest":            {"0123  program\n", 0o644, "one line of sha256sum's"},
		"two":                  {strings.Repeat("ab", 32) + "\n" + strings.Repeat("cd", 32) + "\n", 0o644, "one line of sha256sum's"},
		"anybody may write":    {strings.Repeat("ab", 32) + "\n", 0o666, "chmod o-w"},
		"of another program":   {strings.Repeat("ab", 32) + "\n", 0o644, "is pinned"},
		"larger than a digest": {strings.Repeat("a", 2<<20), 0o644, "no file of settings"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := newStage(t), script(t, "p", as(t, "good"))
			p.DigestFile = p.Path + ".sha256"
			if tc.mode != 0 {
				require.NoError(t, os.WriteFile(p.DigestFile, []byte(tc.text), tc.mode))
				require.NoError(t, os.Chmod(p.DigestFile, tc.mode))
			}
			h := start(t, s, soon, p)
			if tc.says == "" {
				h.reaches("p", host.Ready)
				return
			}
			assert.Contains(t, h.untrusted("p"), tc.says)
		})
	}
}
