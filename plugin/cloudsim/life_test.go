package cloudsim

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

var start = time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)

// busy cars of every power train, among them those of the demo.
func busy() map[string]Car {
	electric, hybrid := DemoAccount().Cars[0], DemoAccount().Cars[1]
	combustion := hybrid
	combustion.Type, combustion.SoC, combustion.CapacityKWh = ICE, 0, 0
	combustion.Life = []Phase{{Driving, 50 * time.Minute}, {Parked, 7 * time.Hour}}
	empty := electric
	empty.SoC, empty.Life = 3, []Phase{{Driving, 3 * time.Hour}, {Charging, 20 * time.Minute}}
	odd := electric
	odd.Life = []Phase{{Parked, 0}, {Driving, 7*time.Minute + 13*time.Second}, {Charging, 11*time.Minute + 7*time.Second}, {Parked, time.Nanosecond}}
	above := electric
	above.SoC, above.ChargeLimitAC = 95, 50
	return map[string]Car{"electric": electric, "hybrid": hybrid, "combustion": combustion, "empty": empty, "odd": odd, "above its limit": above}
}

// cycle is how long a car's life takes before it repeats.
func cycle(c Car) time.Duration {
	var sum time.Duration
	for _, phase := range c.Life {
		sum += phase.For
	}
	return sum
}

func TestLifeIsAPureFunction(t *testing.T) {
	for name, car := range busy() {
		asked := map[time.Duration]state{}
		reports := map[time.Duration]time.Duration{}
		random := rand.New(rand.NewPCG(1, 2))
		var times []time.Duration
		for range 500 {
			at := time.Duration(random.Int64N(int64(40 * cycle(car))))
			times = append(times, at)
			asked[at], reports[at] = car.life(at)
		}
		random.Shuffle(len(times), func(i, j int) { times[i], times[j] = times[j], times[i] })
		for _, at := range times {
			s, reported := car.life(at)
			require.Equal(t, asked[at], s, "%s at %s", name, at)
			require.Equal(t, reports[at], reported, "%s at %s", name, at)
		}
		assert.NotEqual(t, asked[times[0]], asked[times[1]], "%s lives", name)
	}
}

func TestLifeNeverGoesBack(t *testing.T) {
	for name, car := range busy() {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(3, 4))
			odometer, reported, moved := car.OdometerKM, time.Duration(0), time.Duration(0)
			fuel := car.FuelPercent / 100 * tankLiters
			for at := time.Duration(0); at < 60*cycle(car); at += time.Duration(random.Int64N(int64(cycle(car) / 10))) {
				s, r := car.life(at)
				require.GreaterOrEqual(t, s.odometerKM, odometer, "at %s", at)
				require.GreaterOrEqual(t, r, reported, "at %s", at)
				require.LessOrEqual(t, r, at, "a report from the future")
				require.GreaterOrEqual(t, s.movedAt, moved, "at %s", at)
				require.LessOrEqual(t, s.movedAt, at)
				require.GreaterOrEqual(t, s.soc, -1e-9, "at %s", at)
				require.LessOrEqual(t, s.soc, 100.0)
				require.GreaterOrEqual(t, s.fuelL, 0.0)
				require.LessOrEqual(t, s.fuelL, fuel, "nobody refuels")
				require.Equal(t, s.doing == Driving, !s.locked)
				require.Equal(t, s.doing == Charging, s.plugged)
				if s.doing != Parked {
					require.Less(t, at-r, 5*time.Minute+chargedFor(s, at-r), "a busy car reports every five minutes")
				}
				odometer, reported, moved, fuel = s.odometerKM, r, s.movedAt, s.fuelL
			}
			assert.Greater(t, odometer, car.OdometerKM+100, "many cycles were driven")
		})
	}
}

// chargedFor is how long a car that has finished charging has had nothing to
// report.
func chargedFor(s state, since time.Duration) time.Duration {
	if s.doing == Charging && !s.charging {
		return since
	}
	return 0
}

