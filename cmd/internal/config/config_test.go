package config

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

// environment of variables, with a home that holds nothing.
func environment(env map[string]string) Environment {
	return Environment{Names: slices.Collect(maps.Keys(env)), Lookup: func(name string) (string, bool) {
		v, ok := env[name]
		if !ok && name == "HOME" {
			return "/home/me", true
		}
		return v, ok
	}}
}

// written is a file of settings.
func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hub.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// load reads a file and an environment.
func load(t *testing.T, file string, env map[string]string) (*Config, error) {
	t.Helper()
	s := Sources{Environment: environment(env), UID: 1000, NoFile: file == ""}
	if file != "" {
		s.File = written(t, file)
	}
	return Load(s)
}

func TestASettingOfTheEnvironment(t *testing.T) {
	c, err := load(t, "", map[string]string{
		"HYUNDAI_USERNAME": " me@example.com ", "HYUNDAI_PASSWORD": "ends with a blank ", "HYUNDAI_PIN": "0123", "HYUNDAI_REGION": "1", "HYUNDAI_BRAND": " 3 ",
		"HYUNDAI_DRIVER_SIDE": "Right", "HYUNDAI_RECORD": "Yes", "HYUNDAI_ENDPOINT_API": "http://127.0.0.1:1", "HYUNDAI_SCHEDULE": "recommended",
		"HYUNDAI_LIMITS": `{"calls_per_day":9}`, "MQTT_BROKER_HOST": "broker", "MQTT_BROKER_PORT": "8883", "MQTT_USE_TLS": "yes",
		"MQTT_USERNAME": "u", "MQTT_PASSWORD": "p", "MQTT_CLIENT_ID": "c", "MQTT_BASE_TOPIC": "a/b", "LOG_LEVEL": "WARNING", "INITIAL_REFRESH": "False",
		"MQTT_VERSION": "5", "MQTT_PROBE_INTERVAL": "-1s", "HOME_ASSISTANT": "on", "HOME_ASSISTANT_UNITS": "imperial", "HYUNDAI_START_TIMEOUT": "20s",
	})
	require.NoError(t, err)
	a, err := c.Account("")
	require.NoError(t, err)
	require.NoError(t, a.Check())
	assert.Equal(t, DefaultAccount, a.Name)
	assert.JSONEq(t, `{"username":"me@example.com","password":"ends with a blank ","pin":"0123","region":"1","brand":"3","driver_side":"right","record":true,
		"endpoints":{"api":"http://127.0.0.1:1"},"schedule":"recommended","limits":{"calls_per_day":9}}`, string(a.Settings()))
	assert.Equal(t, "ssl://broker:8883", c.Broker.URL)
	user, password := c.Broker.Login()
	assert.Equal(t, []string{"u", "p"}, []string{user, password})
	assert.Equal(t, []string{"c", "a/b", "5", "warning"}, []string{c.Broker.ClientID, c.Broker.BaseTopic, c.Broker.Version, c.Log.Level})
	assert.False(t, c.InitialRefresh)
	assert.Equal(t, -time.Second, c.Broker.ProbeInterval)
	assert.Equal(t, 20*time.Second, c.StartTimeout)
	assert.True(t, *c.HomeAssistant.Enabled)
	assert.Equal(t, "imperial", c.HomeAssistant.Units)
	assert.Empty(t, c.Notes)
}

func TestNothingIsSet(t *testing.T) {
	c, err := load(t, "", map[string]string{"PATH": "/bin", "LOG_LEVEL": "info", "MQTT_EMPTY": ""})
	require.NoError(t, err)
	assert.Empty(t, c.Set())
	assert.Empty(t, c.Accounts)
	assert.Empty(t, c.Broker.URL)
	assert.Nil(t, c.HomeAssistant.Enabled)
	assert.True(t, c.InitialRefresh)
	assert.Equal(t, "hyundai", c.Broker.BaseTopic)
}

