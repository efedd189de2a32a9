package traffic_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic"
)

func TestScrubJSON(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"order and spelling":      {`{"z":1.50,"a":-0.0,"value":122.407766,"m":[1,2.0,"7"]}`, `{"z":1.50,"a":-0.0,"value":122.407766,"m":[1,2.0,"7"]}`},
		"codes and messages":      {`{"retCode":"F","resCode":"4002","resMsg":"Invalid request body - Invalid deviceId."}`, `{"retCode":"F","resCode":"4002","resMsg":"Invalid request body - Invalid deviceId."}`},
		"names in a message":      {`{"errMsg":"User Maria Müller unknown"}`, `{"errMsg":"User xxx xxx unknown"}`},
		"no fix stays no fix":     {`{"coord":{"lat":0,"lon":0.0,"alt":null}}`, `{"coord":{"lat":0,"lon":0.0,"alt":null}}`},
		"out of range stays so":   {`{"lat":52123456}`, `{"lat":99999}`},
		"a fix as text":           {`{"Latitude":"52.1","lon":"-3.4"}`, `{"Latitude":"50.0","lon":"8.0"}`},
		"waypoints":               {`{"waypoints":[[13.4,52.5],[13.5,52.6]]}`, `{"waypoints":[[8.0,50.0],[8.0,50.0]]}`},
		"a place that is a gear":  {`{"ParkingPosition":1}`, `{"ParkingPosition":1}`},
		"unknown fine decimals":   {`{"x":52.51234}`, `{"x":0.0}`},
		"unknown coarse decimals": {`{"x":52.51,"y":-0.12,"z":"52.51","half":21.5,"quarter":"5.75"}`, `{"x":0.0,"y":0.0,"z":"text 1","half":21.5,"quarter":"5.75"}`},
		"a place in other words":  {`{"latitude":{"value":52.5,"unit":0},"lon":{"deg":13,"min":22},"gps":{"Value":13.4}}`, `{"latitude":{"value":50.0,"unit":0},"lon":{"deg":8.0,"min":8.0},"gps":{"Value":8.0}}`},
		"a place in a message":    {`{"errMsg":"vehicle 403 at 52.5, 13.377"}`, `{"errMsg":"vehicle 403 xxx xxx, xxx"}`},
		"harmless by its key":     {`{"type":"EV","time":"0730","timezone":"Europe/Berlin","lang":"en","vehicleName":"IONIQ 5 N Line 2024","version":"1.3.3","year":"2024"}`, `{"type":"EV","time":"0730","timezone":"Europe/Berlin","lang":"en","vehicleName":"IONIQ 5 N Line 2024","version":"1.3.3","year":"2024"}`},
		"free text all the same":  {`{"status":"Parked near Elm Street","command":"John","vehicleName":"Maria's Kona","day":"52.5, 13.4","scope":"12 Elm","action":"B-XY 1234","version":"BXY1234"}`, `{"status":"text 1","command":"text 2","vehicleName":"xxx'xxx Kona","day":"text 3","scope":"text 4","action":"text 5","version":"text 6"}`},
		"an address as a release": {`{"version":"10.0.0.5"}`, `{"version":"text 1"}`},
		"numbers all the same":    {`{"status":52.51,"year":13.377,"temperature":21.5,"offset":5.75}`, `{"status":0.0,"year":0.0,"temperature":21.5,"offset":5.75}`},
		"unknown long numbers":    {`{"x":491701234567}`, `{"x":100000000000}`},
		"times":                   {`{"time":"20240720120000","lastUpdateTime":"1779664654458","x":1779664654458,"Date":"20260524231733.000"}`, `{"time":"20240720120000","lastUpdateTime":"1779664654458","x":1779664654458,"Date":"20260524231733.000"}`},
		"clocks":                  {`{"time":{"time":"0730","timeSection":0}}`, `{"time":{"time":"0730","timeSection":0}}`},
		"temperatures":            {`{"airTemp":{"value":"0EH","unit":0},"Value":"OFF","v":"23.0"}`, `{"airTemp":{"value":"0EH","unit":0},"Value":"OFF","v":"23.0"}`},
		"registration":            {`{"regDate":"2024-03-02 09:14:55.120"}`, `{"regDate":"2020-01-01 00:00:00.000"}`},
		"secrets by key":          {`{"pin":"1234","pin2":1234,"phone":"0170 1","licensePlate":"B-XY 12"}`, `{"pin":"text 1","pin2":1000,"phone":"text 2","licensePlate":"text 3"}`},
		"an address within":       {`{"address":{"street":"Elm","no":7,"ok":true,"more":["a b"]}}`, `{"address":{"street":"text 1","no":1,"ok":true,"more":["text 2"]}}`},
		"unknown words":           {`{"whatever":"Maria","mode":"Eco"}`, `{"whatever":"text 1","mode":"Eco"}`},
		"the same for the same":   {`{"a":"Maria","b":"maria"}`, `{"a":"text 1","b":"text 1"}`},
		"a document in a text":    {`{"retSubMsg":"{\"errId\":\"abcdefgh\",\"errCode\":\"4002\"}"}`, `{"retSubMsg":"{\"errId\":\"id-1\",\"errCode\":\"4002\"}"}`},
		"an id as key":            {`{"0c0ffee0-1111-4222-8333-444455556666":1}`, `{"00000000-0000-4000-8000-000000000001":1}`},
		"a VIN where none should": {`{"type":"KMHCANARY00000042"}`, `{"type":"ZZZTEST0000000001"}`},
		"a learned PIN":           {`{"x":8264,"y":"8264","z":"a 8264 b","Odometer":8264}`, `{"x":1000,"y":"text 1","z":"text 2","Odometer":8264}`},
		"a single text":           {`"Maria"`, `"text 1"`},
		"repeated keys":           {`{"vin":"A","vin":"B"}`, `{"vin":"ZZZTEST0000000001","vin":"ZZZTEST0000000002"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := traffic.NewScrubber(traffic.ScrubberOptions{})
			s.Learn("8264")
			got, ok := s.JSON([]byte(tc.in))
			require.True(t, ok)
			assert.Equal(t, tc.want, string(got))
		})
	}
}

func TestTokensKeepTheirForm(t *testing.T) {
	s := traffic.NewScrubber(traffic.ScrubberOptions{})
	got, _ := s.JSON([]byte(`{"refresh_token":"ABCD0123ABCD0123ABCD0123ABCD0123ABCD0123ABCD0123","access_token":"eyJhbGciOiJub25lIn0.eyJleHAiOjE3ODB9.c2ln","t":"Bearer"}`))
	var doc map[string]string
	require.NoError(t, json.Unmarshal(got, &doc))
	assert.Regexp(t, `^[A-Z0-9]{48}$`, doc["refresh_token"])
	assert.Regexp(t, `^eyJ[\w-]+\.[\w-]+\.[\w-]+$`, doc["access_token"])
	assert.Equal(t, "Bearer", doc["t"])
}

func TestBodies(t *testing.T) {
	s := traffic.NewScrubber(traffic.ScrubberOptions{})
	page := "<html>Maria, your Password</html>"
	assert.Equal(t, "[text/html of 33 bytes removed; it said: password]", s.Body("text/html; charset=utf-8", []byte(page), len(page)).String())
	assert.Nil(t, s.Body("", nil, 0))
	assert.Equal(t, "[body of 9 bytes removed]", s.Body("", []byte(`{"a":1}`), 9).String(), "cut")
	assert.Equal(t, "grant_type=refresh_token&state=token-0001", s.Body("application/x-www-form-urlencoded", []byte("state=abc&grant_type=refresh_token"), 34).String())
	assert.Equal(t, "/api/v1/spa/vehicles/id-1/ccs2/carstatus/latest", s.Path("/api/v1/spa/vehicles/my-car/ccs2/carstatus/latest"))
}

func TestForgetting(t *testing.T) {
	s := traffic.NewScrubber(traffic.ScrubberOptions{Forget: 2})
	for _, in := range []string{`"Ann"`, `"Bob"`, `"Cid"`, `"Ann"`} {
		_, ok := s.JSON([]byte(in))
		require.True(t, ok)
	}
	got, _ := s.JSON([]byte(`["Ann","Cid"]`))
	assert.JSONEq(t, `["text 4","text 3"]`, string(got))
}

func FuzzScrub(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,{"b":"c"}]}`, `{"resMsg":{"vehicles":[{"vin":"X"}]}}`, `"x"`, `[`, `{"lat":1e5}`, `a=b&c=d`, `<html>`, `{"x":"{\"y\":1}"}`, "\xff",
	} {
		f.Add(seed, "type", uint8(0))
	}
	const aVIN, anEmail, aToken = "WVWZZZ1JZXW000386", "jane.roe@mail.example.net", "q8Zk3Lw9Xe2Rt7Yu1Io5Pa4Sd6Fg0Hj"
	f.Fuzz(func(t *testing.T, body, key string, where uint8) {
		s := traffic.NewScrubber(traffic.ScrubberOptions{})
		plant := []string{aVIN, anEmail, aToken}[where%3]
		quotedKey, err := json.Marshal(key)
		require.NoError(t, err)
		value := `"` + plant + `"`
		if where&4 != 0 {
			value = "[" + value + "]"
		}
		member := string(quotedKey) + ":" + value
		if where&8 != 0 {
			member += `,"` + plant + `":1`
		}
		bodies := []string{body, `{` + member + `}`}
		if json.Valid([]byte(body)) {
			bodies = append(bodies, `{`+member+`,"more":`+body+`}`)
		}
		for i, in := range bodies {
			out, ok := s.JSON([]byte(in))
			assert.Equal(t, json.Valid([]byte(in)), ok)
			if ok {
				assert.True(t, json.Valid(out), "%s", out)
			}
			if i > 0 {
				assert.NotContains(t, strings.ToLower(string(out)), strings.ToLower(plant))
			}
			for _, kind := range []string{"application/json", "application/x-www-form-urlencoded", "text/html", key} {
				text := s.Body(kind, []byte(in+plant), len(in)+len(plant)).String()
				assert.NotContains(t, text, plant)
			}
		}
		assert.NotContains(t, s.Path("/"+key+"/"+plant), plant)
	})
}
