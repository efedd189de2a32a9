package ccs2_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/ccs2"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/parsetest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// inside stands in the tables too often for its full name.
var inside = parsetest.Inside

// with is the parser for a car of which this is known.
func with(known ccs2.Known) parsetest.Parse {
	return func(info field.Object) *vehiclev1.VehicleData { return ccs2.Parse(info, known) }
}

// inBerlin is the parser for an electric car in Berlin.
func inBerlin(tb testing.TB) parsetest.Parse {
	tb.Helper()
	return with(ccs2.Known{EngineType: vehiclev1.EngineType_ENGINE_TYPE_EV, Clock: field.Clock{Zone: parsetest.Berlin(tb)}})
}

// parse reads a body as from an electric car in Berlin.
func parse(tb testing.TB, body string) *vehiclev1.VehicleData {
	tb.Helper()
	return inBerlin(tb)(parsetest.Decode(tb, body))
}

const (
	batteryManagement = "Green.BatteryManagement"
	chargingInfo      = "Green.ChargingInformation"
	reservation       = "Green.Reservation"
	hvac              = "Cabin.HVAC"
)

func TestNothingIsSetWithoutData(t *testing.T) {
	parsetest.AssertNothing(t, inBerlin(t), inside(batteryManagement, `{}`), inside(reservation, `[]`), `{"Green": 1, "Cabin": "x", "Body": [{}]}`)
}

func TestObservedAt(t *testing.T) {
	const compact, httpDate = `"20250714120509.250"`, `"Sun, 12 Jan 2025 08:30:10 GMT"`
	at := func(hour, minute, second, ms int) any {
		return time.Date(2025, 7, 14, hour, minute, second, ms*int(time.Millisecond), time.UTC)
	}
	utc := func(hour, minute int) time.Time { return time.Date(2025, 7, 14, hour, minute, 9, 0, time.UTC) }
	for name, tc := range map[string]struct {
		date  string
		known ccs2.Known
		want  any
	}{
		"Date is UTC":                          {compact, ccs2.Known{Clock: field.Clock{Zone: parsetest.Berlin(t)}}, at(12, 5, 9, 250)},
		"Date of the past stays UTC":           {compact, ccs2.Known{Clock: field.Clock{Zone: parsetest.Berlin(t)}, Now: utc(18, 0)}, at(12, 5, 9, 250)},
		"Date five minutes ahead stays UTC":    {compact, ccs2.Known{Clock: field.Clock{Zone: parsetest.Berlin(t)}, Now: utc(12, 1)}, at(12, 5, 9, 250)},
		"Date in the future is local":          {compact, ccs2.Known{Clock: field.Clock{Zone: parsetest.Berlin(t)}, Now: utc(11, 58)}, at(10, 5, 9, 250)},
		"without a zone the future stays UTC":  {compact, ccs2.Known{Now: utc(11, 0)}, at(12, 5, 9, 250)},
		"the newer one counts, here Date":      {compact, ccs2.Known{Clock: field.Clock{Zone: parsetest.Berlin(t)}, UpdatedAt: utc(9, 30)}, at(12, 5, 9, 250)},
		"here lastUpdateTime":                  {compact, ccs2.Known{Clock: field.Clock{Zone: parsetest.Berlin(t)}, UpdatedAt: utc(12, 30)}, at(12, 30, 9, 0)},
		"Date of another zone says nothing":    {compact, ccs2.Known{Clock: field.Clock{Zone: parsetest.Berlin(t)}, UpdatedAt: utc(10, 4)}, at(10, 4, 9, 0)},
		"lastUpdateTime wins in the future":    {compact, ccs2.Known{Clock: field.Clock{Zone: parsetest.Berlin(t)}, UpdatedAt: utc(20, 0), Now: utc(10, 0)}, at(20, 0, 9, 0)},
		"lastUpdateTime without Date":          {`null`, ccs2.Known{UpdatedAt: utc(9, 30)}, at(9, 30, 9, 0)},
		"HTTP date":                            {httpDate, ccs2.Known{Clock: field.Clock{Zone: parsetest.Berlin(t)}}, time.Date(2025, 1, 12, 8, 30, 10, 0, time.UTC)},
		"HTTP date of the future is still UTC": {httpDate, ccs2.Known{Clock: field.Clock{Zone: parsetest.Berlin(t)}, Now: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}, time.Date(2025, 1, 12, 8, 30, 10, 0, time.UTC)},
		"sentinel":                             {`"20251345997070.000"`, ccs2.Known{Clock: field.Clock{Zone: parsetest.Berlin(t)}, Now: utc(12, 0)}, nil},
		"no Date":                              {`null`, ccs2.Known{Clock: field.Clock{Zone: parsetest.Berlin(t)}, Now: utc(12, 0)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			data := ccs2.Parse(parsetest.Decode(t, `{"Date": `+tc.date+`}`), tc.known)
			parsetest.AssertValue(t, tc.want, data, "refresh.observed_at")
			var cloudAt any
			if !tc.known.UpdatedAt.IsZero() {
				cloudAt = tc.known.UpdatedAt
			}
			parsetest.AssertValue(t, cloudAt, data, "refresh.cloud_at")
		})
	}
}

