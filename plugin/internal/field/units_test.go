package field_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// tolerance hides binary fractions only; every unit mix-up is far larger.
const tolerance = 1e-9

// assertNumber compares with want; nil stands for unset.
func assertNumber(t *testing.T, want *float64, got float64, ok bool) {
	t.Helper()
	if want == nil {
		assert.False(t, ok, "must be unset, is %v", got)
		return
	}
	if assert.True(t, ok, "is unset") {
		assert.InDelta(t, *want, got, tolerance)
	}
}

func TestPercent(t *testing.T) {
	for raw, want := range map[string]*float64{
		`0`:      ptr(0.0),
		`54.5`:   ptr(54.5),
		`"80"`:   ptr(80.0),
		`100`:    ptr(100.0),
		`100.01`: nil,
		`-0.01`:  nil,
		`-1`:     nil,
		`255`:    nil,
		`"NaN"`:  nil,
		`true`:   nil,
		``:       nil,
	} {
		t.Run("of "+raw, func(t *testing.T) {
			got, ok := of(t, raw).Percent()
			assertNumber(t, want, got, ok)
		})
	}
}

func TestKilometers(t *testing.T) {
	for name, tc := range map[string]struct {
		value, unit string
		want        *float64
	}{
		"kilometers":              {`100`, `1`, ptr(100.0)},
		"miles":                   {`100`, `2`, ptr(160.9344)},
		"the other miles":         {`100`, `3`, ptr(160.9344)},
		"code 0 is km":            {`100`, `0`, ptr(100.0)},
		"no code is km":           {`100`, ``, ptr(100.0)},
		"null as code is km":      {`100`, `null`, ptr(100.0)},
		"code as text":            {`100`, `"3"`, ptr(160.9344)},
		"value as text":           {`"62.5"`, `1`, ptr(62.5)},
		"nothing to go":           {`0`, `2`, ptr(0.0)},
		"unknown code":            {`100`, `7`, nil},
		"code just out of range":  {`100`, `4`, nil},
		"negative code":           {`100`, `-1`, nil},
		"word as code":            {`100`, `"km"`, nil},
		"object as code":          {`100`, `{}`, nil},
		"fraction as code":        {`100`, `1.5`, nil},
		"negative distance":       {`-1`, `1`, nil},
		"no distance":             {``, `1`, nil},
		"word as distance":        {`"far"`, `1`, nil},
		"miles beyond any number": {`1.7e308`, `3`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := field.Kilometers(of(t, tc.value), of(t, tc.unit))
			assertNumber(t, tc.want, got, ok)
		})
	}
}

func TestUnitCodes(t *testing.T) {
	for raw, want := range map[string]struct {
		distance    vehiclev1.DistanceUnit
		temperature vehiclev1.TemperatureUnit
		pressure    vehiclev1.PressureUnit
	}{
		`0`: {
			temperature: vehiclev1.TemperatureUnit_TEMPERATURE_UNIT_CELSIUS,
			pressure:    vehiclev1.PressureUnit_PRESSURE_UNIT_PSI,
		},
		`1`: {
			distance:    vehiclev1.DistanceUnit_DISTANCE_UNIT_KILOMETERS,
			temperature: vehiclev1.TemperatureUnit_TEMPERATURE_UNIT_FAHRENHEIT,
			pressure:    vehiclev1.PressureUnit_PRESSURE_UNIT_KPA,
		},
		`"2"`: {
			distance: vehiclev1.DistanceUnit_DISTANCE_UNIT_MILES,
			pressure: vehiclev1.PressureUnit_PRESSURE_UNIT_BAR,
		},
		`3`:    {distance: vehiclev1.DistanceUnit_DISTANCE_UNIT_MILES},
		`4`:    {},
		`-1`:   {},
		`"°C"`: {},
		`null`: {},
		``:     {},
	} {
		assert.Equal(t, want.distance, of(t, raw).DistanceUnit(), "distance unit %q", raw)
		assert.Equal(t, want.temperature, of(t, raw).TemperatureUnit(), "temperature unit %q", raw)
		assert.Equal(t, want.pressure, of(t, raw).PressureUnit(), "pressure unit %q", raw)
	}
}