// fleet is a file with all that a file can hold.
const fleet = `# a comment
state: state
plugin: bin/hyundai-plugin
http: {address: 9100, profiles: true}
start_timeout: 30s
log:
  level: debug
broker:
  url: ssl://broker.example:8883
  username: hub
  password: 0123
  version: 5
home_assistant:
  enabled: true
accounts:
  home:
    username: me@example.com
    password: very-s3cret
    brand: 2
    pin: 00420042
    schedule: recommended
    limits: &limits
      calls_per_day: 50
      workers: auto
    endpoints: {api: "http://127.0.0.1:1"}
    reread_after: [3s, 8s]
  parents:
    username: they@example.com
    password_file: secret
    brand: kia
    limits: *limits
    memory_limit: -1
  acme:
    plugin: acme/acme-plugin
    args: [--fast]
    env: [ACME_KEY=of-acme]
    sha256: 0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef
    settings: {token: t0ken-of-acme, cars: [1, 2]}
`

func TestAFileWithSeveralAccounts(t *testing.T) {
	path := written(t, fleet)
	dir := filepath.Dir(path)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("of a file\n"), 0o600))
	c, err := Load(Sources{File: path, Environment: environment(nil), UID: 1000})
	require.NoError(t, err)
	assert.Equal(t, "ssl://broker.example:8883", c.Broker.URL)
	_, password := c.Broker.Login()
	assert.Equal(t, "0123", password, "a text stays as it is written")
	assert.Equal(t, []string{"5", "debug", "127.0.0.1:9100"}, []string{c.Broker.Version, c.Log.Level, c.HTTP.Address})
	assert.Equal(t, []string{filepath.Join(dir, "state"), filepath.Join(dir, "bin/hyundai-plugin")}, []string{c.State, c.Plugin}, "paths are beside the file")
	require.Len(t, c.Accounts, 3)

	home, err := c.Account("home")
	require.NoError(t, err)
	require.NoError(t, home.Check())
	assert.JSONEq(t, `{"username":"me@example.com","password":"very-s3cret","brand":"2","pin":"00420042","schedule":"recommended",
		"limits":{"calls_per_day":50,"workers":"auto"},"endpoints":{"api":"http://127.0.0.1:1"},"reread_after":["3s","8s"]}`, string(home.Settings()))
	parents, err := c.Account("parents")
	require.NoError(t, err)
	require.NoError(t, parents.Check())
	assert.Equal(t, "of a file", parents.Own.Password.Reveal())
	assert.JSONEq(t, `{"calls_per_day":50,"workers":"auto"}`, string(parents.Own.Limits))
	assert.EqualValues(t, -1, parents.MemoryLimit)
	acme, err := c.Account("acme")
	require.NoError(t, err)
	require.NoError(t, acme.Check())
	assert.JSONEq(t, `{"token":"t0ken-of-acme","cars":[1,2]}`, string(acme.Settings()))
	assert.Equal(t, Account{
		Name: "acme", Plugin: filepath.Join(dir, "acme/acme-plugin"), Args: []string{"--fast"}, Env: []string{"ACME_KEY=of-acme"},
		SHA256: strings.Repeat("0123456789abcdef", 4), Foreign: acme.Foreign, where: acme.where,
	}, acme)

	_, err = c.Account("")
	require.ErrorContains(t, err, "--account")
	_, err = c.Account("other")
	require.ErrorContains(t, err, "acme, home, parents")
}