// The status' own Offset is always "1" and means nothing.
func TestOffsetOfTheStatusIsIgnored(t *testing.T) {
	parsetest.AssertValue(t, time.Date(2025, 7, 14, 12, 5, 9, 0, time.UTC), parse(t, `{"Offset": "1", "Date": "20250714120509"}`), "refresh.observed_at")
}

func TestDriverSitsOnTheLeftOrRight(t *testing.T) {
	body := parsetest.Decode(t, `{"Cabin": {
		"Door": {
			"Row1": {"Driver": {"Open": 1, "Lock": 1}, "Passenger": {"Open": 0, "Lock": 0}},
			"Row2": {"Left": {"Open": 1, "Lock": 1}, "Right": {"Open": 0, "Lock": 0}}
		},
		"Window": {"Row1": {"Driver": {"Open": 1}, "Passenger": {"Open": 0}}, "Row2": {"Left": {"Open": 1}, "Right": {"Open": 0}}},
		"Seat": {
			"Row1": {"Driver": {"Climate": {"State": 8}}, "Passenger": {"Climate": {"State": 3}}},
			"Row2": {"Left": {"Climate": {"State": 6}}, "Right": {"Climate": {"State": 4}}}
		}
	}}`)
	driver := map[string]any{"doors._open": true, "doors._locked": false, "windows._open": true, "seats.": shared.Choice{Word: "High Heat", Number: 8}}
	passenger := map[string]any{"doors._open": false, "doors._locked": true, "windows._open": false, "seats.": shared.Choice{Word: "Low Cool", Number: 3}}
	for _, tc := range []struct {
		right                 bool
		frontLeft, frontRight map[string]any
	}{
		{false, driver, passenger},
		{true, passenger, driver},
	} {
		t.Run(fmt.Sprintf("on the right: %v", tc.right), func(t *testing.T) {
			d := ccs2.Parse(body, ccs2.Known{RightHandDrive: tc.right})
			want := map[string]any{
				"doors.locked": false,
				// The second row has sides, not roles.
				"doors.rear_left_open": true, "doors.rear_right_open": false,
				"doors.rear_left_locked": false, "doors.rear_right_locked": true,
				"windows.rear_left_open": true, "windows.rear_right_open": false,
				"seats.rear_left": shared.Choice{Word: "Low Heat", Number: 6}, "seats.rear_right": shared.Choice{Word: "Medium Cool", Number: 4},
			}
			for name, value := range tc.frontLeft {
				want[strings.Replace(name, ".", ".front_left", 1)] = value
			}
			for name, value := range tc.frontRight {
				want[strings.Replace(name, ".", ".front_right", 1)] = value
			}
			assert.Equal(t, want, parsetest.Values(d))
		})
	}
}