func TestCelsius(t *testing.T) {
	for name, tc := range map[string]struct {
		value, unit string
		want        *float64
	}{
		"celsius":              {`21.5`, `0`, ptr(21.5)},
		"celsius as text":      {`"23.0"`, `0`, ptr(23.0)},
		"fahrenheit":           {`70.7`, `1`, ptr(21.5)},
		"freezing point":       {`32`, `1`, ptr(0.0)},
		"same in both":         {`-40`, `1`, ptr(-40.0)},
		"no unit is celsius":   {`19`, ``, ptr(19.0)},
		"null unit is celsius": {`19`, `null`, ptr(19.0)},
		"below zero":           {`-7.5`, `0`, ptr(-7.5)},
		"unknown unit":         {`19`, `2`, nil},
		"word as unit":         {`19`, `"C"`, nil},
		"OFF":                  {`"OFF"`, `0`, nil},
		"null":                 {`null`, `0`, nil},
		"CCS1 code":            {`"0EH"`, `0`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := field.Celsius(of(t, tc.value), of(t, tc.unit))
			assertNumber(t, tc.want, got, ok)
		})
	}
}

func TestHexCelsius(t *testing.T) {
	for name, tc := range map[string]struct {
		value, unit string
		want        *float64
	}{
		"start of the table":     {`"00H"`, `0`, ptr(14.0)},
		"second entry":           {`"01H"`, `0`, ptr(14.5)},
		"worked example 0EH":     {`"0EH"`, `0`, ptr(21.0)},
		"worked example 10H":     {`"10H"`, `0`, ptr(22.0)},
		"worked example 1FH":     {`"1FH"`, `0`, ptr(29.5)},
		"end of the table":       {`"20H"`, `0`, ptr(30.0)},
		"lower case":             {`"0fh"`, `0`, ptr(21.5)},
		"one digit":              {`"EH"`, `0`, ptr(21.0)},
		"blanks around it":       {`" 0EH "`, `0`, ptr(21.0)},
		"no unit":                {`"0EH"`, ``, ptr(21.0)},
		"fahrenheit":             {`"0EH"`, `1`, ptr(21.0)},
		"unknown unit":           {`"0EH"`, `5`, nil},
		"just past the table":    {`"21H"`, `0`, nil},
		"far past the table":     {`"FFH"`, `0`, nil},
		"larger than any index":  {`"FFFFFFFFFFFFFFFFFH"`, `0`, nil},
		"no H":                   {`"0E"`, `0`, nil},
		"no digits":              {`"H"`, `0`, nil},
		"two H":                  {`"0EHH"`, `0`, nil},
		"sign":                   {`"-1H"`, `0`, nil},
		"prefix of Go":           {`"0x0EH"`, `0`, nil},
		"underscore":             {`"1_0H"`, `0`, nil},
		"no hexadecimal digit":   {`"0GH"`, `0`, nil},
		"OFF":                    {`"OFF"`, `0`, nil},
		"empty":                  {`""`, `0`, nil},
		"number instead of text": {`14`, `0`, nil},
		"null":                   {`null`, `0`, nil},
		"missing":                {``, ``, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := field.HexCelsius(of(t, tc.value), of(t, tc.unit), 14, 33)
			assertNumber(t, tc.want, got, ok)
		})
	}
}

// The table is the region's: nothing of Europe's may be built in.
func TestHexCelsiusOfAnotherTable(t *testing.T) {
	got, ok := field.HexCelsius(of(t, `"02H"`), of(t, `0`), 17, 3)
	assertNumber(t, ptr(18.0), got, ok)
	got, ok = field.HexCelsius(of(t, `"03H"`), of(t, `0`), 17, 3)
	assertNumber(t, nil, got, ok)
}