// TestOneGoesBeforeTheOther: the command line before the environment, and both before the
// file.
func TestOneGoesBeforeTheOther(t *testing.T) {
	const file = "broker: {host: of-file, port: 1}\nlog: {level: debug}\naccounts:\n  mine: {username: of-file, password: p, limits: {calls_per_day: 1}}\n"
	s := Sources{File: written(t, file), Environment: environment(nil), UID: 1000}
	c, err := Load(s)
	require.NoError(t, err)
	assert.Equal(t, "tcp://of-file:1", c.Broker.URL)

	s.Environment = environment(map[string]string{
		"MQTT_BROKER_HOST": "of-env", "LOG_LEVEL": "warn", "HYUNDAI_USERNAME": "of-env", "HYUNDAI_LIMITS": `{"wakes_per_day":2}`,
	})
	c, err = Load(s)
	require.NoError(t, err)
	assert.Equal(t, "tcp://of-env:1", c.Broker.URL)
	a, err := c.Account("")
	require.NoError(t, err)
	assert.Equal(t, "mine", a.Name, "a variable is for the only account, whatever its name")
	assert.Equal(t, "of-env", a.Own.Username)
	assert.JSONEq(t, `{"wakes_per_day":2}`, string(a.Own.Limits), "a whole object takes the place of another")

	s.Flags = map[string]string{"broker": "tcp://of-flag:9", "log-level": "error", "record": "true"}
	c, err = Load(s)
	require.NoError(t, err)
	assert.Equal(t, "tcp://of-flag:9", c.Broker.URL)
	assert.Equal(t, "error", c.Log.Level)
	a, err = c.Account("mine")
	require.NoError(t, err)
	assert.True(t, a.Own.Record)

	s.Flags, s.File = nil, written(t, "broker: {url: 'tcp://url:1'}\n")
	c, err = Load(s)
	require.NoError(t, err)
	assert.Equal(t, "tcp://of-env:1883", c.Broker.URL, "a host of the environment goes before a URL of the file")
}

// TestWhatIsWrongInAFile is said with its line and what to do, and nothing private is
// quoted.
func TestWhatIsWrongInAFile(t *testing.T) {
	for name, tc := range map[string]struct{ file, says string }{
		"a slip of the pen":          {"broker:\n  hots: x\n", "hub.yaml:2: broker.hots is not known; perhaps host is meant"},
		"a slip at the top":          {"\n\nbrokre: {host: x}\n", "hub.yaml:3: brokre is not known; perhaps broker is meant"},
		"an account's slip":          {"accounts:\n  a:\n    pasword: very-s3cret\n", "hub.yaml:3: accounts.a.pasword is not known; perhaps password is meant"},
		"deep":                       {"accounts:\n  a:\n    endpoints: {app: x}\n", "hub.yaml:3: accounts.a.endpoints.app is not known; perhaps api is meant"},
		"a level that is a value":    {"broker: x\n", "hub.yaml:1: broker has to be a list of names and values"},
		"a value that is a level":    {"broker: {host: {a: b}}\n", "hub.yaml:1: broker.host has to be text"},
		"a list":                     {"- a\n", "hub.yaml:1: the file has to be a list of names and values"},
		"a port":                     {"broker:\n  port: 70000\n", `hub.yaml:2: broker.port has to be a number from 1 to 65535 and is "70000"`},
		"a switch":                   {"initial_refresh: perhaps\n", `hub.yaml:1: initial_refresh has to be true or false and is "perhaps"`},
		"a level of the log":         {"log: {level: loud}\n", "log.level has to be one of debug, info, warn"},
		"a time":                     {"start_timeout: soon\n", "start_timeout has to be a time from 1s to 10m"},
		"a time without a unit":      {"start_timeout: 10\n", "start_timeout has to be a time from 1s to 10m"},
		"an address":                 {"http: {address: nonsense}\n", "http.address has to be PORT or HOST:PORT"},
		"limits":                     {"accounts:\n  a: {limits: many}\n", "accounts.a.limits has to be an object"},
		"a schedule":                 {"accounts:\n  a: {schedule: often}\n", "accounts.a.schedule has to be recommended, off, or an object"},
		"a digest":                   {"accounts:\n  a: {sha256: abc}\n", "accounts.a.sha256 has to be 64 hexadecimal digits"},
		"an account's name":          {"accounts:\n  'my car': {}\n", `hub.yaml:2: an account cannot be called "my car"`},
		"a name of dots":             {"accounts:\n  a.b: {}\n", `an account cannot be called "a.b"`},
		"twice":                      {"broker:\n  host: a\n  host: b\n", "hub.yaml:3: broker.host is there twice"},
		"two passwords":              {"broker:\n  password: a\n  password_file: /etc/hostname\n", "leave one of them out"},
		"a secret that is not there": {"accounts:\n  a: {password_file: nowhere}\n", "hub.yaml:2: accounts.a.password_file cannot be read"},
		"a secret of nothing":        {"accounts:\n  a: {password_file: /dev/null}\n", "password_file cannot be used: /dev/null is empty"},
		"a secret of a list":         {"accounts:\n  a: {password_file: [x]}\n", "password_file has to be the path of a file"},
		"a URL":                      {"broker: {url: nonsense}\n", "hub.yaml:1: broker.url is no URL of a broker"},
		"a scheme":                   {"broker: {url: 'http://x'}\n", `begins with "http", which is not known`},
		"a URL and a host":           {"broker: {url: 'tcp://x', host: y}\n", "is there beside broker.host"},
		"an authority without TLS":   {"broker: {host: x, ca_file: y}\n", "are for a broker with TLS: set broker.tls"},
		"a key without certificate":  {"broker: {host: x, tls: true, key_file: y}\n", "are needed together"},
		"both makes":                 {"accounts:\n  a:\n    username: me\n    settings: {a: 1}\n", "hub.yaml:2: accounts.a has settings for a plugin of another make, and beside them username"},
		"no YAML":                    {"a: [\n", "is no YAML: line 1"},
		"tabs":                       {"broker:\n\thost: x\n", "is no YAML: line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tc.file, nil)
			require.ErrorContains(t, err, tc.says)
			redacttest.NotIn(t, err.Error(), "very-s3cret")
		})
	}
	_, err := load(t, "broker: {port: 0}\nlog: {level: loud}\n", map[string]string{"INITIAL_REFRESH": "perhaps"})
	for _, part := range []string{"broker.port", "log.level", "INITIAL_REFRESH"} {
		require.ErrorContains(t, err, part, "all that is wrong is said at once")
	}
	_, err = Load(Sources{File: "/nowhere/hub.yaml", Environment: environment(nil)})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "--config")
}

