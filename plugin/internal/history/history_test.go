package history_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/history"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/parsetest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

const (
	km    = vehiclev1.DistanceUnit_DISTANCE_UNIT_KILOMETERS
	miles = vehiclev1.DistanceUnit_DISTANCE_UNIT_MILES
)

// all parses one object that holds every answer.
func all(unit vehiclev1.DistanceUnit) parsetest.Parse {
	return func(o field.Object) *vehiclev1.VehicleData {
		d := &vehiclev1.VehicleData{
			Consumption: history.Consumption(o.At("all"), o.At("thirty"), unit),
			Trips:       &vehiclev1.Trips{Month: history.Month(o.At("month"), "2026-07", unit), Day: history.Day(o.At("day"), unit)},
		}
		field.DropEmpty(d)
		return d
	}
}

const body = `{
	"all": {"drivingInfo": [{"drivingPeriod": 0, "totalPwrCsp": 150000, "motorPwrCsp": 120000, "climatePwrCsp": 20000, "eDPwrCsp": "6000", "batteryMgPwrCsp": 4000, "regenPwr": "30000", "calculativeOdo": 900}, {"totalPwrCsp": 1}]},
	"thirty": {
		"drivingInfo": [{"drivingPeriod": 1, "totalPwrCsp": 9, "calculativeOdo": 1}, {"drivingPeriod": "0", "totalPwrCsp": 15000.0, "CalculativeODO": 100}],
		"drivingInfoDetail": [
			{"drivingDate": "20260501", "drivingPeriod": 0, "totalPwrCsp": 5000, "motorPwrCsp": 4000, "climatePwrCsp": 700, "eDPwrCsp": 200, "batteryMgPwrCsp": 100, "regenPwr": 900, "calculativeOdo": 30},
			{"drivingDate": "20260503", "totalPwrCsp": 1000, "calculativeodo": 10},
			{"totalPwrCsp": 7}
		]
	},
	"month": {
		"monthTripDayCnt": 2, "tripDrvTime": 90, "tripIdleTime": 10, "tripDist": 60.5, "tripAvgSpeed": 40, "tripMaxSpeed": 100,
		"tripDayList": [{"tripDayInMonth": "20260703", "tripCntDay": 2}, {"tripDayInMonth": "20260701", "tripCntDay": "1"}]
	},
	"day": {"dayTripList": [{
		"tripDay": "20260703", "dayTripCnt": 2, "tripDrvTime": 30, "tripIdleTime": 5, "tripDist": 20, "tripAvgSpeed": 40, "tripMaxSpeed": 90,
		"tripList": [
			{"tripTime": "081530", "tripDrvTime": 10, "tripIdleTime": 1, "tripDist": 8, "tripAvgSpeed": 48, "tripMaxSpeed": 90},
			{"tripTime": "170005", "tripDrvTime": "20", "tripIdleTime": 4, "tripDist": 12, "tripAvgSpeed": 36, "tripMaxSpeed": 70}
		]
	}]}
}`

func trip(drive, idle, distance, average, fastest float64) *vehiclev1.Trip {
	return &vehiclev1.Trip{DriveTime: &drive, IdleTime: &idle, Distance: &distance, AverageSpeed: &average, MaxSpeed: &fastest}
}

func at(t *vehiclev1.Trip, clock string) *vehiclev1.Trip {
	t.StartTime = &clock
	return t
}