// Lock is true when the door is unlocked.
func TestLockedAsAWhole(t *testing.T) {
	for name, tc := range map[string]struct {
		driver, passenger, left, right string
		want                           any
	}{
		"all locked":                   {`0`, `0`, `0`, `0`, true},
		"all locked, as truth values":  {`false`, `false`, `false`, `false`, true},
		"all unlocked":                 {`1`, `1`, `1`, `1`, false},
		"driver's door unlocked":       {`1`, `0`, `0`, `0`, false},
		"passenger's door unlocked":    {`0`, `1`, `0`, `0`, false},
		"rear left door unlocked":      {`0`, `0`, `true`, `0`, false},
		"rear right door unlocked":     {`0`, `0`, `0`, `1`, false},
		"one unlocked, others unknown": {`null`, `null`, `"?"`, `1`, false},
		"one unlocked, first unknown":  {`null`, `1`, `0`, `0`, false},
		"one unknown, others locked":   {`0`, `0`, `0`, `null`, nil},
		"first unknown, others locked": {`"?"`, `0`, `0`, `0`, nil},
		"one locked, others unknown":   {`0`, `null`, `null`, `null`, nil},
		"all unknown":                  {`null`, `null`, `null`, `null`, nil},
		"objects where flags belong":   {`{}`, `[]`, `{}`, `[]`, nil},
		"numbers above 1 are unlocked": {`0`, `0`, `0`, `2`, false},
		"text":                         {`"0"`, `"0"`, `"0"`, `"0"`, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := parse(t, inside("Cabin.Door", fmt.Sprintf(
				`{"Row1": {"Driver": {"Lock": %s}, "Passenger": {"Lock": %s}}, "Row2": {"Left": {"Lock": %s}, "Right": {"Lock": %s}}}`,
				tc.driver, tc.passenger, tc.left, tc.right)))
			parsetest.AssertValue(t, tc.want, d, "doors.locked")
		})
	}
}

