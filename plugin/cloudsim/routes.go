package cloudsim

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// carRoutes are the calls about one car, at the paths of a profile.
func (c vehicleAPI) carRoutes(paths profile.Paths) {
	v1 := paths.VehicleAPI + paths.Vehicles + "/{id}/"
	v2 := strings.Replace(v1, "/v1/", "/v2/", 1)
	type handler = func(http.ResponseWriter, *http.Request, *liveCar)
	for class, routes := range map[Class]map[string]handler{
		Read: {
			"GET " + v1 + paths.CCS1Status:                           c.cachedCCS1,
			"GET " + v2 + paths.CCS1Status:                           c.cachedCCS1,
			"GET " + v1 + paths.CCS2Status:                           c.cachedCCS2,
			"GET " + v1 + paths.ParkLocation:                         c.parkLocation,
			"GET " + v1 + "charge/target":                            c.chargeTargets,
			"GET " + v2 + "charge/target":                            c.chargeTargets,
			"GET " + v1 + "profile":                                  c.profile,
			"GET " + paths.VehicleAPI + "notifications/{id}/records": c.records,
		},
		Wake: {
			"GET " + v1 + paths.CCS1Wake: c.forcedCCS1,
			"GET " + v2 + paths.CCS1Wake: c.forcedCCS1,
			"GET " + v1 + paths.CCS2Wake: c.forcedCCS2,
			"GET " + v1 + "location":     c.liveLocation,
			"GET " + v2 + "location":     c.liveLocation,
		},
		History: {
			"POST " + v1 + paths.Trips:          c.trips,
			"POST " + v1 + paths.DrivingHistory: c.drivingHistory,
		},
	} {
		for pattern, handler := range routes {
			if !strings.HasSuffix(pattern, "/") { // else the region has no such call
				c.route(class, pattern, c.aboutCar(handler))
			}
		}
	}
	// Everything else that may be asked of a car, commands above all.
	for _, base := range []string{v1, v2} {
		c.route(Command, base+"{rest...}", c.aboutCar(
			func(w http.ResponseWriter, _ *http.Request, _ *liveCar) { unsupported(w) }))
	}
}

// aboutCar puts the checks of every call, and that for one's own car, before a
// handler.
func (c vehicleAPI) aboutCar(next func(http.ResponseWriter, *http.Request, *liveCar)) http.HandlerFunc {
	return c.authenticated(func(w http.ResponseWriter, r *http.Request, a *account) {
		for _, car := range a.cars {
			if car.ID == r.PathValue("id") {
				next(w, r, car)
				return
			}
		}
		refuse(w, "4003")
	})
}

func unsupported(w http.ResponseWriter) {
	refuse(w, "4005")
}

func (c vehicleAPI) cachedCCS1(w http.ResponseWriter, _ *http.Request, car *liveCar) {
	c.count(Read)
	if car.CCS2 {
		succeed(w, metadata(car))
		return
	}
	s, p, message := car.copy(), car.protocol, object{}
	put(message, p.CCS1Status, car.statusCCS1(s))
	put(message, p.CCS1Odometer, object{"value": round(s.odometerKM, 1), "unit": 1})
	put(message, p.CCS1Location, car.positionBlock(s, car.zone))
	succeed(w, message)
}

// forcedCCS1 blocks until the car answers. Asked of a CCS2 car it answers
// metadata that look like a success.
func (c vehicleAPI) forcedCCS1(w http.ResponseWriter, r *http.Request, car *liveCar) {
	if car.CCS2 {
		c.count(Read)
		succeed(w, metadata(car))
		return
	}
	if s, ok := c.block(w, r, car); ok {
		status := car.statusCCS1(s)
		status["remoteWaitingTimeAlert"] = object{"remoteControlAvailable": 1, "remoteControlWaitingTime": 168, "elapsedTime": "00:00:00"}
		message := object{}
		put(message, car.protocol.CCS1Answer, status)
		succeed(w, message)
	}
}

// put puts a part at a dotted path into a message; an empty path is the message
// itself, and a path that is none is nowhere.
func put(message object, path string, part object) {
	if path == "" {
		maps.Copy(message, part)
		return
	}
	if path == profile.None {
		return
	}
	name, rest, _ := strings.Cut(path, ".")
	inner, there := message[name].(object)
	if !there {
		inner = object{}
		message[name] = inner
	}
	put(inner, rest, part)
}

// metadata is what CCS1 endpoints say of a CCS2 car: it looks like a success and
// holds no state.
func metadata(car *liveCar) object {
	return object{"ServiceNo": "V0001", "svcTime": car.now().UTC().Format("20060102150405"), "RetCode": "S", "resCode": "200", "SID": randomUUID()}
}

// block is a wake whose answer the caller waits for.
func (c vehicleAPI) block(w http.ResponseWriter, r *http.Request, car *liveCar) (snapshot, bool) {
	delay, ok := car.wake()
	if !ok {
		refuse(w, "4004")
		return snapshot{}, false
	}
	c.count(Wake)
	c.wait(r, delay) // a caller that goes changes nothing for the car
	c.player.settle()
	s, answered := car.answer()
	if !answered {
		refuse(w, "4081")
		return snapshot{}, false
	}
	return s, true
}

