package trust

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	known := Record{Digest: "aaaa", Trusted: time.Unix(0, 0)}
	quarantined := known
	quarantined.Quarantine = &Quarantine{Why: "It crashed too often."}
	const untrusted, inQuarantine = shared.ReasonPluginUntrusted, shared.ReasonPluginQuarantined

	for name, tc := range map[string]struct {
		record  Record
		program Program
		verdict Verdict
		reason  shared.Reason
		says    string
	}{
		"the first one":                 {Record{}, Program{Digest: "bbbb"}, FirstUse, "", ""},
		"the first one, pinned":         {Record{}, Program{Digest: "bbbb", Pin: "bbbb"}, Pinned, "", ""},
		"the first one is another":      {Record{}, Program{Digest: "bbbb", Pin: "cccc"}, 0, untrusted, "cccc is pinned"},
		"the same":                      {known, Program{Digest: "aaaa"}, Known, "", ""},
		"the same, pinned in capitals":  {known, Program{Digest: "aaaa", Pin: "sha256:AAAA"}, Known, "", ""},
		"the same, another is pinned":   {known, Program{Digest: "aaaa", Pin: "cccc"}, 0, untrusted, "cccc is pinned"},
		"another":                       {known, Program{Digest: "bbbb"}, 0, untrusted, "trusted on 1970-01-01"},
		"another, pinned":               {known, Program{Digest: "bbbb", Pin: "bbbb"}, Pinned, "", ""},
		"another, changes are accepted": {known, Program{Digest: "bbbb", AcceptChanges: true}, Changed, "", ""},
		"accepted, but another is pinned": {
			known,
			Program{Digest: "bbbb", AcceptChanges: true, Pin: "cccc"},
			0, untrusted,
			"cccc is pinned",
		},
		"approved":                     {known, Program{Digest: "bbbb", Approved: true}, Known, "", ""},
		"approved, another is pinned":  {known, Program{Digest: "bbbb", Approved: true, Pin: "cccc"}, 0, untrusted, "cccc is pinned"},
		"quarantined":                  {quarantined, Program{Digest: "aaaa"}, 0, inQuarantine, "It crashed too often."},
		"quarantined, but pinned":      {quarantined, Program{Digest: "aaaa", Pin: "aaaa"}, 0, inQuarantine, "It crashed too often."},
		"quarantined, but approved":    {quarantined, Program{Digest: "aaaa", Approved: true}, Known, "", ""},
		"another than the quarantined": {quarantined, Program{Digest: "bbbb"}, 0, untrusted, "accept the new one"},
		"another, accepted":            {quarantined, Program{Digest: "bbbb", AcceptChanges: true}, Changed, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict, err := tc.record.Decide(tc.program)
			if tc.reason == "" {
				require.NoError(t, err)
				assert.Equal(t, tc.verdict, verdict)
				return
			}
			require.ErrorIs(t, err, tc.reason)
			require.ErrorContains(t, err, tc.says)
			if tc.reason == inQuarantine {
				require.ErrorIs(t, err, ErrQuarantined)
			}
		})
	}
}