func TestPreconditioning(t *testing.T) {
	for name, tc := range map[string]struct {
		management string
		want       any
	}{
		"code 0":                              {`{"BatteryPreCondition": {"Status": 0}}`, false},
		"code 1 means nothing":                {`{"BatteryPreCondition": {"Status": 1}}`, nil},
		"code 2":                              {`{"BatteryPreCondition": {"Status": 2}}`, false},
		"code 3":                              {`{"BatteryPreCondition": {"Status": 3}}`, true},
		"code 4":                              {`{"BatteryPreCondition": {"Status": 4}}`, true},
		"code 5 means nothing":                {`{"BatteryPreCondition": {"Status": 5}}`, nil},
		"code 6":                              {`{"BatteryPreCondition": {"Status": 6}}`, false},
		"code 7 means nothing":                {`{"BatteryPreCondition": {"Status": 7}}`, nil},
		"code as text":                        {`{"BatteryPreCondition": {"Status": "3"}}`, true},
		"word":                                {`{"BatteryPreCondition": {"Status": "?"}}`, nil},
		"winter mode in its place":            {`{"WinterModeOperation": 1}`, true},
		"winter mode off in its place":        {`{"WinterModeOperation": 0}`, false},
		"winter mode in place of null":        {`{"BatteryPreCondition": {"Status": null}, "WinterModeOperation": 1}`, true},
		"winter mode never overrules":         {`{"BatteryPreCondition": {"Status": 2}, "WinterModeOperation": 1}`, false},
		"winter mode never replaces nonsense": {`{"BatteryPreCondition": {"Status": 5}, "WinterModeOperation": 1}`, nil},
		"neither":                             {`{}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			parsetest.AssertValue(t, tc.want, parse(t, inside(batteryManagement, tc.management)), "battery.preconditioning_enabled")
		})
	}
}

// Both energies are in one unit, and only together do they tell in which.
func TestUnitOfTheEnergies(t *testing.T) {
	for name, tc := range map[string]struct {
		remain, capacity string
		energy, full     any
	}{
		"kilojoules":                   {`{"Value": 220356}`, `{"Value": 293040}`, 61.21, 81.4},
		"nearly empty, in kilojoules":  {`{"Value": 900}`, `{"Value": 293040}`, 0.25, 81.4},
		"empty, in kilojoules":         {`{"Value": 0}`, `{"Value": 36000}`, 0.0, 10.0},
		"kilowatt hours":               {`{"Value": 54.5}`, `{"Value": 76.0}`, 54.5, 76.0},
		"smallest kilojoules":          {`{"Value": 18}`, `{"Value": 1000}`, 0.005, 1000.0 / 3600},
		"largest kilowatt hours":       {`{"Value": 18}`, `{"Value": 999.9}`, 18.0, 999.9},
		"no capacity":                  {`{"Value": 220356}`, `{}`, 61.21, nil},
		"capacity is a word":           {`{"Value": 54.5}`, `{"Value": "?"}`, 54.5, nil},
		"small numbers said to be kJ":  {`{"Value": 36, "Unit": "kJ"}`, `{"Value": 360}`, 0.01, 0.1},
		"in another case":              {`{"Value": 36, "Unit": " KJ "}`, `{"Value": 360}`, 0.01, 0.1},
		"large numbers said to be kWh": {`{"Value": 1200, "Unit": "kWh"}`, `{"Value": 1500}`, 1200.0, 1500.0},
		"a unit that says nothing":     {`{"Value": 220356, "Unit": 1}`, `{"Value": 293040}`, 61.21, 81.4},
	} {
		t.Run(name, func(t *testing.T) {
			d := parse(t, inside(batteryManagement, `{"BatteryRemain": `+tc.remain+`, "BatteryCapacity": `+tc.capacity+`}`))
			parsetest.AssertValue(t, tc.energy, d, "battery.energy")
			parsetest.AssertValue(t, tc.full, d, "battery.capacity")
		})
	}
}

// TestRangesOfAnUnknownEngine go by what the document shows.
func TestRangesOfAnUnknownEngine(t *testing.T) {
	const plug = `"Green": {"BatteryManagement": {"BatteryRemain": {"Ratio": 50}}, "ChargingInformation": {"ConnectorFastening": {"State": 0}}}`
	for name, tc := range map[string]struct {
		body                  string
		total, electric, fuel any
	}{
		"plug":          {`{` + plug + `, "Drivetrain": {"FuelSystem": {"FuelLevel": 0, "DTE": {"Unit": 1, "Total": 300}}}}`, 300.0, 300.0, nil},
		"plug and tank": {`{` + plug + `, "Drivetrain": {"FuelSystem": {"FuelLevel": 40, "DTE": {"Unit": 1, "Total": 700, "EV": 60, "ICE": 640}}}}`, 700.0, 60.0, 640.0},
		"tank":          {`{"Drivetrain": {"FuelSystem": {"FuelLevel": 40, "DTE": {"Unit": 1, "Total": 640}}}}`, 640.0, nil, 640.0},
		"neither":       {`{"Drivetrain": {"FuelSystem": {"DTE": {"Unit": 1, "Total": 640}}}}`, 640.0, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := ccs2.Parse(parsetest.Decode(t, tc.body), ccs2.Known{})
			parsetest.AssertValue(t, tc.total, d, "range.total")
			parsetest.AssertValue(t, tc.electric, d, "range.electric")
			parsetest.AssertValue(t, tc.fuel, d, "range.fuel")
		})
	}
}

func TestRangesByEngine(t *testing.T) {
	const all = `{"Unit": 1, "Total": 700, "EV": 60, "ICE": 640}`
	for name, tc := range map[string]struct {
		engine                vehiclev1.EngineType
		dte                   string
		total, electric, fuel any
	}{
		"electric car":                  {vehiclev1.EngineType_ENGINE_TYPE_EV, all, 700.0, 700.0, nil},
		"plug-in hybrid":                {vehiclev1.EngineType_ENGINE_TYPE_PHEV, all, 700.0, 60.0, 640.0},
		"hybrid":                        {vehiclev1.EngineType_ENGINE_TYPE_HEV, all, 700.0, nil, 640.0},
		"combustion engine":             {vehiclev1.EngineType_ENGINE_TYPE_ICE, all, 700.0, nil, 640.0},
		"combustion engine, total only": {vehiclev1.EngineType_ENGINE_TYPE_ICE, `{"Unit": 1, "Total": 612}`, 612.0, nil, 612.0},
		"hybrid, total only":            {vehiclev1.EngineType_ENGINE_TYPE_HEV, `{"Unit": 1, "Total": 612}`, 612.0, nil, 612.0},
		"unknown engine":                {vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED, all, 700.0, 60.0, 640.0},
		"unknown engine, total only":    {vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED, `{"Unit": 1, "Total": 612}`, 612.0, nil, nil},
		"no reading":                    {vehiclev1.EngineType_ENGINE_TYPE_EV, `{"Unit": 0, "Total": 0}`, nil, nil, nil},
		"nothing left":                  {vehiclev1.EngineType_ENGINE_TYPE_EV, `{"Unit": 1, "Total": 0}`, 0.0, 0.0, nil},
		"later name of the fuel range":  {vehiclev1.EngineType_ENGINE_TYPE_PHEV, `{"Unit": 1, "EV": 60, "Fuel": 640}`, 700.0, 60.0, 640.0},
		"miles":                         {vehiclev1.EngineType_ENGINE_TYPE_PHEV, `{"Unit": 3, "Total": 100, "EV": 0, "ICE": 50}`, 160.9344, 0.0, 80.4672},
		"later name beside a null":      {vehiclev1.EngineType_ENGINE_TYPE_PHEV, `{"Unit": 1, "ICE": null, "Fuel": 640}`, nil, nil, 640.0},
		"later name beside overflow":    {vehiclev1.EngineType_ENGINE_TYPE_HEV, `{"Unit": 1, "ICE": 4294967295, "Fuel": 640}`, 640.0, nil, 640.0},
		"later name beside a word":      {vehiclev1.EngineType_ENGINE_TYPE_ICE, `{"Unit": 1, "ICE": "--", "Fuel": 640}`, 640.0, nil, 640.0},
		"older name goes first":         {vehiclev1.EngineType_ENGINE_TYPE_HEV, `{"Unit": 1, "ICE": 0, "Fuel": 640}`, 0.0, nil, 0.0},
		"overflow of a hybrid":          {vehiclev1.EngineType_ENGINE_TYPE_PHEV, `{"Unit": 1, "Total": 612, "EV": "--", "ICE": 4294967295}`, 612.0, nil, nil},
		"largest value that is none":    {vehiclev1.EngineType_ENGINE_TYPE_EV, `{"Unit": 1, "Total": 1000000}`, 1e6, 1e6, nil},
		"first value that is overflow":  {vehiclev1.EngineType_ENGINE_TYPE_EV, `{"Unit": 1, "Total": 1000001}`, nil, nil, nil},
		"unknown unit":                  {vehiclev1.EngineType_ENGINE_TYPE_EV, `{"Unit": 9, "Total": 500}`, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := ccs2.Parse(parsetest.Decode(t, inside("Drivetrain.FuelSystem.DTE", tc.dte)), ccs2.Known{EngineType: tc.engine})
			parsetest.AssertValue(t, tc.total, d, "range.total")
			parsetest.AssertValue(t, tc.electric, d, "range.electric")
			parsetest.AssertValue(t, tc.fuel, d, "range.fuel")
		})
	}
}

func TestTimeOfTheFix(t *testing.T) {
	const parts = `"TimeStamp": {"Year": 2025, "Mon": 7, "Day": 14, "Hour": 15, "Min": 3, "Sec": 20}`
	const date = `"Date": "20250714100000"`
	stamp := func(hour, minute, second string) string {
		return `"TimeStamp": {"Year": 2025, "Mon": 7, "Day": 14, "Hour": ` + hour + `, "Min": ` + minute + `, "Sec": ` + second + `}`
	}
	at := func(hour, minute, second int) any { return time.Date(2025, 7, 14, hour, minute, second, 0, time.UTC) }
	for name, tc := range map[string]struct {
		members string
		want    any
	}{
		"by its own offset":            {parts + `, "Offset": 3`, at(12, 3, 20)},
		"offset as text":               {parts + `, "Offset": "3"`, at(12, 3, 20)},
		"offset of half an hour":       {parts + `, "Offset": 5.5`, at(9, 33, 20)},
		"negative offset":              {parts + `, "Offset": -2`, at(17, 3, 20)},
		"offset 0":                     {parts + `, "Offset": 0`, at(15, 3, 20)},
		"without an offset in Berlin":  {parts, at(13, 3, 20)},
		"offset as a word":             {parts + `, "Offset": "x"`, at(13, 3, 20)},
		"offset of no zone":            {parts + `, "Offset": 15`, at(13, 3, 20)},
		"parts before Date":            {parts + `, "Offset": 3, ` + date, at(12, 3, 20)},
		"parts of another zone":        {parts + `, "Date": "20250714140320"`, at(14, 3, 20)},
		"parts of another zone, text":  {parts + `, "Offset": "x", "Date": "20250714150320"`, at(15, 3, 20)},
		"parts and Date agree":         {parts + `, "Date": "20250714130320"`, at(13, 3, 20)},
		"another zone, but an offset":  {parts + `, "Offset": 3, "Date": "20250714140320"`, at(12, 3, 20)},
		"Date of another fix":          {parts + `, ` + date, at(13, 3, 20)},
		"Date of the day before":       {parts + `, "Date": "20250713130320"`, at(13, 3, 20)},
		"Date is UTC":                  {date, at(10, 0, 0)},
		"Date is UTC, whatever Offset": {date + `, "Offset": 3`, at(10, 0, 0)},
		"a part is missing":            {`"TimeStamp": {"Year": 2025, "Mon": 7, "Day": 14, "Hour": 15, "Min": 3}, ` + date, at(10, 0, 0)},
		"a part has a fraction":        {stamp("15.5", "3", "20") + `, ` + date, at(10, 0, 0)},
		"text parts":                   {stamp(`"15"`, `"3"`, `"20"`) + `, "Offset": 3`, at(12, 3, 20)},
		"year 0":                       {`"TimeStamp": {"Year": 0, "Mon": 13, "Day": 0, "Hour": 31, "Min": 70, "Sec": 99}`, nil},
		"month 13":                     {`"TimeStamp": {"Year": 2025, "Mon": 13, "Day": 1, "Hour": 1, "Min": 1, "Sec": 1}, ` + date, at(10, 0, 0)},
		"February 30":                  {`"TimeStamp": {"Year": 2025, "Mon": 2, "Day": 30, "Hour": 1, "Min": 1, "Sec": 1}, ` + date, at(10, 0, 0)},
		"year of another century":      {`"TimeStamp": {"Year": 2201, "Mon": 2, "Day": 3, "Hour": 1, "Min": 1, "Sec": 1}, ` + date, at(10, 0, 0)},
		"hour 24":                      {stamp("24", "0", "0") + `, ` + date, at(10, 0, 0)},
		"hour 31, minute 70":           {stamp("31", "70", "0") + `, ` + date, at(10, 0, 0)},
		"minute 70":                    {stamp("15", "70", "0") + `, ` + date, at(10, 0, 0)},
		"second 99":                    {stamp("15", "3", "99") + `, ` + date, at(10, 0, 0)},
		"negative minute":              {stamp("15", "-5", "0") + `, ` + date, at(10, 0, 0)},
		"no time at all":               {`"Heading": 5`, nil},
		"broken Date beside no parts":  {`"Date": ""`, nil},
		"a list in place of the parts": {`"TimeStamp": [2025, 7, 14, 15, 3, 20]`, nil},
		"winter in Berlin":             {`"TimeStamp": {"Year": 2025, "Mon": 12, "Day": 14, "Hour": 0, "Min": 30, "Sec": 0}`, time.Date(2025, 12, 13, 23, 30, 0, 0, time.UTC)},
		"last second of the day":       {stamp("23", "59", "59") + `, "Offset": 0`, at(23, 59, 59)},
	} {
		t.Run(name, func(t *testing.T) {
			d := parse(t, inside("Location", `{"GeoCoord": {"Latitude": 48.137, "Longitude": 11.575}, `+tc.members+`}`))
			parsetest.AssertValue(t, tc.want, d, "location.observed_at")
		})
	}
	without := parse(t, inside("Location", `{"GeoCoord": {"Latitude": 0, "Longitude": 0}, `+date+`}`))
	parsetest.AssertValue(t, nil, without, "location.observed_at")
}

func TestDisplayUnits(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want *vehiclev1.DisplayUnits
	}{
		"distance":    {inside("Drivetrain.FuelSystem.DTE.Unit", `3`), &vehiclev1.DisplayUnits{Distance: vehiclev1.DistanceUnit_DISTANCE_UNIT_MILES.Enum()}},
		"temperature": {inside(hvac+".Row1.Driver.Temperature.Unit", `1`), &vehiclev1.DisplayUnits{Temperature: vehiclev1.TemperatureUnit_TEMPERATURE_UNIT_FAHRENHEIT.Enum()}},
		"pressure":    {inside("Chassis.Axle.Tire.PressureUnit", `0`), &vehiclev1.DisplayUnits{Pressure: vehiclev1.PressureUnit_PRESSURE_UNIT_PSI.Enum()}},
		"unknown":     {`{"Drivetrain": {"FuelSystem": {"DTE": {"Unit": 0}}}, "Chassis": {"Axle": {"Tire": {"PressureUnit": 3}}}}`, nil},
	} {
		got := parse(t, tc.body).DisplayUnits
		assert.True(t, proto.Equal(tc.want, got), "%s: want %v, got %v", name, tc.want, got)
	}
}
