package settings

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

const (
	user   = "jane@example.com"
	secret = "s3cret-word"
)

// settings is the JSON of an account with more members, as text.
func settings(more string) json.RawMessage {
	if more != "" {
		more = "," + more
	}
	return json.RawMessage(fmt.Sprintf(`{"username":%q,"password":%q%s}`, user, secret, more))
}

// refused is the text of a config_invalid error that gives nothing away.
func refused(t *testing.T, err error) string {
	t.Helper()
	require.ErrorIs(t, err, shared.ReasonConfigInvalid)
	assert.False(t, shared.AsAPIError(err).Temporary, "only the user can help")
	redacttest.NotIn(t, err.Error(), user, secret)
	return err.Error()
}

func TestBrandsByNumberAndName(t *testing.T) {
	for text, want := range map[string]profile.Brand{
		``:        profile.Kia, // the default
		`null`:    profile.Kia,
		`""`:      profile.Kia,
		`1`:       profile.Kia,
		`"1"`:     profile.Kia,
		`"kia"`:   profile.Kia,
		`" KIA "`: profile.Kia,
		`2`:       profile.Hyundai, `"2"`: profile.Hyundai, `"hyundai"`: profile.Hyundai, `"Hyundai"`: profile.Hyundai,
		`3`: profile.Genesis, `"3"`: profile.Genesis, `"genesis"`: profile.Genesis, `"GENESIS"`: profile.Genesis,
	} {
		t.Run(text, func(t *testing.T) {
			more := ""
			if text != "" {
				more = `"brand":` + text
			}
			s, err := Parse(settings(more))
			require.NoError(t, err)
			p, err := s.ResolveProfile()
			require.NoError(t, err)
			assert.Equal(t, want, p.Brand)
			assert.True(t, strings.HasPrefix(p.APIURL, "https://"))
			assert.Contains(t, p.APIURL, string(want))
		})
	}
	for _, text := range []string{`0`, `4`, `-1`, `1.5`, `"lada"`, `"kia hyundai"`} {
		t.Run(text, func(t *testing.T) {
			_, err := Parse(settings(`"brand":` + text))
			assert.Contains(t, refused(t, err), "use kia, hyundai or genesis")
		})
	}
}

func TestRegionsByNumberAndName(t *testing.T) {
	for _, text := range []string{`""`, `null`, `1`, `"1"`, `"europe"`, `"Europe"`, `" EU "`} {
		_, err := Parse(settings(`"region":` + text))
		require.NoError(t, err, text)
	}
	for _, text := range []string{
		`2`, `"canada"`, `"CA"`, `3`, `"USA"`, `"us"`, `4`, `"china"`, `"cn"`, `5`, `"Australia"`, `"au"`, `6`, `"india"`, `"in"`,
		`7`, `"new zealand"`, `"NZ"`, `"8"`, `"Brazil"`, `"br"`,
	} {
		_, err := Parse(settings(`"region":` + text))
		assert.Contains(t, refused(t, err), "not supported yet", text)
	}
	for _, text := range []string{`0`, `9`, `"mars"`, `"eur"`} {
		_, err := Parse(settings(`"region":` + text))
		assert.Contains(t, refused(t, err), "not known", text)
	}
}

func TestOtherSettings(t *testing.T) {
	s, err := Parse(settings(`"pin":"0123","language":"de","driver_side":"right","reread_after":["500ms","3s","1m"],
		"endpoints":{"login":"https://login.example/","cci":"http://127.0.0.1:8081/base/","api":"http://localhost:8082"}`))
	require.NoError(t, err)
	assert.Equal(t, Settings{
		Username: user, Password: secret, PIN: "0123", Language: "de", DriverSide: "right",
		Endpoints:   Endpoints{Login: "https://login.example/", CCI: "http://127.0.0.1:8081/base/", API: "http://localhost:8082"},
		RereadAfter: []Duration{Duration(500 * time.Millisecond), Duration(3 * time.Second), Duration(time.Minute)},
	}, s)
	p, err := s.ResolveProfile()
	require.NoError(t, err)
	assert.Equal(t, profile.Right, p.Protocol.DriverSide)
	assert.Equal(t, []string{"https://login.example", "http://127.0.0.1:8081/base", "http://localhost:8082"}, []string{p.LoginURL, p.CCIURL, p.APIURL})

	// What was read can be written and read again.
	body, err := json.Marshal(s)
	require.NoError(t, err)
	again, err := Parse(body)
	require.NoError(t, err)
	assert.Equal(t, s, again)
}

