package cloudsim

import (
	"fmt"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// Power trains, in the words of the vehicle list.
const (
	EV   = "EV"
	PHEV = "PHEV"
	HEV  = "HV"
	ICE  = "GN"
)

// Car is what a car is like when the cloud starts.
type Car struct {
	ID, VIN, Name, Model string
	Year                 int
	// Type is EV, PHEV, HEV or ICE.
	Type string
	// CCS2: the newer dialect.
	CCS2 bool
	// Unflagged: the vehicle list does not say so.
	Unflagged bool
	// Life repeats for ever; empty: parked for ever.
	Life []Phase
	// TimeZone of the car's own times, an IANA name. Default: the region's.
	TimeZone string
	// Age of the first copy in the cloud.
	Age time.Duration
	// ForceDelay of this car; zero: the cloud's.
	ForceDelay time.Duration

	SoC, CapacityKWh             float64
	ChargeLimitAC, ChargeLimitDC float64
	AuxSoC                       float64 // 12 V battery; default 85
	FuelPercent                  float64
	OdometerKM                   float64
	Latitude, Longitude          float64
}

// zone of the car's own times.
func (c Car) zone(region *time.Location) (*time.Location, error) {
	if c.TimeZone == "" {
		return region, nil
	}
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("car %q: %w", c.ID, err)
	}
	return zone, nil
}

// DemoAccount has two cars: an electric one that speaks CCS2 and is charging,
// and a plug-in hybrid that speaks CCS1 and is about to drive.
func DemoAccount() Account {
	return Account{
		Brand: profile.Hyundai, Email: "demo@example.com", Password: "demo-password", PIN: "1234",
		RefreshToken: "DEMO0DEMO0DEMO0DEMO0DEMO0DEMO0DEMO0DEMO0DEMO0DEM",
		Cars: []Car{
			{
				ID: "11111111-2222-4333-8444-555555555501", VIN: "KMHDEMO00EV000001", Name: "Ioniq 5", Model: "IONIQ 5", Year: 2024,
				Type: EV, CCS2: true, Age: 12 * time.Minute,
				Life: []Phase{{Charging, 3 * time.Hour}, {Parked, 20 * time.Minute}, {Driving, 75 * time.Minute}},
				SoC:  62, CapacityKWh: 77.4, ChargeLimitAC: 80, ChargeLimitDC: 90, OdometerKM: 21477.3, Latitude: 52.516275, Longitude: 13.377704,
			},
			{
				ID: "11111111-2222-4333-8444-555555555502", VIN: "KMHDEMO0PHEV00002", Name: "Tucson", Model: "TUCSON PHEV", Year: 2021,
				Type: PHEV, Age: 95 * time.Minute,
				Life: []Phase{{Parked, 10 * time.Minute}, {Driving, 45 * time.Minute}, {Charging, time.Hour}},
				SoC:  74, CapacityKWh: 13.8, ChargeLimitAC: 100, ChargeLimitDC: 100, FuelPercent: 58, OdometerKM: 48210, Latitude: 48.137154, Longitude: 11.576124,
			},
		},
	}
}

// Environment points our programs at the account and at a cloud, in the words of a
// shell.
func (a Account) Environment(url string) string {
	return fmt.Sprintf("For a client:\n"+
		"  export HYUNDAI_USERNAME=%s HYUNDAI_PASSWORD=%s HYUNDAI_PIN=%s HYUNDAI_BRAND=%s\n"+
		"  export HYUNDAI_ENDPOINT_LOGIN=%[5]s HYUNDAI_ENDPOINT_CCI=%[5]s HYUNDAI_ENDPOINT_API=%[5]s",
		a.Email, a.Password, a.PIN, a.Brand, url)
}

// Fleet is n parked electric cars, alternately CCS2 and CCS1, for load.
func Fleet(n int) []Car {
	cars := make([]Car, n)
	for i := range cars {
		cars[i] = Car{
			ID:  fmt.Sprintf("00000000-0000-4000-8000-%012d", i+1),
			VIN: fmt.Sprintf("KMHFLEET0%08d", i+1), Name: fmt.Sprintf("Car %d", i+1), Model: "Fleet", Year: 2024, Type: EV, CCS2: i%2 == 0,
			Age: time.Hour, SoC: float64(20 + i%80), CapacityKWh: 64, ChargeLimitAC: 80, ChargeLimitDC: 90,
			OdometerKM: float64(1000 + i), Latitude: 50, Longitude: 9,
		}
	}
	return cars
}

