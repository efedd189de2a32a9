package ccs1_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/parsetest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// The answer to a wake tells how long the car can be reached.
func TestExtra(t *testing.T) {
	body := inside(vehicleStatus+".remoteWaitingTimeAlert", `{"remoteControlAvailable": 1, "remoteControlWaitingTime": 168, "elapsedTime": "01:35:18"}`)
	assert.Equal(t, map[string]any{"remote_service_available": true, "remote_service_hours": 168.0}, extras(t, body))
}

// extras of a body that has nothing else.
func extras(t *testing.T, body string) map[string]any {
	t.Helper()
	got := map[string]any{}
	for a, v := range shared.Values(parse(t, body)) {
		key, isExtra := strings.CutPrefix(a.Path, "extra.")
		assert.True(t, isExtra, a.Path)
		got[key] = v
	}
	return got
}

// What is heated before a departure, beside the climate, is one number.
func TestHeatBeforeADeparture(t *testing.T) {
	const first, second = reservations + ".reservChargeInfo.reservChargeInfoDetail.reservFatcSet.heating1", reservations + ".reserveChargeInfo2.reservChargeInfoDetail.reservFatcSet.heating1"
	for code, want := range map[string]struct{ window, wheel any }{
		`0`: {false, false}, `"1"`: {true, true}, `2`: {true, false}, `3`: {false, true}, `4`: {true, true},
		`5`: {}, `"all"`: {}, `null`: {},
	} {
		for path, departure := range map[string]string{first: "departure1", second: "departure2"} {
			got := extras(t, inside(path, code))
			assert.Equal(t, want.window, got[departure+"_rear_window_heat"], code)
			assert.Equal(t, want.wheel, got[departure+"_steering_wheel_heat"], code)
		}
	}
}

// Sentinels and missing values are no word in the report, the rest is.
func TestReportOfCodes(t *testing.T) {
	const day, clock = reservations + ".reservChargeInfo.reservChargeInfoDetail.reservInfo.day", reservations + ".reservChargeInfo.reservChargeInfoDetail.reservInfo.time.time"
	for body, paths := range map[string][]string{
		inside(evStatus+".chargePortDoorOpenStatus", `0`):              {},
		inside(evStatus+".chargePortDoorOpenStatus", `3`):              {evStatus + ".chargePortDoorOpenStatus"},
		inside(evStatus+".remainTime2.etc1.value", `65535`):            {},
		inside(evStatus+".remainTime2.etc1.value", `-5`):               {evStatus + ".remainTime2.etc1.value"},
		inside(evStatus+".batterySoh", `0`):                            {},
		inside(reservations+".offpeakPowerInfo.offPeakPowerFlag", `0`): {},
		inside(reservations+".offpeakPowerInfo.offPeakPowerFlag", `9`): {reservations + ".offpeakPowerInfo.offPeakPowerFlag"},
		inside(day, `[9]`):                                                 {},
		inside(day, `[1, 8]`):                                              {day + ".1"},
		inside(clock, `"0000"`):                                            {},
		inside(clock, `"9999"`):                                            {clock},
		inside("odometer", `{"value": 0, "unit": 1}`):                      {},
		inside("odometer", `{"value": 5, "unit": 7}`):                      {"odometer.unit"},
		inside(vehicleStatus+".seatHeaterVentState.flSeatHeatState", `15`): {vehicleStatus + ".seatHeaterVentState.flSeatHeatState"},
		inside(vehicleStatus+".airTemp.value", `"OFF"`):                    {},
		inside(vehicleStatus+".airTemp.value", `"7FH"`):                    {vehicleStatus + ".airTemp.value"},
		inside(vehicleStatus+".time", `"20250732256199"`):                  {vehicleStatus + ".time"},
		inside("vehicleLocation.coord", `{"lat": 0, "lon": 0}`):            {},
		inside("vehicleLocation.coord", `{"lat": "north", "lon": 0}`):      {"vehicleLocation.coord.lat"},
		inside(evStatus+".drvDistance", `{}`):                              {evStatus + ".drvDistance"},
		inside(evStatus+".drvDistance", `[]`):                              {},
	} {
		parsetest.AssertRejected(t, inBerlin(t), body, paths...)
	}
}