func TestEndpoints(t *testing.T) {
	for _, url := range []string{
		"https://proxy.example", "https://proxy.example:8443/eu", "http://127.0.0.1:1", "http://127.8.9.1", "http://[::1]:8080", "http://localhost:80",
	} {
		for _, name := range []string{"login", "cci", "api"} {
			_, err := Parse(settings(fmt.Sprintf(`"endpoints":{%q:%q}`, name, url)))
			require.NoError(t, err, url)
		}
	}
	for url, want := range map[string]string{
		"http://proxy.example":                  "must be https",
		"http://192.168.1.2:8080":               "must be https",
		"http://0.0.0.0:8080":                   "must be https",
		"http://localhost.example.com":          "must be https",
		"http://127.0.0.1.example.com":          "must be https",
		"ftp://127.0.0.1":                       "must be https",
		"//127.0.0.1":                           "must be https",
		"127.0.0.1:8080":                        "no URL",
		"localhost":                             "no URL",
		"https://":                              "no URL",
		"https://" + secret + "@proxy.example":  "no URL",
		"https://proxy.example?word=" + secret:  "no URL",
		"https://proxy.example#" + secret:       "no URL",
		"https://proxy.example:" + secret + "/": "no URL",
		"http://[::1":                           "no URL",
	} {
		for _, name := range []string{"login", "cci", "api"} {
			_, err := Parse(settings(fmt.Sprintf(`"endpoints":{%q:%q}`, name, url)))
			text := refused(t, err)
			assert.Contains(t, text, want, url)
			assert.Contains(t, text, "endpoints."+name)
		}
	}
}

func TestProfileOverride(t *testing.T) {
	const head = `"brand":"hyundai","profile":{"version":2,"region":"europe","brand":"hyundai"`
	s, err := Parse(settings(head + `,"api_url":"https://moved.example","cci_url":"https://moved.example/cci","paths":{"ccs1_wake":"wake"}},
		"endpoints":{"cci":"http://127.0.0.1:1"}`))
	require.NoError(t, err)
	p, err := s.ResolveProfile()
	require.NoError(t, err)
	built, err := profile.Europe(profile.Hyundai)
	require.NoError(t, err)
	built.Version, built.APIURL, built.CCIURL, built.Paths.CCS1Wake = 2, "https://moved.example", "http://127.0.0.1:1", "wake"
	assert.Equal(t, built, p, "endpoints go before the profile")

	for more, want := range map[string]string{
		head + `,"api_url":"http://moved.example"}`:                   "profile: api_url must be https",
		head + `,"api_url":"","app_id":""}`:                           "profile: api_url is missing; app_id is missing",
		head + `,"api":"` + secret + `"}`:                             `profile: there is no key "api"`,
		`"profile":{"version":2,"region":"europe","brand":"hyundai"}`: "profile: brand is not kia",
		`"profile":{"region":"europe","brand":"kia"}`:                 "profile: version is missing",
		`"profile":"` + secret + `"`:                                  "profile: it is no JSON object",
	} {
		_, err := Parse(settings(more))
		assert.Contains(t, refused(t, err), want, more)
	}
	_, err = Parse(settings(`"profile":null`))
	require.NoError(t, err)
}

func TestCredentialsAreNeeded(t *testing.T) {
	for _, body := range []string{
		`{}`, `null`, `{"username":"` + user + `"}`, `{"password":"` + secret + `"}`, `{"username":"","password":"` + secret + `"}`,
		`{"username":"  ","password":"` + secret + `"}`, `{"username":"` + user + `","password":""}`,
	} {
		_, err := Parse(json.RawMessage(body))
		assert.Contains(t, refused(t, err), "username and password are both needed", body)
	}
}

func TestDriverSitsOnEitherSide(t *testing.T) {
	s, err := Parse(settings(`"driver_side":"left"`))
	require.NoError(t, err)
	p, err := s.ResolveProfile()
	require.NoError(t, err)
	assert.Equal(t, profile.Left, p.Protocol.DriverSide)
	_, err = Parse(settings(`"driver_side":"top"`))
	assert.Contains(t, refused(t, err), "driver_side is neither left nor right")
}