func (c vehicleAPI) cachedCCS2(w http.ResponseWriter, _ *http.Request, car *liveCar) {
	if !car.CCS2 {
		unsupported(w)
		return
	}
	c.count(Read)
	succeed(w, car.statusCCS2(car.copy()))
}

// forcedCCS2 only triggers the wake; its answer holds no state.
func (c vehicleAPI) forcedCCS2(w http.ResponseWriter, _ *http.Request, car *liveCar) {
	if !car.CCS2 {
		unsupported(w)
		return
	}
	if _, ok := car.wake(); !ok {
		refuse(w, "4004")
		return
	}
	c.count(Wake)
	succeed(w, nil)
}

// parkLocation comes bare from CCS2 cars and wrapped from CCS1 cars.
func (c vehicleAPI) parkLocation(w http.ResponseWriter, _ *http.Request, car *liveCar) {
	c.count(Read)
	block := car.positionBlock(car.copy(), car.zone)
	if !car.CCS2 {
		succeed(w, object{"gpsDetail": block, "drvDistance": []any{}})
		return
	}
	succeed(w, block)
}

// liveLocation wakes the car. Its time is UTC.
func (c vehicleAPI) liveLocation(w http.ResponseWriter, r *http.Request, car *liveCar) {
	if s, ok := c.block(w, r, car); ok {
		succeed(w, object{"gpsDetail": car.positionBlock(s, time.UTC)})
	}
}

func (c vehicleAPI) chargeTargets(w http.ResponseWriter, _ *http.Request, car *liveCar) {
	if !car.hasPlug() {
		unsupported(w)
		return
	}
	c.count(Read)
	succeed(w, object{"targetSOClist": car.targets()})
}

// drivingHistory sums the days since the cloud started; period 0 is the last 30
// days, 1 all time.
func (c vehicleAPI) drivingHistory(w http.ResponseWriter, r *http.Request, car *liveCar) {
	var body struct {
		Period *int `json:"periodTarget"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Period == nil || *body.Period < 0 || *body.Period > 2 {
		refuse(w, "4002")
		return
	}
	if !car.hasPlug() {
		unsupported(w)
		return
	}
	c.count(History)
	s := car.copy()
	km := s.odometerKM - car.OdometerKM
	succeed(w, object{
		"drivingInfo":       []object{consumption(0, km)},
		"drivingInfoDetail": []object{withDate(consumption(0, km), s.at.In(car.zone).Format("20060102"))},
	})
}

// trips of a month or of a day: one a day since the cloud started, if any.
func (c vehicleAPI) trips(w http.ResponseWriter, r *http.Request, car *liveCar) {
	var body struct {
		Period *int   `json:"tripPeriodType"`
		Month  string `json:"setTripMonth"`
		Day    string `json:"setTripDay"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Period == nil ||
		(*body.Period == 0 && len(body.Month) != 6) || (*body.Period == 1 && len(body.Day) != 8) || *body.Period < 0 || *body.Period > 1 {
		refuse(w, "4002")
		return
	}
	c.count(History)
	s := car.copy()
	today, km := s.at.In(car.zone).Format("20060102"), s.odometerKM-car.OdometerKM
	trip := func() object {
		return object{"tripDrvTime": int(km / speedKMH * 60), "tripIdleTime": 0, "tripDist": round(km, 1), "tripAvgSpeed": speedKMH, "tripMaxSpeed": int(speedKMH)}
	}
	switch {
	case *body.Period == 0 && (km == 0 || body.Month != today[:6]):
		succeed(w, object{"monthTripDayCnt": 0, "tripDayList": []any{}})
	case *body.Period == 0:
		month := trip()
		month["monthTripDayCnt"], month["tripDayList"] = 1, []object{{"tripDayInMonth": today, "tripCntDay": 1}}
		succeed(w, month)
	case km == 0 || body.Day != today:
		succeed(w, object{"dayTripList": []any{}})
	default:
		day, single := trip(), trip()
		single["tripTime"] = "000000"
		day["tripDay"], day["dayTripCnt"], day["tripList"] = today, 1, []object{single}
		succeed(w, object{"dayTripList": []object{day}})
	}
}

func consumption(period int, km float64) object {
	wh := km * kWhPer100KM * 10
	return object{
		"drivingPeriod": period, "totalPwrCsp": int(wh), "motorPwrCsp": int(wh * 0.8), "climatePwrCsp": int(wh * 0.13),
		"eDPwrCsp": int(wh * 0.04), "batteryMgPwrCsp": int(wh * 0.03), "regenPwr": int(wh * 0.2), "calculativeOdo": round(km, 1),
	}
}

func withDate(o object, date string) object {
	o["drivingDate"] = date
	return o
}

func (c vehicleAPI) profile(w http.ResponseWriter, _ *http.Request, car *liveCar) {
	c.count(Read)
	succeed(w, object{"vinInfo": []object{{"basic": object{"vin": car.VIN, "modelYear": car.Year}}}})
}

// records of commands: none are served, so there are none.
func (c vehicleAPI) records(w http.ResponseWriter, _ *http.Request, _ *liveCar) {
	c.count(Read)
	succeed(w, []any{})
}