// liveCar is a car and the cloud's copy of it. Safe for concurrent use.
type liveCar struct {
	Car
	speed float64
	now   func() time.Time
	zone  *time.Location
	// protocol is that of the car's region.
	protocol profile.Protocol
	// epoch is when the car's life began.
	epoch time.Time

	mu     sync.Mutex
	silent bool
	// sleeps are the silences of scripts that have begun and not ended.
	sleeps   int
	woken    int
	answered time.Time // when it last answered a wake
	pending  time.Time // when it will answer the wake that is open; zero: none
}

func newLiveCar(c Car, now func() time.Time, o Options, zone *time.Location, p profile.Protocol) *liveCar {
	if c.AuxSoC == 0 {
		c.AuxSoC = 85
	}
	if c.ForceDelay == 0 {
		c.ForceDelay = o.ForceDelay
	}
	return &liveCar{Car: c, speed: o.Speed, now: now, zone: zone, protocol: p, epoch: now()}
}

// snapshot is the state of a car at a moment of the real clock.
type snapshot struct {
	state
	at      time.Time
	movedAt time.Time
	auxSoC  float64
}

// copy is what the cloud knows of the car: its last own report, or what it last
// answered to a wake.
func (c *liveCar) copy() snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(c.now())
	_, reported := c.life(c.own(c.now()))
	if c.answered.After(c.real(reported)) {
		return c.at(c.own(c.answered), c.answered)
	}
	return c.at(reported, c.real(reported))
}

// at is the car at a moment of its own time, which is t by the real clock.
// Called with mu held.
func (c *liveCar) at(own time.Duration, t time.Time) snapshot {
	s, _ := c.life(own)
	return snapshot{state: s, at: t, movedAt: c.real(s.movedAt), auxSoC: max(0, c.AuxSoC-wakeCostPercent*float64(c.woken))}
}

// real is a moment of the car's own time by the real clock. Its life began with
// a report of some age.
func (c *liveCar) real(own time.Duration) time.Time {
	if own == 0 {
		return c.epoch.Add(-c.Age)
	}
	return c.epoch.Add(time.Duration(float64(own) / c.speed))
}

// own is the car's own time at a moment of the real clock.
func (c *liveCar) own(t time.Time) time.Duration {
	return max(0, time.Duration(float64(t.Sub(c.epoch))*c.speed))
}

// settle lets a wake whose time has come by now be answered. Called with mu held.
func (c *liveCar) settle(now time.Time) {
	if !c.pending.IsZero() && !now.Before(c.pending) {
		if !c.deaf() {
			c.answered = c.pending
		}
		c.pending = time.Time{}
	}
}

// wake opens a wake and returns how long the car will take; false while another
// one is open.
func (c *liveCar) wake() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(c.now())
	if !c.pending.IsZero() {
		return 0, false
	}
	c.woken++
	c.pending = c.now().Add(c.ForceDelay)
	return c.ForceDelay, true
}

// answer is what the car says at the end of a blocking wake; false if it is
// silent.
func (c *liveCar) answer() (snapshot, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	silent := c.deaf()
	if !c.pending.IsZero() {
		c.pending = time.Time{}
		if !silent {
			c.answered = c.now()
		}
	}
	return c.at(c.own(c.now()), c.now()), !silent
}

func (c *liveCar) wakes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.woken
}

// deaf says whether the car hears no wake. Called with mu held.
func (c *liveCar) deaf() bool { return c.silent || c.sleeps > 0 }

// sleep begins or ends a silence of a script's as of a time. They may overlap.
func (c *liveCar) sleep(n int, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(at)
	c.sleeps += n
}

// setSilent makes the car silent, or no longer, as of a time.
func (c *liveCar) setSilent(silent bool, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(at)
	c.silent = silent
}

// report is the car as it is now.
func (c *liveCar) report() CarState {
	copied := c.copy()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.at(c.own(c.now()), c.now())
	return CarState{
		ID: c.ID, Name: c.Name, CCS2: c.CCS2, Doing: s.doing.String(), SoC: round(s.soc, 1), AuxSoC: s.auxSoC,
		OdometerKM: round(s.odometerKM, 1), Wakes: c.woken, Silent: c.deaf(), Reported: copied.at,
	}
}

func (c *liveCar) listEntry() object {
	support := 0
	if c.CCS2 && !c.Unflagged {
		support = 1
	}
	return object{
		"vin": c.VIN, "type": c.Type, "vehicleId": c.ID, "vehicleName": c.Model, "nickname": c.Name,
		"year": fmt.Sprint(c.Year), "regDate": fmt.Sprintf("%d-03-02 09:14:55.120", c.Year), "master": true, "carShare": 0,
		"tmuNum": "", "protocolType": 1, "ccuCCS2ProtocolSupport": support,
		"detailInfo": object{"inColor": "WK", "outColor": "ABP", "saleCarmdlCd": "CV", "bodyType": "0", "saleCarmdlEnNm": c.Model},
	}
}