func TestWhatIsWrongWithAnAccount(t *testing.T) {
	for name, tc := range map[string]struct{ file, says string }{
		"nothing":        {"accounts:\n  a:\n", "hub.yaml:2: accounts.a: The settings are not valid: username and password are both needed"},
		"no password":    {"accounts:\n  a: {username: me}\n", "hub.yaml:2: accounts.a: The settings are not valid: username and password are both needed"},
		"another brand":  {"accounts:\n  a: {username: me, password: p, brand: honda}\n", "use kia, hyundai or genesis"},
		"another region": {"accounts:\n  a: {username: me, password: p, region: usa}\n", "not supported yet"},
		"limits":         {"accounts:\n  a: {username: me, password: p, limits: {wakes: 3}}\n", `unknown field "wakes"`},
		"a list":         {"accounts:\n  a: {username: me, password: p, reread_after: [3s, soon]}\n", "account"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load(t, tc.file, nil)
			if err == nil {
				a, none := c.Account("")
				require.NoError(t, none)
				err = a.Check()
			}
			require.ErrorContains(t, err, tc.says)
		})
	}
}

func TestVariablesOfSeveralAccounts(t *testing.T) {
	_, err := load(t, "accounts:\n  a: {}\n  b: {}\n", map[string]string{"HYUNDAI_USERNAME": "me"})
	require.ErrorContains(t, err, "HYUNDAI_USERNAME is for one account, and the file has 2")
}

func TestSecretsOfFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"pin": "1234\r\n", "broker": " p \n", "user": "me@example.com\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	c, err := load(t, "", map[string]string{
		"HYUNDAI_USERNAME_FILE": filepath.Join(dir, "user"), "HYUNDAI_PASSWORD": "p", "HYUNDAI_PIN_FILE": "pin",
		"MQTT_USERNAME": "u", "MQTT_PASSWORD_FILE": "broker", "CREDENTIALS_DIRECTORY": dir,
	})
	require.NoError(t, err)
	a, err := c.Account("")
	require.NoError(t, err)
	assert.JSONEq(t, `{"username":"me@example.com","password":"p","pin":"1234"}`, string(a.Settings()))
	_, password := c.Broker.Login()
	assert.Equal(t, " p ", password, "a blank may belong to it")

	_, err = load(t, "", map[string]string{"HYUNDAI_PASSWORD": "p", "HYUNDAI_PASSWORD_FILE": filepath.Join(dir, "pin")})
	require.ErrorContains(t, err, "HYUNDAI_PASSWORD and HYUNDAI_PASSWORD_FILE say the same")
	_, err = load(t, "", map[string]string{"HYUNDAI_PASSWORD_FILE": filepath.Join(dir, "nothing")})
	require.ErrorContains(t, err, "HYUNDAI_PASSWORD_FILE cannot be read")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestVariablesOfADotEnvFile lie over the file, and under the environment.