func TestEverything(t *testing.T) {
	f := proto.Float64
	want := &vehiclev1.VehicleData{
		Consumption: &vehiclev1.Consumption{
			EnergyConsumed: f(150000), EnergyRegenerated: f(30000), Average_30D: f(150),
			EnergyDrive: f(120000), EnergyClimate: f(20000), EnergyElectronics: f(6000), EnergyBatteryCare: f(4000), Distance: f(900),
			Daily: []*vehiclev1.DailyDrivingStats{
				{Date: "2026-05-03", TotalConsumed: f(1000), Distance: f(10)},
				{
					Date: "2026-05-01", TotalConsumed: f(5000), EngineConsumption: f(4000), ClimateConsumption: f(700),
					OnboardElectronicsConsumption: f(200), BatteryCareConsumption: f(100), RegeneratedEnergy: f(900), Distance: f(30),
				},
			},
		},
		Trips: &vehiclev1.Trips{
			Month: &vehiclev1.MonthTrips{
				Month: "2026-07", Summary: trip(90, 10, 60.5, 40, 100),
				Days: []*vehiclev1.DayTripCount{{Date: "2026-07-01", Trips: proto.Int32(1)}, {Date: "2026-07-03", Trips: proto.Int32(2)}},
			},
			Day: &vehiclev1.DayTrips{
				Date: "2026-07-03", Summary: trip(30, 5, 20, 40, 90),
				Trips: []*vehiclev1.Trip{at(trip(20, 4, 12, 36, 70), "17:00:05"), at(trip(10, 1, 8, 48, 90), "08:15:30")},
			},
		},
	}
	for _, unit := range []vehiclev1.DistanceUnit{km, vehiclev1.DistanceUnit_DISTANCE_UNIT_UNSPECIFIED} {
		got := all(unit)(parsetest.Decode(t, body))
		assert.True(t, proto.Equal(want, got), "want %v\ngot  %v", want, got)
	}
	parsetest.AssertRejected(t, all(km), body)
}

func TestMiles(t *testing.T) {
	d := all(miles)(parsetest.Decode(t, body))
	assert.InDelta(t, 150/1.609344, d.GetConsumption().GetAverage_30D(), 1e-9, "per km, whatever the car counts in")
	assert.InDelta(t, 900*1.609344, d.GetConsumption().GetDistance(), 1e-9)
	assert.InDelta(t, 48.28032, d.GetConsumption().GetDaily()[1].GetDistance(), 1e-9)
	assert.InDelta(t, 12*1.609344, d.GetTrips().GetDay().GetTrips()[0].GetDistance(), 1e-9)
	assert.InDelta(t, 36*1.609344, d.GetTrips().GetDay().GetTrips()[0].GetAverageSpeed(), 1e-9)
	assert.InDelta(t, 160.9344, d.GetTrips().GetMonth().GetSummary().GetMaxSpeed(), 1e-9)
}

func TestNothing(t *testing.T) {
	parsetest.AssertNothing(t, all(km),
		`{"all": {"drivingInfo": []}, "thirty": {"drivingInfo": [], "drivingInfoDetail": []}, "month": {"monthTripDayCnt": 0, "tripDayList": []}, "day": {"dayTripList": []}}`,
		`{"all": null, "thirty": {"drivingInfo": null}, "month": {"tripDayList": null}, "day": {"dayTripList": [{}]}}`,
		`{"month": {"monthTripDayCnt": 0, "tripDist": 0, "tripDayList": [{"tripDayInMonth": "20260701"}]}}`,
	)
}

func TestNoAverage(t *testing.T) {
	for name, entry := range map[string]string{
		"not driven":     `{"drivingPeriod": 0, "totalPwrCsp": 100, "calculativeOdo": 0}`,
		"no distance":    `{"drivingPeriod": 0, "totalPwrCsp": 100}`,
		"no energy":      `{"drivingPeriod": 0, "calculativeOdo": 10}`,
		"another period": `{"drivingPeriod": 1, "totalPwrCsp": 100, "calculativeOdo": 10}`,
		"no period":      `{"totalPwrCsp": 100, "calculativeOdo": 10}`,
	} {
		t.Run(name, func(t *testing.T) {
			parsetest.AssertValue(t, nil, all(km)(parsetest.Decode(t, `{"thirty": {"drivingInfo": [`+entry+`]}}`)), "consumption.average_30d")
		})
	}
}

