package trust

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRecordSurvivesItsHost, and one of a program goes with that program.
func TestRecordSurvivesItsHost(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.json")
	since := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	f := NewFile(path)
	require.NoError(t, f.Trust("aaaa", since))
	require.NoError(t, f.SetQuarantine(&Quarantine{Since: since, Why: "It crashed too often."}))
	require.NoError(t, f.Trust("aaaa", since.Add(time.Hour)), "known already")

	r, err := NewFile(path).Get()
	require.NoError(t, err)
	assert.Equal(t, Record{Digest: "aaaa", Trusted: since, Quarantine: &Quarantine{Since: since, Why: "It crashed too often."}}, r)

	require.NoError(t, f.Trust("bbbb", since.Add(time.Hour)))
	r, err = NewFile(path).Get()
	require.NoError(t, err)
	assert.Equal(t, Record{Digest: "bbbb", Trusted: since.Add(time.Hour)}, r)
}

// TestDamagedRecord: what cannot be read is not replaced.
func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.json")
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	f := NewFile(path)
	_, err := f.Get()
	require.ErrorContains(t, err, "remove "+path)
	require.Error(t, f.Trust("aaaa", time.Now()))
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "{", string(body))
}

// TestUnwrittenRecordIsNotKnown: the directory is gone.
func TestUnwrittenRecordIsNotKnown(t *testing.T) {
	t.Parallel()
	f := NewFile(filepath.Join(t.TempDir(), "gone", "p.json"))
	require.Error(t, f.Trust("aaaa", time.Now()))
	r, err := f.Get()
	require.NoError(t, err)
	assert.Empty(t, r.Digest)
}

func TestRecordWithoutAFile(t *testing.T) {
	t.Parallel()
	f := NewFile("")
	require.NoError(t, f.Trust("aaaa", time.Now()))
	r, err := f.Get()
	require.NoError(t, err)
	assert.Equal(t, "aaaa", r.Digest)
}