func TestChargingEndsAtTheLimit(t *testing.T) {
	car := Car{
		Type: EV, SoC: 62, CapacityKWh: 77, ChargeLimitAC: 80,
		Life: []Phase{{Parked, 10 * time.Minute}, {Charging, 3 * time.Hour}, {Parked, time.Hour}},
	}
	const begin = 10 * time.Minute
	end := begin + 75*time.Minute + 36*time.Second // 13.86 kWh at 11 kW
	before, _ := car.life(begin - 1)
	assert.False(t, before.plugged)
	last := car.SoC
	for at := begin + time.Minute; at < end; at += time.Minute {
		s, reported := car.life(at)
		require.Greater(t, s.soc, last, "at %s", at)
		require.Less(t, s.soc, 80.0)
		require.True(t, s.charging)
		require.InDelta(t, 11, s.powerKW, 0)
		require.Equal(t, begin+(at-begin).Truncate(5*time.Minute), reported)
		require.InDelta(t, (end - at).Minutes(), car.remainingMinutes(s), 1)
		last = s.soc
	}
	for _, at := range []time.Duration{end + time.Second, end + time.Hour, begin + 3*time.Hour - 1} {
		s, reported := car.life(at)
		require.InDelta(t, 80, s.soc, 1e-9)
		require.False(t, s.charging)
		require.Zero(t, s.powerKW)
		require.True(t, s.plugged, "the cable stays in")
		require.Zero(t, car.remainingMinutes(s))
		require.InDelta(t, end.Seconds(), reported.Seconds(), 1, "a report at the end of the charge, and none after it")
	}
	_, reported := car.life(begin + 3*time.Hour)
	assert.Equal(t, begin+3*time.Hour, reported, "unplugging is reported")
}

func TestChargingAboveTheLimitDoesNothing(t *testing.T) {
	car := Car{Type: EV, SoC: 90, CapacityKWh: 77, ChargeLimitAC: 80, Life: []Phase{{Parked, time.Hour}, {Charging, time.Hour}}}
	s, reported := car.life(90 * time.Minute)
	assert.InDelta(t, 90, s.soc, 0)
	assert.False(t, s.charging)
	assert.True(t, s.plugged)
	assert.Equal(t, time.Hour, reported, "only the plug")

	car.SoC, car.ChargeLimitAC = 99, 0
	s, _ = car.life(90 * time.Minute)
	assert.InDelta(t, 100, s.soc, 0, "without a limit it fills up")
}

func TestDrivingMovesTheCar(t *testing.T) {
	car := DemoAccount().Cars[0]
	car.Life = []Phase{{Parked, 10 * time.Minute}, {Driving, time.Hour}, {Parked, time.Hour}}
	parked, _ := car.life(5 * time.Minute)
	assert.InDelta(t, car.Latitude, parked.lat, 0)
	assert.Zero(t, parked.movedAt)
	last := parked
	for at := 11 * time.Minute; at < 70*time.Minute; at += time.Minute {
		s, _ := car.life(at)
		require.True(t, s.lat != last.lat || s.lon != last.lon, "at %s", at)
		require.Less(t, s.soc, last.soc)
		require.InDelta(t, 1, s.odometerKM-car.OdometerKM-(at-11*time.Minute).Minutes(), 1e-6, "a kilometre a minute")
		require.InDelta(t, car.Latitude, s.lat, 0.1)
		require.InDelta(t, car.Longitude, s.lon, 0.1)
		require.Equal(t, at, s.movedAt)
		require.False(t, s.locked)
		require.InDelta(t, speedKMH, s.speedKMH, 0)
		last = s
	}
	after, _ := car.life(2 * time.Hour)
	assert.True(t, after.locked)
	assert.Zero(t, after.speedKMH)
	assert.Equal(t, 70*time.Minute, after.movedAt)
	assert.InDelta(t, car.OdometerKM+60, after.odometerKM, 1e-6)
}