// One bad value costs itself only, and is reported.
func TestBadValues(t *testing.T) {
	bad := `{
		"all": {"drivingInfo": [{"totalPwrCsp": "much", "regenPwr": 30000}]},
		"thirty": {"drivingInfo": {}, "drivingInfoDetail": [{"drivingDate": "20261301"}, 7, {"drivingDate": "20260503", "totalPwrCsp": -1, "calculativeOdo": 10}]},
		"month": {"tripDist": [], "tripMaxSpeed": 100, "tripDayList": [{"tripDayInMonth": "July", "tripCntDay": 1}, {"tripDayInMonth": "20260701", "tripCntDay": "two"}]},
		"day": {"dayTripList": [{"tripDay": "20260703", "tripDrvTime": {}, "tripList": [{"tripTime": "256199", "tripDist": 8}, "trip"]}]}
	}`
	parsetest.AssertRejected(t, all(km), bad,
		"all.drivingInfo.0.totalPwrCsp", "thirty.drivingInfo", "thirty.drivingInfoDetail.0.drivingDate", "thirty.drivingInfoDetail.1",
		"thirty.drivingInfoDetail.2.totalPwrCsp", "month.tripDist", "month.tripDayList.0.tripDayInMonth", "month.tripDayList.1.tripCntDay",
		"day.dayTripList.0.tripDrvTime", "day.dayTripList.0.tripList.0.tripTime", "day.dayTripList.0.tripList.1")
	d := all(km)(parsetest.Decode(t, bad))
	assert.InDelta(t, 30000, d.GetConsumption().GetEnergyRegenerated(), 0)
	assert.Len(t, d.GetConsumption().GetDaily(), 1)
	assert.Len(t, d.GetTrips().GetMonth().GetDays(), 1)
	assert.Len(t, d.GetTrips().GetDay().GetTrips(), 1)
	assert.InDelta(t, 100, d.GetTrips().GetMonth().GetSummary().GetMaxSpeed(), 0)
}

func TestListsAreBounded(t *testing.T) {
	var days, trips, details []string
	for i := range 1000 {
		date := fmt.Sprintf("20%02d%02d%02d", i/336, i/28%12+1, i%28+1)
		days = append(days, fmt.Sprintf(`{"tripDayInMonth": %q, "tripCntDay": 1}`, date))
		details = append(details, fmt.Sprintf(`{"drivingDate": %q}`, date))
		trips = append(trips, fmt.Sprintf(`{"tripTime": "%02d%02d00"}`, i/60, i%60))
	}
	d := all(km)(parsetest.Decode(t, fmt.Sprintf(
		`{"thirty": {"drivingInfoDetail": [%s]}, "month": {"tripDayList": [%s]}, "day": {"dayTripList": [{"tripDay": "20260703", "tripList": [%s]}]}}`,
		strings.Join(details, ","), strings.Join(days, ","), strings.Join(trips, ","))))
	assert.Len(t, d.GetConsumption().GetDaily(), 62)
	assert.Equal(t, "2002-12-20", d.GetConsumption().GetDaily()[0].GetDate(), "the newest are kept")
	assert.Len(t, d.GetTrips().GetMonth().GetDays(), 31)
	assert.Equal(t, "2002-12-20", d.GetTrips().GetMonth().GetDays()[30].GetDate())
	assert.Len(t, d.GetTrips().GetDay().GetTrips(), 200)
	assert.Equal(t, "16:39:00", d.GetTrips().GetDay().GetTrips()[0].GetStartTime())
}

func FuzzHistoryParse(f *testing.F) {
	f.Add([]byte(body), false)
	f.Add([]byte(strings.ReplaceAll(body, "00", "-1")), true)
	f.Add([]byte(`{"thirty":{"drivingInfoDetail":[{"drivingDate":"20260101"},{"drivingDate":"20260101"}]},"day":{"dayTripList":[{"tripDay":20260101,"tripList":[{}]}]}}`), true)
	f.Fuzz(func(t *testing.T, raw []byte, imperial bool) {
		unit := km
		if imperial {
			unit = miles
		}
		parsetest.CheckFuzzed(t, raw, all(unit))
	})
}

// 166.48 is 166: rounded to a decimal first it would be 167.
func TestTheAverageIsRoundedOnce(t *testing.T) {
	d := all(km)(parsetest.Decode(t, `{"thirty": {"drivingInfo": [{"drivingPeriod": 0, "totalPwrCsp": 150000, "calculativeOdo": 901}]}}`))
	shared.Normalize(d)
	assert.InDelta(t, 166.0, d.GetConsumption().GetAverage_30D(), 0)
}
