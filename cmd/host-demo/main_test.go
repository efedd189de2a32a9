package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/host-demo/internal/broker"
	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/config"
	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// binaries is where hyundai-plugin and host-demo have been built for the tests.
var binaries string

// soak: the long campaigns have their whole size. make soak sets it.
func soak() bool { return os.Getenv("SOAK") != "" }

// atLeast is how much it takes to find the fault, or what make soak does.
func atLeast(few, soaked int) int {
	if soak() {
		return soaked
	}
	return few
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hyundai")
	if err != nil {
		panic(err)
	}
	binaries = dir
	args := append([]string{"build"}, buildFlags()...)
	build := exec.Command("go", append(args, "-o", dir+string(filepath.Separator), "../hyundai-plugin", ".")...)
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	// The race detector makes a program wait at its end; nobody here wants that.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	status := m.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// buildFlags build the programs as the tests are built.
func buildFlags() (flags []string) {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" || s.Key == "-gcflags" {
			flags = append(flags, s.Key+"="+s.Value)
		}
	}
	return flags
}

// pluginName names the one plugin of the tests' hubs.
const pluginName = config.DefaultAccount

// unlimited is for tests that give a car more commands than its battery bears.
const unlimited = `{"calls_per_day":-1,"logins_per_day":-1,"wakes_per_day":-1,"wake_interval":"-1s","aux_stop":-1}`

// system is the whole of it: a broker, the scripted cloud, the host with the
// real plugin as its subprocess, and the bridge.
type system struct {
	t      testing.TB
	cloud  *cloudsim.Cloud
	hub    *host.Host
	bridge *mqtt.Bridge
	client paho.Client
	served chan mqtt.Served
	log    await.Log
}

// newSystem starts everything and waits until the first reads are published, or
// with noFirstReads until the plugin is ready.
func newSystem(tb testing.TB, o cloudsim.Options, rereads string, noFirstReads ...bool) *system {
	tb.Helper()
	return newSystemWith(tb, o, rereads, len(noFirstReads) > 0, func(*host.Options) {})
}

// newSystemWith is newSystem with other options for the host.
func newSystemWith(tb testing.TB, o cloudsim.Options, rereads string, noFirstReads bool, change func(*host.Options)) *system {
	tb.Helper()
	if len(o.Accounts) == 0 {
		o.Accounts = []cloudsim.Account{cloudsim.DemoAccount()}
	}
	s := &system{t: tb, served: make(chan mqtt.Served, 100_000)}
	embedded, err := broker.Start()
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, embedded.Close(context.Background())) })
	s.cloud, err = cloudsim.New(o)
	require.NoError(tb, err)
	require.NoError(tb, s.cloud.Start("127.0.0.1:0"))
	tb.Cleanup(func() { closeCloud(tb, s.cloud) })
	s.client = mqttClient(tb, embedded.URL())
	a := o.Accounts[0]
	settings := fmt.Sprintf(`{"username":%q,"password":%q,"brand":%q,"endpoints":{"login":%[4]q,"cci":%[4]q,"api":%[4]q},"reread_after":%[5]s,"limits":%[6]s}`,
		a.Email, a.Password, a.Brand, s.cloud.URL(), rereads, unlimited)
	log := slog.New(slog.NewJSONHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	options := host.Options{
		Plugins: []host.PluginSpec{{
			Name: pluginName, Path: filepath.Join(binaries, "hyundai-plugin"), Settings: []byte(settings),
			Env: []string{"GORACE=atexit_sleep_ms=0"},
			// A program with the race detector needs more address space than any
			// limit allows.
			MemoryLimit: -1,
		}},
		StateDir: stateFor(tb), Logger: log,
		// However slow the machine is, no process fails for it.
		StartTimeout: await.Limit, InitializeTimeout: await.Limit, UpgradeTimeout: await.Limit, ProbeTimeout: await.Limit,
	}
	change(&options)
	s.hub, err = host.New(options)
	require.NoError(tb, err)
	link, err := mqtt.NewPaho(paho.NewClientOptions().AddBroker(embedded.URL()).SetClientID("hub"), "hyundai")
	require.NoError(tb, err)
	require.NoError(tb, link.Connect(await.Context(tb, "the hub's client connects")))
	tb.Cleanup(func() { link.Client().Disconnect(100) })
	s.bridge, err = mqtt.New(mqtt.Options{Client: link, Fleet: s.hub, Logger: log, NoInitialRefresh: noFirstReads, OnCommand: func(c mqtt.Served) { s.served <- c }})
	require.NoError(tb, err)
	require.NoError(tb, s.hub.Start(context.Background()))
	tb.Cleanup(func() {
		require.NoError(tb, s.hub.Stop(await.Context(tb, "the end of the hub")))
		require.NotContains(tb, s.log.String(), "DATA RACE", "in the plugin")
		require.NotContains(tb, s.log.String(), "panic contained")
	})
	s.bridge.Start()
	tb.Cleanup(func() {
		require.NoError(tb, s.bridge.Stop(await.Context(tb, "the end of the bridge")))
	})
	await.True(tb, "the bridge gets its commands", func() bool { return s.bridge.Trouble() == nil })
	if noFirstReads {
		await.True(tb, "the plugin is ready", func() bool { return s.status().State == host.Ready })
		return s
	}
	for range a.Cars {
		require.NoError(tb, s.next().Err)
	}
	return s
}

// stateFor is a directory that plugins can get to also if the tests run as root
// and plugins as users of their own.
func stateFor(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		require.NoError(tb, os.Chmod(d, 0o711))
	}
	return dir
}

func closeCloud(tb testing.TB, c *cloudsim.Cloud) {
	tb.Helper()
	// Calls that are still open are cut off.
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_ = c.Close(ctx)
}

// demoCloud is the scripted cloud of an account, until the test ends.
func demoCloud(tb testing.TB, account cloudsim.Account) *cloudsim.Cloud {
	tb.Helper()
	cloud, err := cloudsim.New(cloudsim.Options{Accounts: []cloudsim.Account{account}})
	require.NoError(tb, err)
	require.NoError(tb, cloud.Start("127.0.0.1:0"))
	tb.Cleanup(func() { closeCloud(tb, cloud) })
	return cloud
}

// endpoints are the settings of a service whose cloud is the scripted one.
func endpoints(cloud *cloudsim.Cloud) []string {
	return []string{"HYUNDAI_ENDPOINT_LOGIN=" + cloud.URL(), "HYUNDAI_ENDPOINT_CCI=" + cloud.URL(), "HYUNDAI_ENDPOINT_API=" + cloud.URL()}
}

func mqttClient(tb testing.TB, url string) paho.Client {
	tb.Helper()
	client := paho.NewClient(paho.NewClientOptions().AddBroker(url).SetClientID(fmt.Sprintf("test-%d", time.Now().UnixNano())))
	token := client.Connect()
	await.Value(tb, "the broker's acknowledgement", token.Done())
	require.NoError(tb, token.Error())
	tb.Cleanup(func() { client.Disconnect(100) })
	return client
}

// command publishes a command.
func (s *system) command(vehicle, payload string) {
	s.t.Helper()
	token := s.client.Publish("hyundai/"+vehicle+"/commands/refresh", 1, false, payload)
	await.Value(s.t, "the broker's acknowledgement", token.Done())
	require.NoError(s.t, token.Error())
}

// next is the next command that was answered.
func (s *system) next() mqtt.Served {
	s.t.Helper()
	return await.Value(s.t, "the answer to a command", s.served)
}

func (s *system) status() host.PluginStatus { return s.hub.Status()[0] }
