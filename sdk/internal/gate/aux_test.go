package gate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAuxBattery(t *testing.T) {
	t.Parallel()
	level := func(v float64) *float64 { return &v }
	for name, tc := range map[string]struct {
		facts []Facts
		rule  Rule
	}{
		"unknown":                       {nil, ""},
		"not told":                      {[]Facts{{}}, ""},
		"high":                          {[]Facts{{Aux: level(88)}}, ""},
		"at the threshold":              {[]Facts{{Aux: level(60)}}, ""},
		"low":                           {[]Facts{{Aux: level(59)}}, AuxBattery},
		"low, then between":             {[]Facts{{Aux: level(59)}, {Aux: level(74)}}, AuxBattery},
		"low, then high enough":         {[]Facts{{Aux: level(59)}, {Aux: level(75)}}, ""},
		"low, then not told":            {[]Facts{{Aux: level(59)}, {}}, AuxBattery},
		"low, then nonsense":            {[]Facts{{Aux: level(59)}, {Aux: level(0)}, {Aux: level(255)}, {Aux: level(-3)}}, AuxBattery},
		"nonsense":                      {[]Facts{{Aux: level(0)}}, ""},
		"low and plugged in":            {[]Facts{{Aux: level(50), PluggedIn: true}}, ""},
		"low and charging":              {[]Facts{{Aux: level(50), Charging: true}}, ""},
		"low and driving":               {[]Facts{{Aux: level(50), Running: true}}, ""},
		"low when it is unplugged":      {[]Facts{{Aux: level(50), PluggedIn: true}, {Aux: level(50)}}, AuxBattery},
		"low, plugged in, then between": {[]Facts{{Aux: level(50)}, {Aux: level(70), PluggedIn: true}, {Aux: level(70)}}, AuxBattery},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, d := noon(t), newDisk()
			g := open(policy(t), d, c)
			for _, f := range tc.facts {
				g.Observe("a", f)
			}
			assert.Equal(t, tc.rule, g.ask(wake).Rule)
			assert.Equal(t, tc.rule, open(policy(t), d, c).ask(wake).Rule, "after a restart")
			assert.True(t, g.ask(read).Allowed, "reading costs the car nothing")
			assert.True(t, g.ask(Request{Class: Wake, Vehicle: "b"}).Allowed)
		})
	}
}

// A car that stands and loses charge day by day is left alone before it is low.
func TestAuxTrend(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	g := open(policy(t), d, c)
	day := func(aux, odometer float64) Rule {
		c.t = c.t.Add(24 * time.Hour)
		g.Observe("a", Facts{Aux: &aux, Odometer: odometer})
		g = open(policy(t), d, c)
		return g.ask(wake).Rule
	}
	assert.Empty(t, day(80, 1000))
	assert.Empty(t, day(74, 1000))
	assert.Empty(t, day(67, 1000), "60.5 tomorrow")
	assert.Equal(t, AuxTrend, day(61, 1000), "54 tomorrow")
	assert.Equal(t, AuxTrend, day(61, 1000.5))
	assert.Empty(t, day(61, 1012), "it was driven; a new beginning")
	assert.Empty(t, day(61, 1012))
	assert.Empty(t, day(61, 1012))
	for range 30 {
		assert.Empty(t, day(90, 1012))
	}
	assert.LessOrEqual(t, len(g.cars["a"].Levels), maxLevels)
}

// That a car was plugged in counts for some hours, not for ever.
func TestAPlugThatNobodyHasSeenSince(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	g := open(policy(t), d, c)
	low := 30.0
	g.Observe("a", Facts{Aux: &low, PluggedIn: true})
	require.True(t, g.ask(wake).Allowed)
	c.t = c.t.Add(5 * time.Hour)
	require.True(t, g.ask(wake).Allowed)
	c.t = c.t.Add(time.Hour)
	assert.Equal(t, AuxBattery, g.ask(wake).Rule)
	assert.Equal(t, AuxBattery, open(policy(t), d, c).ask(wake).Rule)
	g.Observe("a", Facts{Aux: &low, PluggedIn: true})
	assert.True(t, g.ask(wake).Allowed)
}

// TestDiskThatIsFull: what a snapshot tells of the battery counts all the same.
func TestDiskThatIsFull(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	g := open(policy(t), d, c)
	require.True(t, g.take(wake).Allowed)
	d.fails = true
	low := 40.0
	g.Observe("a", Facts{Aux: &low})
	c.t = c.t.Add(time.Hour)
	assert.Equal(t, AuxBattery, g.ask(wake).Rule)
	assert.Equal(t, AuxBattery, g.take(wake).Rule)
}