func TestVariablesOfADotEnvFile(t *testing.T) {
	dotEnv := filepath.Join(t.TempDir(), ".env")
	require.NoError(t, os.WriteFile(dotEnv, []byte("# mine\nexport HYUNDAI_USERNAME=of-dotenv\nHYUNDAI_PASSWORD='with # and blank '\nMQTT_BASE_TOPIC=of-dotenv\nMQTT_HOST=x\n"), 0o600))
	s := Sources{
		File: written(t, "broker: {base_topic: of-file, client_id: of-file}\n"), EnvFile: dotEnv,
		Environment: environment(map[string]string{"HYUNDAI_USERNAME": "of-env"}),
	}
	c, err := Load(s)
	require.NoError(t, err)
	a, err := c.Account("")
	require.NoError(t, err)
	assert.JSONEq(t, `{"username":"of-env","password":"with # and blank "}`, string(a.Settings()))
	assert.Equal(t, []string{"of-dotenv", "of-file"}, []string{c.Broker.BaseTopic, c.Broker.ClientID})
	where, _ := c.origin("broker.base_topic")
	assert.Equal(t, dotEnv+": MQTT_BASE_TOPIC", where)
	assert.Contains(t, c.Notes[0], dotEnv+": MQTT_HOST is not known")

	require.NoError(t, os.WriteFile(dotEnv, []byte("HYUNDAI_PASSWORD very-s3cret\n"), 0o600))
	_, err = Load(s)
	require.ErrorContains(t, err, "has to have lines NAME=VALUE")
	redacttest.NotIn(t, err.Error(), "very-s3cret")
}

func TestAPluginOfAnotherMake(t *testing.T) {
	file := filepath.Join(t.TempDir(), "acme.yaml")
	require.NoError(t, os.WriteFile(file, []byte("token: t0ken-of-acme\ncars: [1]\n"), 0o600))
	s := Sources{
		Environment: environment(map[string]string{"HYUNDAI_USERNAME": "me", "MQTT_BROKER_HOST": "b"}), NoFile: true,
		Flags: map[string]string{"plugin": "/p"}, Foreign: "acme", ForeignSettings: file,
	}
	c, err := Load(s)
	require.NoError(t, err)
	require.Len(t, c.Accounts, 1)
	assert.Equal(t, "acme", c.Accounts[0].Name)
	assert.JSONEq(t, `{"token":"t0ken-of-acme","cars":[1]}`, string(c.Accounts[0].Settings()))
	assert.Equal(t, "/p", c.Plugin)
	assert.Equal(t, "tcp://b:1883", c.Broker.URL)
	s.ForeignSettings = ""
	c, err = Load(s)
	require.NoError(t, err)
	assert.JSONEq(t, `{}`, string(c.Accounts[0].Settings()))
	s.Foreign = "a b"
	_, err = Load(s)
	require.ErrorContains(t, err, "--name")
	s.Foreign, s.ForeignSettings = "acme", "/nowhere"
	_, err = Load(s)
	require.ErrorContains(t, err, "--settings")
}

