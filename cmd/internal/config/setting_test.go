package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// examples are a right and a wrong value of each setting; a wrong one that is empty: there is
// none.
func examples() map[string][2]string {
	digest := strings.Repeat("ab", 32)
	return map[string][2]string{
		"plugin": {"/p", ""}, "state": {"/s", ""}, "initial_refresh": {"true", "perhaps"}, "start_timeout": {"20s", "20"}, "http.address": {"9100", "http"},
		"http.profiles": {"false", "2"}, "log.level": {"info", "loud"}, "broker.url": {"tcp://b:1", ""}, "broker.host": {"b", ""}, "broker.port": {"1883", "0"},
		"broker.tls": {"false", "ssl"}, "broker.username": {"u", ""}, "broker.password": {"p", ""}, "broker.ca_file": {"", ""}, "broker.cert_file": {"", ""},
		"broker.key_file": {"", ""}, "broker.base_topic": {"a/b", ""}, "broker.client_id": {"c", ""}, "broker.version": {"5", "4"},
		"broker.probe_interval": {"30s", "-2s"}, "home_assistant.enabled": {"true", "auto"}, "home_assistant.prefix": {"p", ""},
		"home_assistant.birth_topic": {"b", ""}, "home_assistant.units": {"metric", "furlongs"},
		"accounts.*.username": {"me", ""}, "accounts.*.password": {"p", ""}, "accounts.*.pin": {"1", ""}, "accounts.*.brand": {"kia", ""},
		"accounts.*.region": {"1", ""}, "accounts.*.language": {"de", ""}, "accounts.*.driver_side": {"left", "top"},
		"accounts.*.endpoints.login": {"https://a.eu", ""}, "accounts.*.endpoints.cci": {"https://a.eu", ""}, "accounts.*.endpoints.api": {"https://a.eu", ""},
		"accounts.*.limits": {`{"calls_per_day":1}`, "[1]"}, "accounts.*.schedule": {"off", "[1]"}, "accounts.*.profile": {`{"brand":"kia","region":"europe","version":1}`, "1"},
		"accounts.*.record": {"true", "perhaps"}, "accounts.*.reread_after": {`["3s"]`, "3s"}, "accounts.*.plugin": {"/p", ""},
		"accounts.*.args": {`["a"]`, "a"}, "accounts.*.env": {`["A=b"]`, "{}"}, "accounts.*.sha256": {digest, "ab"}, "accounts.*.memory_limit": {"1000000", "much"},
		"accounts.*.settings": {`{"a":1}`, "1"},
	}
}

// TestEverySetting is taken from the file, from its variable and from its flag, wrong values
// are refused everywhere with the words of its kind, and the JSON Schema agrees.
func TestEverySetting(t *testing.T) {
	schema := resolved(t)
	for _, s := range Settings() {
		t.Run(s.Key, func(t *testing.T) {
			example, ok := examples()[s.Key]
			require.True(t, ok, "it has no example")
			key := strings.Replace(s.Key, "*", DefaultAccount, 1)
			if example[0] != "" {
				file := fileOf(key, example[0])
				c, err := load(t, file, nil)
				require.NoError(t, err, file)
				want, set := c.value(key)
				require.True(t, set)
				require.NoError(t, schema.Validate(instance(t, file)), file)
				if s.Env != "" {
					c, err = load(t, "", map[string]string{s.Env: example[0]})
					require.NoError(t, err)
					got, _ := c.value(key)
					assert.Equal(t, fmt.Sprintf("%s", want), fmt.Sprintf("%s", got))
				}
				if s.Flag != "" {
					c, err = Load(Sources{Environment: environment(nil), NoFile: true, Flags: map[string]string{s.Flag: example[0]}})
					require.NoError(t, err)
					_, set = c.value(key)
					assert.True(t, set)
				}
			}
			if wrong := example[1]; wrong != "" {
				file := fileOf(key, wrong)
				_, err := load(t, file, nil)
				require.ErrorContains(t, err, s.Want(), file)
				if s.Env != "" {
					_, err = load(t, "", map[string]string{s.Env: wrong})
					require.ErrorContains(t, err, s.Env+" has to be "+s.Want())
				}
				if s.Flag != "" {
					_, err = Load(Sources{Environment: environment(nil), NoFile: true, Flags: map[string]string{s.Flag: wrong}})
					require.ErrorContains(t, err, "--"+s.Flag+" has to be "+s.Want())
				}
			}
		})
	}
}

// fileOf has one setting.
func fileOf(key, value string) string {
	var file strings.Builder
	parts := strings.Split(key, ".")
	for i, part := range parts {
		fmt.Fprintf(&file, "%s%s:", strings.Repeat("  ", i), part)
		if i+1 < len(parts) {
			file.WriteString("\n")
		}
	}
	return file.String() + " " + value + "\n"
}

func resolved(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	var s jsonschema.Schema
	require.NoError(t, json.Unmarshal(Schema(), &s))
	r, err := s.Resolve(nil)
	require.NoError(t, err)
	return r
}

// instance is a file as a JSON Schema sees it.
func instance(t *testing.T, file string) any {
	t.Helper()
	var v any
	require.NoError(t, yaml.Unmarshal([]byte(file), &v))
	body, err := json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, &v))
	return v
}

func TestSchema(t *testing.T) {
	schema := resolved(t)
	require.NoError(t, schema.Validate(instance(t, fleet)))
	for _, file := range []string{"brokr: {}\n", "broker: {hots: x}\n", "broker: {port: 0}\n", "accounts: {a: {pasword: x}}\n", "accounts: {'a b': {}}\n", "log: {level: loud}\n"} {
		require.Error(t, schema.Validate(instance(t, file)), file)
	}
}

// TestEveryPluginSettingIsHere: what the plugin's own schema has can be set.
func TestEveryPluginSettingIsHere(t *testing.T) {
	here := map[string]bool{}
	for _, s := range accountSettings() {
		name, _ := s.ofAccount()
		first, _, _ := strings.Cut(name, ".")
		here[first] = true
		assert.NotEmpty(t, s.Help, s.Key)
	}
	for name := range pluginSchema() {
		assert.True(t, here[name], name)
	}
}

func FuzzFile(f *testing.F) {
	f.Add(fleet)
	f.Add("broker: {port: 1}\n")
	f.Add("accounts:\n  a: &a {limits: {b: *a}}\n")
	f.Add("? [a]\n: b\n")
	f.Add("<<: {a: b}\n")
	all := Settings()
	f.Fuzz(func(t *testing.T, text string) {
		r := &fileReader{layer: newLayer("hub.yaml"), settings: all, env: environment(nil)}
		if r.document([]byte(text)) != nil {
			return
		}
		if _, err := merge([]*layer{r.layer}); err != nil {
			t.Fatal(err)
		}
	})
}
