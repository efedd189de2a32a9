package gate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuietHours(t *testing.T) {
	t.Parallel()
	h := time.Hour
	at := func(text string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", text, berlin(t))
		require.NoError(t, err)
		return v
	}
	night := Quiet{From: 22 * h, To: 6*h + 30*time.Minute}
	weekend := Quiet{Days: []time.Weekday{time.Friday, time.Saturday}, From: 23 * h, To: 9 * h, Reads: true}
	for name, tc := range map[string]struct {
		quiet []Quiet
		class Class
		at    string
		until string // empty: not quiet
	}{
		"none":                         {nil, Wake, "2026-07-01 23:00", ""},
		"before":                       {[]Quiet{night}, Wake, "2026-07-01 21:59", ""},
		"begin":                        {[]Quiet{night}, Wake, "2026-07-01 22:00", "2026-07-02 06:30"},
		"after midnight":               {[]Quiet{night}, Wake, "2026-07-02 00:10", "2026-07-02 06:30"},
		"end":                          {[]Quiet{night}, Wake, "2026-07-02 06:30", ""},
		"reads go on":                  {[]Quiet{night}, Read, "2026-07-02 00:10", ""},
		"Friday night":                 {[]Quiet{weekend}, Read, "2026-07-03 23:30", "2026-07-04 09:00"},
		"Saturday morning is Friday's": {[]Quiet{weekend}, Read, "2026-07-04 08:00", "2026-07-04 09:00"},
		"Sunday morning":               {[]Quiet{weekend}, Wake, "2026-07-05 08:00", "2026-07-05 09:00"},
		"Sunday night":                 {[]Quiet{weekend}, Wake, "2026-07-05 23:30", ""},
		"one ends in the other":        {[]Quiet{night, weekend}, Wake, "2026-07-04 01:00", "2026-07-04 09:00"},
		"noon":                         {[]Quiet{{From: 12 * h, To: 13 * h}}, Wake, "2026-07-04 12:30", "2026-07-04 13:00"},
		"a whole day":                  {[]Quiet{{Days: []time.Weekday{time.Sunday}, From: 0, To: 0}}, Wake, "2026-07-05 15:00", "2026-07-06 00:00"},
		// Summer time begins on 2026-03-29 at 2:00 and ends on 2026-10-25 at 3:00.
		"spring, over the change":      {[]Quiet{{From: 1 * h, To: 4 * h}}, Wake, "2026-03-29 03:30", "2026-03-29 04:00"},
		"spring, ends in the gap":      {[]Quiet{{From: 1 * h, To: 2*h + 30*time.Minute}}, Wake, "2026-03-29 01:30", "2026-03-29 03:00"},
		"spring, after the gap":        {[]Quiet{{From: 1 * h, To: 2*h + 30*time.Minute}}, Wake, "2026-03-29 03:10", ""},
		"spring, the night before it":  {[]Quiet{{From: 22 * h, To: 2*h + 30*time.Minute}}, Wake, "2026-03-28 23:00", "2026-03-29 03:00"},
		"spring, begins in the gap":    {[]Quiet{{From: 2*h + 30*time.Minute, To: 6 * h}}, Wake, "2026-03-29 03:10", "2026-03-29 06:00"},
		"autumn, the hour comes twice": {[]Quiet{{From: 1 * h, To: 4 * h}}, Wake, "2026-10-25 02:30", "2026-10-25 04:00"},
	} {
		until, quiet := Policy{Quiet: tc.quiet}.quiet(at(tc.at), tc.class)
		assert.Equal(t, tc.until != "", quiet, name)
		if tc.until != "" {
			assert.Equal(t, at(tc.until), until, name)
		}
	}
	// The hour that comes twice is quiet twice.
	first := time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC).In(berlin(t)) // 2:00 in summer time
	twice := Policy{Quiet: []Quiet{{From: 2 * h, To: 2*h + 30*time.Minute}, {From: 2*h + 40*time.Minute, To: 6 * h}}}
	for after, want := range map[time.Duration]bool{
		0: true, 29 * time.Minute: true, 35 * time.Minute: false, 45 * time.Minute: true, 61 * time.Minute: true,
		90 * time.Minute: false, 100 * time.Minute: true, 4 * h: true, 5 * h: false,
	} {
		_, quiet := twice.quiet(first.Add(after), Wake)
		assert.Equal(t, want, quiet, after)
	}
	always := []Quiet{{From: 0, To: 0}}
	until, quiet := Policy{Quiet: always}.quiet(at("2026-07-01 12:00"), Wake)
	assert.True(t, quiet)
	assert.Greater(t, until.Sub(at("2026-07-01 12:00")), 7*24*time.Hour)
}

// The hours are those of the car's own clock.
func TestQuietHoursInTheCarsZone(t *testing.T) {
	t.Parallel()
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	require.NoError(t, err)
	c := noon(t)
	p := policy(t)
	p.Quiet = []Quiet{{From: 22 * time.Hour, To: 6 * time.Hour}}
	g := open(p, newDisk(), c)
	c.t = time.Date(2026, 7, 1, 22, 30, 0, 0, berlin(t))
	assert.Equal(t, QuietHours, g.ask(wake).Rule)
	there := wake
	there.Zone = lisbon
	assert.Empty(t, g.ask(there).Rule, "it is half past nine there")
}