func TestShow(t *testing.T) {
	path := written(t, fleet)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), "secret"), []byte("of a file\n"), 0o600))
	c, err := Load(Sources{
		File: path, Environment: environment(map[string]string{"MQTT_PASSWORD": "p4ss-of-the-broker", "MQTT_BASE_TOPIC": "cars"}), UID: 1000,
		Flags: map[string]string{"broker": "tcp://me:very-s3cret@b:1"},
	})
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, c.Show(&out))
	redacttest.NotIn(t, out.String(), "very-s3cret", "p4ss-of-the-broker", "t0ken-of-acme", "00420042", "me@example.com", "of a file", "ACME_KEY=of-acme")
	lines := map[string][]string{}
	for line := range strings.Lines(out.String()) {
		fields := strings.Fields(line)
		lines[fields[0]] = fields[1:]
	}
	assert.Equal(t, []string{"tcp://me:xxxxx@b:1", "--broker"}, lines["broker.url"])
	assert.Equal(t, []string{"***", "MQTT_PASSWORD"}, lines["broker.password"])
	assert.Equal(t, []string{"cars", "MQTT_BASE_TOPIC"}, lines["broker.base_topic"])
	assert.Equal(t, []string{"true", "default"}, lines["initial_refresh"])
	assert.Equal(t, []string{"debug", path + ":7"}, lines["log.level"])
	assert.Equal(t, []string{"***", path + ":29:", "accounts.parents.password_file"}, lines["accounts.parents.password"])
}

func TestWhereTheFileIsLookedFor(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "hyundai-plugin", "hub.yaml")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte("state: /of-the-directory\n"), 0o600))
	for name, tc := range map[string]struct {
		sources Sources
		want    string
	}{
		"the user's own":   {Sources{Environment: environment(map[string]string{"XDG_CONFIG_HOME": dir})}, "/of-the-directory"},
		"a variable":       {Sources{Environment: environment(map[string]string{"XDG_CONFIG_HOME": dir, "HYUNDAI_CONFIG": written(t, "state: /of-the-variable\n")})}, "/of-the-variable"},
		"the command line": {Sources{Environment: environment(map[string]string{"HYUNDAI_CONFIG": "/nowhere"}), File: written(t, "state: /of-the-flag\n")}, "/of-the-flag"},
		"none":             {Sources{Environment: environment(map[string]string{"XDG_CONFIG_HOME": dir}), NoFile: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Load(tc.sources)
			require.NoError(t, err)
			assert.Equal(t, tc.want, c.State)
		})
	}
	assert.Equal(t, []string{"/home/me/.config/hyundai-plugin/hub.yaml", "/etc/hyundai-plugin/hub.yaml"}, DefaultFiles(environment(nil), 1000))
	assert.Equal(t, []string{"/etc/hyundai-plugin/hub.yaml"}, DefaultFiles(environment(nil), 0))
}

func TestWhereStateIsKept(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		uid  int
		want string // empty: refused
	}{
		"a user":                 {nil, 1000, "/home/me/.local/state/hyundai-plugin"},
		"a user of Windows":      {map[string]string{"HOME": "", "USERPROFILE": "/users/me"}, -1, "/users/me/.local/state/hyundai-plugin"},
		"root":                   {nil, 0, "/var/lib/hyundai-plugin"},
		"root with a variable":   {map[string]string{"XDG_STATE_HOME": "/x"}, 0, "/x/hyundai-plugin"},
		"a service of systemd's": {map[string]string{"STATE_DIRECTORY": "/var/lib/hub:/other", "XDG_STATE_HOME": "/x"}, 999, "/var/lib/hub"},
		"as it is set":           {map[string]string{"HYUNDAI_STATE": "/s/", "XDG_STATE_HOME": "/x"}, 1000, "/s"},
		"no home":                {map[string]string{"HOME": ""}, 1000, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Load(Sources{NoFile: true, Environment: environment(tc.env), UID: tc.uid})
			require.NoError(t, err)
			got, err := c.StateDir()
			if tc.want == "" {
				require.ErrorContains(t, err, "--state")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestAFileThatOthersCanRead(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("p"), 0o600))
	for text, noted := range map[string]bool{
		"broker: {password: p}\n": true, "state: /s\n": false, "broker: {password_file: " + secret + "}\n": false,
		"accounts: {a: {username: me, password_file: " + secret + "}}\n": false,
	} {
		path := written(t, text)
		require.NoError(t, os.Chmod(path, 0o644))
		c, err := Load(Sources{File: path, Environment: environment(nil)})
		require.NoError(t, err)
		assert.Equal(t, noted, slices.ContainsFunc(c.Notes, func(n string) bool { return strings.Contains(n, "chmod 640") }), text)
	}
}