func TestCarWithoutALife(t *testing.T) {
	for _, phases := range [][]Phase{nil, {{Driving, 0}}} {
		car := Car{SoC: 50, Life: phases}
		for _, at := range []time.Duration{0, time.Hour, 1000 * time.Hour} {
			s, reported := car.life(at)
			assert.Equal(t, state{soc: 50, locked: true}, s)
			assert.Zero(t, reported)
		}
	}
}

// testClock stands until it is moved.
type testClock struct{ t time.Time }

func (c *testClock) now() time.Time { return c.t }

func live(t *testing.T, car Car, speed float64) (*liveCar, *testClock) {
	t.Helper()
	clock := &testClock{start}
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	return newLiveCar(car, clock.now, Options{Speed: speed, ForceDelay: 20 * time.Second}, zone, profile.Protocol{}), clock
}

func TestCopyIsNeverFromTheFuture(t *testing.T) {
	for name, car := range busy() {
		for _, speed := range []float64{1, 7, 60, 1000.5} {
			c, clock := live(t, car, speed)
			random := rand.New(rand.NewPCG(5, 6))
			last := start.Add(-car.Age)
			for range 300 {
				clock.t = clock.t.Add(time.Duration(float64(random.Int64N(int64(cycle(car)/5))) / speed))
				if random.IntN(10) == 0 {
					c.wake()
				}
				s := c.copy()
				require.False(t, s.at.After(clock.t), "%s at speed %v", name, speed)
				require.False(t, s.at.Before(last), "%s at speed %v", name, speed)
				require.False(t, s.movedAt.After(clock.t), "%s at speed %v", name, speed)
				last = s.at
			}
		}
	}
}

// A report shows the phase that it announces, however fast the car lives.
func TestCopyShowsWhatWasReported(t *testing.T) {
	for _, speed := range []float64{1, 7, 60, 365} {
		car := Car{
			Type: EV, SoC: 62, CapacityKWh: 77, ChargeLimitAC: 80, Age: time.Hour,
			Life: []Phase{{Driving, 10*time.Minute + 7*time.Second}, {Charging, 3 * time.Hour}, {Parked, 3 * time.Hour}},
		}
		c, clock := live(t, car, speed)
		after := func(own time.Duration) snapshot {
			clock.t = start.Add(time.Duration(float64(own) / speed))
			return c.copy()
		}
		s := after(2*time.Hour + 50*time.Minute)
		assert.False(t, s.charging, "speed %v: the charge has ended", speed)
		assert.InDelta(t, 80, s.soc, 1e-6)
		assert.Zero(t, c.remainingMinutes(s.state), "speed %v", speed)
		s = after(5 * time.Hour)
		assert.Equal(t, Parked, s.doing, "speed %v: the car was unplugged", speed)
		assert.False(t, s.plugged, "speed %v", speed)
	}
}

func TestWake(t *testing.T) {
	c, clock := live(t, Car{SoC: 50, Age: time.Hour}, 1)
	assert.Equal(t, start.Add(-time.Hour), c.copy().at)
	delay, ok := c.wake()
	assert.True(t, ok)
	assert.Equal(t, 20*time.Second, delay)
	_, ok = c.wake()
	assert.False(t, ok, "one at a time")
	clock.t = start.Add(20*time.Second - 1)
	assert.Equal(t, start.Add(-time.Hour), c.copy().at)
	clock.t = start.Add(time.Minute)
	assert.Equal(t, start.Add(20*time.Second), c.copy().at)
	assert.InDelta(t, 84.5, c.copy().auxSoC, 0, "each wake costs charge")

	c.setSilent(true, clock.now())
	_, ok = c.wake()
	assert.True(t, ok)
	clock.t = start.Add(time.Hour)
	assert.Equal(t, start.Add(20*time.Second), c.copy().at, "a silent car reports nothing")
	_, ok = c.wake()
	assert.True(t, ok, "the silent wake is over")
	_, answered := c.answer()
	assert.False(t, answered)
	assert.Equal(t, 3, c.wakes())
	for range 500 {
		clock.t = clock.t.Add(time.Minute)
		c.wake()
	}
	assert.Zero(t, c.copy().auxSoC, "an empty battery is not emptier")
}