func TestEverythingWrongIsSaid(t *testing.T) {
	_, err := Parse(json.RawMessage(`{"password":"` + secret + `","brand":"lada","reread_after":["2s","1s"]}`))
	text := refused(t, err)
	for _, part := range []string{"username", "lada", "reread_after"} {
		assert.Contains(t, text, part)
	}
}

func TestUnknownSettings(t *testing.T) {
	for more, name := range map[string]string{
		`"brnd":"kia"`:                       `"brnd"`,
		`"endpoints":{"app":"https://x.eu"}`: `"app"`,
	} {
		_, err := Parse(settings(more))
		assert.Contains(t, refused(t, err), name)
	}
}

func TestWrongJSON(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":              ``,
		"a list":               `["` + user + `","` + secret + `"]`,
		"a text":               `"` + secret + `"`,
		"a number":             `1`,
		"cut off":              `{"username":"` + user + `","password":"` + secret,
		"not JSON":             `username: ` + user + "\npassword: " + secret,
		"two documents":        string(settings("")) + string(settings("")),
		"something behind it":  string(settings("")) + " password=" + secret,
		"number for a text":    `{"username":"` + user + `","password":12345678}`,
		"list for a text":      `{"username":["` + user + `"],"password":"` + secret + `"}`,
		"truth for a name":     string(settings(`"brand":true`)),
		"object for a name":    string(settings(`"region":{"x":"` + secret + `"}`)),
		"text for endpoints":   string(settings(`"endpoints":"` + secret + `"`)),
		"number for durations": string(settings(`"reread_after":[3]`)),
		"text for durations":   string(settings(`"reread_after":["` + secret + `"]`)),
		"no list of durations": string(settings(`"reread_after":"3s"`)),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Parse(json.RawMessage(body))
			assert.Contains(t, refused(t, err), "no JSON object of the expected form")
			assert.Zero(t, s)
		})
	}
}

func TestRereadAfterRises(t *testing.T) {
	many := func(n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf(`"%ds"`, i+1)
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	for _, list := range []string{`[]`, `["1ns"]`, `["3s","8s","22s"]`, many(100)} {
		_, err := Parse(settings(`"reread_after":` + list))
		require.NoError(t, err, list)
	}
	for list, want := range map[string]string{
		`["0s"]`: "must rise", `["-1s","1s"]`: "must rise", `["3s","3s"]`: "must rise", `["8s","3s"]`: "must rise", `["1s","2s","1s"]`: "must rise",
		many(101): "more than 100",
	} {
		_, err := Parse(settings(`"reread_after":` + list))
		assert.Contains(t, refused(t, err), want)
	}
}

// members are the names that the JSON form of a struct has.
func members(t reflect.Type) []string {
	var names []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestSchema(t *testing.T) {
	type object struct {
		Type                 any               `json:"type"`
		AdditionalProperties *bool             `json:"additionalProperties"`
		Required             []string          `json:"required"`
		Properties           map[string]object `json:"properties"`
		Default              json.RawMessage   `json:"default"`
		WriteOnly            bool              `json:"writeOnly"`
	}
	var schema object
	require.NoError(t, json.Unmarshal([]byte(Schema), &schema))
	for name, tc := range map[string]struct {
		o object
		t reflect.Type
	}{
		"settings":  {schema, reflect.TypeFor[Settings]()},
		"endpoints": {schema.Properties["endpoints"], reflect.TypeFor[Endpoints]()},
	} {
		assert.Equal(t, "object", tc.o.Type, name)
		assert.Equal(t, members(tc.t), slices.Sorted(maps.Keys(tc.o.Properties)), name)
		require.NotNil(t, tc.o.AdditionalProperties, name)
		assert.False(t, *tc.o.AdditionalProperties, name)
	}
	assert.Equal(t, []string{"username", "password"}, schema.Required)
	assert.True(t, schema.Properties["password"].WriteOnly)
	assert.True(t, schema.Properties["pin"].WriteOnly)

	// The defaults that it promises are what a missing setting means.
	missing, err := Parse(settings(""))
	require.NoError(t, err)
	want, err := missing.ResolveProfile()
	require.NoError(t, err)
	for name, property := range schema.Properties {
		if property.Default == nil {
			continue
		}
		s, err := Parse(settings(fmt.Sprintf("%q:%s", name, property.Default)))
		require.NoError(t, err, name)
		p, err := s.ResolveProfile()
		require.NoError(t, err, name)
		assert.Equal(t, want, p, name)
	}
}