func TestKilopascals(t *testing.T) {
	for name, tc := range map[string]struct {
		raw, unit string
		want      *float64
	}{
		"psi":                           {`38`, `0`, ptr(38 * field.KilopascalsPerPSI)},
		"a fraction is not cut":         {`38.04`, `0`, ptr(38.04 * field.KilopascalsPerPSI)},
		"kilopascals":                   {`51`, `1`, ptr(255.0)},
		"bar":                           {`27`, `2`, ptr(270.0)},
		"bar as text":                   {`"27"`, `"2"`, ptr(270.0)},
		"flat is a reading":             {`0`, `1`, ptr(0.0)},
		"just below the sentinel":       {`254`, `1`, ptr(1270.0)},
		"sentinel in psi":               {`255`, `0`, nil},
		"sentinel in kPa":               {`255`, `1`, nil},
		"sentinel in bar":               {`255`, `2`, nil},
		"indirect monitoring, unit 3":   {`38`, `3`, nil},
		"no unit":                       {`38`, ``, nil},
		"word as unit":                  {`38`, `"bar"`, nil},
		"negative":                      {`-1`, `0`, nil},
		"missing":                       {``, `0`, nil},
		"word":                          {`"low"`, `0`, nil},
		"psi beyond any number":         {`1.7e308`, `0`, nil},
		"kilopascals beyond any number": {`1.7e308`, `1`, nil},
		"bar beyond any number":         {`1.7e308`, `2`, nil},
		"null":                          {`null`, `2`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := field.Kilopascals(of(t, tc.raw), of(t, tc.unit))
			assertNumber(t, tc.want, got, ok)
		})
	}
}

func TestKilowattHours(t *testing.T) {
	for name, tc := range map[string]struct {
		raw                       string
		kilojoules, kilowattHours *float64
	}{
		"full battery": {`220356`, ptr(61.21), ptr(220356.0)},
		"nearly empty": {`900`, ptr(0.25), ptr(900.0)},
		"published":    {`54.5`, ptr(54.5 / 3600), ptr(54.5)},
		"text":         {`"36000"`, ptr(10.0), ptr(36000.0)},
		"zero":         {`0`, ptr(0.0), ptr(0.0)},
		"negative":     {`-1`, nil, nil},
		"object":       {`{}`, nil, nil},
		"missing":      {``, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := of(t, tc.raw).KilowattHours(true)
			assertNumber(t, tc.kilojoules, got, ok)
			got, ok = of(t, tc.raw).KilowattHours(false)
			assertNumber(t, tc.kilowattHours, got, ok)
		})
	}
}

func TestMinutes(t *testing.T) {
	for raw, want := range map[string]*float64{
		`0`:       ptr(0.0),
		`145`:     ptr(145.0),
		`"32"`:    ptr(32.0),
		`65534`:   ptr(65534.0),
		`65535`:   nil,
		`"65535"`: nil,
		`65536`:   nil,
		`-1`:      nil,
		`"soon"`:  nil,
		`null`:    nil,
	} {
		t.Run("of "+raw, func(t *testing.T) {
			got, ok := of(t, raw).Minutes()
			assertNumber(t, want, got, ok)
		})
	}
}

func TestSeatClimate(t *testing.T) {
	for raw, want := range map[string]*vehiclev1.SeatClimate{
		`0`:      vehiclev1.SeatClimate_SEAT_CLIMATE_OFF.Enum(),
		`1`:      vehiclev1.SeatClimate_SEAT_CLIMATE_ON.Enum(),
		`2`:      vehiclev1.SeatClimate_SEAT_CLIMATE_OFF.Enum(),
		`3`:      vehiclev1.SeatClimate_SEAT_CLIMATE_LOW_COOL.Enum(),
		`4`:      vehiclev1.SeatClimate_SEAT_CLIMATE_MEDIUM_COOL.Enum(),
		`5`:      vehiclev1.SeatClimate_SEAT_CLIMATE_HIGH_COOL.Enum(),
		`6`:      vehiclev1.SeatClimate_SEAT_CLIMATE_LOW_HEAT.Enum(),
		`7`:      vehiclev1.SeatClimate_SEAT_CLIMATE_MEDIUM_HEAT.Enum(),
		`"8"`:    vehiclev1.SeatClimate_SEAT_CLIMATE_HIGH_HEAT.Enum(),
		`9`:      nil,
		`15`:     nil,
		`-1`:     nil,
		`6.5`:    nil,
		`"warm"`: nil,
		`null`:   nil,
		``:       nil,
	} {
		assert.Equal(t, want, of(t, raw).SeatClimate(), "seat code %q", raw)
	}
}

