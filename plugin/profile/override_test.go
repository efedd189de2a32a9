package profile

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

func kia(tb testing.TB) Profile {
	tb.Helper()
	p, err := Europe(Kia)
	require.NoError(tb, err)
	return p
}

func override(more string) json.RawMessage {
	if more != "" {
		more = "," + more
	}
	return json.RawMessage(`{"version":7,"region":"europe","brand":"kia"` + more + `}`)
}

func TestBuiltIn(t *testing.T) {
	all, err := builtin()
	require.NoError(t, err)
	require.Len(t, all, 3)
	assert.Equal(t, all, Brands())
	for i, p := range all {
		assert.Equal(t, []Brand{Hyundai, Kia, Genesis}[i], p.Brand)
		assert.Equal(t, p.Brand == Genesis, p.GenesisTokens)
		assert.Contains(t, p.APIURL, string(p.Brand))
		assert.True(t, strings.HasSuffix(p.LoginUserAgent, "_CCS_APP_AOS"))
		assert.Len(t, p.Paths.All(), 18)
	}
	Brands()[0].Brand = "other"
	assert.Equal(t, Hyundai, Brands()[0].Brand, "a copy")
}

func TestOverrideReplacesSome(t *testing.T) {
	built := kia(t)
	p, err := built.Override(override(`"api_url":"https://new.example:8443/","client_version":"1.4.0","paths":{"ccs2_wake":"ccs3/state"}`))
	require.NoError(t, err)
	want := built
	want.Version, want.APIURL, want.ClientVersion, want.Paths.CCS2Wake = 7, "https://new.example:8443", "1.4.0", "ccs3/state"
	assert.Equal(t, want, p)

	whole, err := json.Marshal(built)
	require.NoError(t, err)
	p, err = built.Override(whole)
	require.NoError(t, err)
	assert.Equal(t, built, p)
	_, err = built.Override(override(`"login_url":"http://127.0.0.1:8080","cci_url":"http://localhost"`))
	require.NoError(t, err)
}

func TestOverrideNamesTheKey(t *testing.T) {
	const secret = "s3cret-value"
	for body, want := range map[string]string{
		`{}`:                              "version is missing",
		`{"version":1,"brand":"kia"}`:     "region is missing",
		`{"version":1,"region":"europe"}`: "brand is missing",
		`{"version":1,"region":"usa","brand":"kia"}`:        "region is not europe",
		`{"version":1,"region":"europe","brand":"hyundai"}`: "brand is not kia",
		`{"version":0,"region":"europe","brand":"kia"}`:     "version is not 1",
		`{"version":"1","region":"europe","brand":"kia"}`:   "version is not a whole number",
		`[]`: "no JSON object", `null`: "version is missing", `x` + secret: "no JSON object", ``: "no JSON object",
		string(override(`"api_uri":"` + secret + `"`)):           `no key "api_uri"`,
		string(override(`"paths":{"wake":"` + secret + `"}`)):    `no key "wake"`,
		string(override(`"paths":"` + secret + `"`)):             "paths is not an object",
		string(override(`"api_url":1`)):                          "api_url is not a text",
		string(override(`"api_url":""`)):                         "api_url is missing",
		string(override(`"genesis_tokens":"` + secret + `"`)):    "genesis_tokens is not true or false",
		string(override(`"api_url":"http://` + secret + `.eu"`)): "api_url must be https",
		string(override(`"cci_url":"` + secret + `"`)):           "cci_url is no URL",
		string(override(`"one_app_redirect":"` + secret + `"`)):  "one_app_redirect is no URL",
		string(override(`"stamp_key":"` + secret + `!"`)):        "stamp_key is no base64",
		string(override(`"stamp_key":"AAAA"`)):                   "stamp_key has 3 bytes and not 50",
		string(override(`"zone":"` + secret + `"`)):              "zone is no time zone",
		string(override(`"app_id":"a\r\nX: ` + secret + `"`)):    "app_id is not what a header can carry",
		string(override(`"paths":{"sign_in":"` + secret + `"}`)): "paths.sign_in is no path",
		string(override(`"paths":{"sign_in":"/../x"}`)):          "paths.sign_in is no path",
		string(override(`"paths":{"sign_in":"/x?y=1"}`)):         "paths.sign_in is no path",
		string(override(`"paths":{"vehicle_api":"/api"}`)):       "paths.vehicle_api is no path",
		string(override(`"paths":{"ccs1_wake":"/status"}`)):      "paths.ccs1_wake is no path",
	} {
		_, err := kia(t).Override(json.RawMessage(body))
		require.Error(t, err, body)
		assert.Contains(t, err.Error(), want, body)
		redacttest.NotIn(t, err.Error(), secret)
	}
	_, err := kia(t).Override(append(override(""), "{}"...))
	require.Error(t, err)
}

func FuzzProfile(f *testing.F) {
	whole, err := json.Marshal(kia(f))
	require.NoError(f, err)
	f.Add(whole)
	for _, more := range []string{``, `"api_url":"https://a/"`, `"paths":{"ccs1_wake":"a/b"}`, `"zone":"UTC"`, `"paths":null`} {
		f.Add([]byte(override(more)))
	}
	built := kia(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := built.Override(body)
		if err != nil {
			assert.Equal(t, Profile{}, p)
			return
		}
		assert.Equal(t, Kia, p.Brand)
		stamp, err := p.stamp("1767225600")
		require.NoError(t, err)
		assert.NotEmpty(t, stamp)
		again, err := json.Marshal(p)
		require.NoError(t, err)
		q, err := built.Override(again)
		require.NoError(t, err, string(again))
		assert.Equal(t, p, q)
	})
}
