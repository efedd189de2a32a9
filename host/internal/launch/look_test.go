//go:build unix

package launch

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLookTellsWhatLiesThere, without loading or executing it, and reads a file once.
func TestLookTellsWhatLiesThere(t *testing.T) {
	images := &Images{Dir: t.TempDir()}
	t.Cleanup(images.Close)
	digest := func(body []byte) string {
		sum := sha256.Sum256(body)
		return hex.EncodeToString(sum[:])
	}
	path := install(t, variant(t, "AAAA"))

	seen, err := images.Look(path)
	require.NoError(t, err)
	assert.Equal(t, digest(variant(t, "AAAA")), seen.Digest)
	assert.Equal(t, "(devel)", seen.Version, "a program in Go tells it")
	assert.Len(t, images.looks, 1)
	again, err := images.Look(path)
	require.NoError(t, err)
	assert.Equal(t, seen, again)

	next := filepath.Join(filepath.Dir(path), "next")
	require.NoError(t, os.WriteFile(next, variant(t, "BBBB"), 0o700))
	require.NoError(t, os.Rename(next, path))
	seen, err = images.Look(path)
	require.NoError(t, err)
	assert.Equal(t, digest(variant(t, "BBBB")), seen.Digest)

	i, err := images.Load(path)
	require.NoError(t, err)
	images.Release(i)
	images.looks = nil
	seen, err = images.Look(path)
	require.NoError(t, err)
	assert.Equal(t, i.Digest, seen.Digest)
	assert.Empty(t, images.looks, "what was loaded is not read again")
}

// TestNothingThatIsNoVersionReachesATerminal.
func TestNothingThatIsNoVersionReachesATerminal(t *testing.T) {
	for says, want := range map[string]string{
		"v1.2.3": "v1.2.3", "v0.0.0-20261130-0a1b2c3d+dirty": "v0.0.0-20261130-0a1b2c3d+dirty", "(devel)": "(devel)",
		"": "", "v1 \x1b[2J": "", "v1\n": "", strings.Repeat("1", 65): "",
	} {
		assert.Equal(t, want, versionOf(says), "%q", says)
	}
}

// TestLookAtWhatIsNoProgramInGo: it has a digest, but no version; and what may not be
// executed is an error.
func TestLookAtWhatIsNoProgramInGo(t *testing.T) {
	images := &Images{Dir: t.TempDir()}
	script := install(t, []byte("#!/bin/sh\n"))
	seen, err := images.Look(script)
	require.NoError(t, err)
	assert.Empty(t, seen.Version)
	assert.NotEmpty(t, seen.Digest)

	_, err = images.Look(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, os.Chmod(script, 0o600))
	_, err = images.Look(script)
	require.ErrorIs(t, err, fs.ErrPermission)
}
