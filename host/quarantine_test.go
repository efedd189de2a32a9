//go:build linux

package host_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// script is a plugin whose program is a shell script: another text is another
// program.
func script(t *testing.T, name, text string) host.PluginSpec {
	t.Helper()
	p := elsewhere(t, hostile(t, name, "good"))
	write(t, p.Path, text)
	return p
}

// write puts a script at a path, at once and whole.
func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", []byte("#!/bin/sh\n"+text+"\n"), 0o700))
	require.NoError(t, os.Rename(path+".new", path))
}

// as runs the corpus in a role.
func as(t *testing.T, role string) string {
	t.Helper()
	path, err := hostileProgram()
	require.NoError(t, err)
	return "exec '" + path + "' " + role
}

func (h *hub) inQuarantine(name string) {
	h.t.Helper()
	h.reaches(name, host.Quarantined)
	st := h.status(name)
	assert.Equal(h.t, string(shared.ReasonPluginQuarantined), st.Reason)
	assert.Contains(h.t, st.Message, "too often")
	_, err := read(h, name)
	require.ErrorIs(h.t, err, shared.ReasonPluginQuarantined)
	assert.Contains(h.t, err.Error(), "release it or install another version")
}

// crashed is a plugin that is in quarantine when this returns, with its host gone.
func crashed(t *testing.T, s stage) host.PluginSpec {
	t.Helper()
	p := script(t, "p", as(t, "crashes-always"))
	h := start(t, s, nil, p)
	h.inQuarantine("p")
	h.eventually("it is on disk", func() bool { return recordOf(t, s, "p").Quarantine != nil })
	h.ended()
	return p
}

func TestQuarantineOutlivesTheHost(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := crashed(t, s)
	why := recordOf(t, s, "p").Quarantine.Why
	assert.Contains(t, why, "panic: as always", "the record says what happened")
	for range 2 {
		h := start(t, s, nil, p)
		h.inQuarantine("p")
		st := h.status("p")
		assert.Equal(t, why, st.Message)
		assert.Zero(t, st.Starts, "not even tried")
		assert.Zero(t, st.RetryAt)
		h.enters(host.Quarantined)
		h.ended()
	}
	assert.Equal(t, why, recordOf(t, s, "p").Quarantine.Why)
}

func TestReleaseLiftsQuarantine(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := crashed(t, s)
	h := start(t, s, nil, p)
	h.inQuarantine("p")
	require.NoError(t, h.Release("p"))
	h.eventually("it is tried anew, as often as ever", func() bool { return h.status("p").Crashes == 5 })
	h.inQuarantine("p")
	h.eventually("it is on disk again", func() bool { return recordOf(t, s, "p").Quarantine != nil })
	h.ended()

	p.MemoryLimit = 1 << 30 // nothing about the program
	h = start(t, s, func(o *host.Options) { o.CrashLimit = -1 }, p)
	h.inQuarantine("p")
	require.NoError(t, h.Release("p"))
	h.eventually("it runs", func() bool { return h.status("p").Crashes > 5 })
	assert.Nil(t, recordOf(t, s, "p").Quarantine)
	h.ended()
	start(t, s, func(o *host.Options) { o.CrashLimit = -1 }, p).eventually("a new host has forgotten", func() bool {
		return recordOf(t, s, "p").Quarantine == nil
	})
}

// TestQuarantineIsTheProgramsOwn: another one that may run does.
func TestQuarantineIsTheProgramsOwn(t *testing.T) {
	t.Parallel()
	for name, allow := range map[string]func(t *testing.T, p *host.PluginSpec){
		"pinned":   func(t *testing.T, p *host.PluginSpec) { t.Helper(); p.SHA256 = digestOf(t, p.Path) },
		"accepted": func(_ *testing.T, p *host.PluginSpec) { p.AcceptChanges = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			p := crashed(t, s)
			was, err := os.ReadFile(p.Path)
			require.NoError(t, err)
			write(t, p.Path, as(t, "good"))

			h := start(t, s, soon, p)
			h.untrusted("p") // neither pinned nor accepted
			assert.NotNil(t, recordOf(t, s, "p").Quarantine)
			h.ended()

			allow(t, &p)
			h = start(t, s, soon, p)
			h.reaches("p", host.Ready)
			assert.Empty(t, h.status("p").Reason)
			r := recordOf(t, s, "p")
			assert.Equal(t, digestOf(t, p.Path), r.Digest)
			assert.Nil(t, r.Quarantine)
			h.ended()

			require.NoError(t, os.WriteFile(p.Path, was, 0o700))
			p.SHA256 = ""
			h = start(t, s, soon, p)
			if p.AcceptChanges {
				h.inQuarantine("p") // after crashes of its own
				return
			}
			h.untrusted("p")
		})
	}
}