func TestHeater(t *testing.T) {
	for raw, want := range map[string]*bool{
		`0`:      ptr(false),
		`1`:      ptr(true),
		`2`:      ptr(false),
		`"1"`:    ptr(true),
		`true`:   ptr(true),
		`3`:      nil,
		`-1`:     nil,
		`"warm"`: nil,
		`null`:   nil,
		``:       nil,
	} {
		assert.Equal(t, want, field.Opt(of(t, raw).Heater()), "heater code %q", raw)
	}
}

func TestPosition(t *testing.T) {
	type pair struct{ latitude, longitude float64 }
	for name, tc := range map[string]struct {
		latitude, longitude string
		want                *pair
	}{
		"Munich":                {`48.137`, `11.575`, &pair{48.137, 11.575}},
		"text":                  {`"51.5074"`, `"-0.1278"`, &pair{51.5074, -0.1278}},
		"near the equator":      {`0.001`, `32.58`, &pair{0.001, 32.58}},
		"latitude 0":            {`0`, `32.58`, nil},
		"on the prime meridian": {`51.48`, `0`, &pair{51.48, 0}},
		"south pole, date line": {`-90`, `-180`, &pair{-90, -180}},
		"north pole, date line": {`90`, `180`, &pair{90, 180}},
		"no fix":                {`0`, `0`, nil},
		"no fix as text":        {`"0.0"`, `"0"`, nil},
		"too far north":         {`90.001`, `11`, nil},
		"too far south":         {`-90.001`, `11`, nil},
		"too far east":          {`48`, `180.001`, nil},
		"too far west":          {`48`, `-180.001`, nil},
		"no latitude":           {``, `11.575`, nil},
		"no longitude":          {`48.137`, ``, nil},
		"null longitude":        {`48.137`, `null`, nil},
		"word as latitude":      {`"north"`, `11.575`, nil},
		"neither":               {``, ``, nil},
	} {
		t.Run(name, func(t *testing.T) {
			latitude, longitude, ok := field.Position(of(t, tc.latitude), of(t, tc.longitude))
			if tc.want == nil {
				assert.False(t, ok)
				assert.Equal(t, pair{}, pair{latitude, longitude}, "half a position must not leak")
				return
			}
			assert.True(t, ok)
			assert.Equal(t, *tc.want, pair{latitude, longitude})
		})
	}
}

// By definition, 1 lbf is 4.4482216152605 N and 1 inch 25.4 mm.
func TestPSI(t *testing.T) {
	assert.InDelta(t, 4.4482216152605/(0.0254*0.0254)/1000, field.KilopascalsPerPSI, 1e-12)
}

func TestDropEmpty(t *testing.T) {
	d := &vehiclev1.VehicleData{
		Battery:  &vehiclev1.Battery{},
		Charging: &vehiclev1.Charging{Charging: ptr(false)},
		Range:    &vehiclev1.Range{Total: ptr(0.0)},
		Schedule: &vehiclev1.Schedule{Departure1Days: &vehiclev1.Weekdays{}},
		Seats:    &vehiclev1.Seats{},
		Service:  &vehiclev1.Service{TroubleCodeList: []*vehiclev1.TroubleCode{}},
		Extra:    []*vehiclev1.ExtraAttribute{{}},
	}
	field.DropEmpty(d)

	want := &vehiclev1.VehicleData{
		// false, 0 and a departure without a day are values.
		Charging: &vehiclev1.Charging{Charging: ptr(false)},
		Range:    &vehiclev1.Range{Total: ptr(0.0)},
		Schedule: &vehiclev1.Schedule{Departure1Days: &vehiclev1.Weekdays{}},
		Extra:    []*vehiclev1.ExtraAttribute{{}},
	}
	assert.True(t, proto.Equal(want, d), "got %v", d)

	nothing := &vehiclev1.VehicleData{}
	field.DropEmpty(nothing)
	assert.True(t, proto.Equal(&vehiclev1.VehicleData{}, nothing))
}
