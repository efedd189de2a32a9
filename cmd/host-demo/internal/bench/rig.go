package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/host-demo/internal/broker"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
)

// world is what a scenario runs in.
type world struct {
	cars int
	// vendor is what the cloud takes for a reading, which is two calls.
	vendor time.Duration
	// sleepers of the cars, the first ones, take so long to wake.
	sleepers   int
	forceDelay time.Duration
	workers    int
	// script of faults, in cloudsim's form.
	script string
	// initial: the scenario starts the service, which reads the cars by itself.
	initial bool
	// loop is the yardstick in place of the service; publishOnly: the one that makes no
	// vendor calls.
	loop, publishOnly bool
}

// account of the scripted cloud.
const email, password = "fleet@example.com", "fleet-password"

// rig is a running system.
type rig struct {
	world
	dir    string
	cloud  *cloudProcess
	broker brokerProcess
	// hub is the service, plugin the process that it has started, if it has.
	hub  *exec.Cmd
	http string
	ids  []string // of the cars
	log  *os.File
}

// start starts a world, and waits until commands are served, but for a service that
// is the scenario's to start.
func (o *Options) start(ctx context.Context, w world) (r *rig, err error) {
	r = &rig{world: w}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.stop())
		}
	}()
	if r.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return r, err
	}
	if err = os.Chmod(r.dir, 0o711); err != nil { //nolint:gosec // plugins of a root's have users of their own
		return r, err
	}
	for _, car := range cloudsim.Fleet(w.cars) {
		r.ids = append(r.ids, car.ID)
	}
	if r.cloud, err = o.startCloud(cloudSettings{
		Cars: w.cars, Sleepers: w.sleepers, Latency: w.vendor / 2, ForceDelay: w.forceDelay, Script: w.script,
	}); err != nil {
		return r, err
	}
	if r.broker, err = o.startBroker(r.dir); err != nil {
		return r, err
	}
	if w.initial {
		return r, nil
	}
	return r, r.startHub(ctx, o)
}

// probeInterval of the client's loop.
const probeInterval = 20 * time.Millisecond

// startHub starts the service, and waits until it serves commands.
func (r *rig) startHub(ctx context.Context, o *Options) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	r.http = "http://" + address
	if r.log, err = os.Create(filepath.Join(r.dir, "hub.log")); err != nil {
		return err
	}
	state := filepath.Join(r.dir, "state")
	if r.loop {
		err = r.yardstick(o, loopSettings{Broker: r.broker.url, HTTP: address, StateDir: state, Probe: probeInterval, PublishOnly: r.publishOnly})
	} else {
		err = r.service(o, address, state)
	}
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := r.hub.Start(); err != nil {
		return err
	}
	for !r.initial && !ready(ctx, r.http) {
		if time.Since(begun) > time.Minute {
			return errors.New("the service did not become ready within a minute")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
	return nil
}

// limits that a load does not meet.
func (r *rig) limits() map[string]any {
	return map[string]any{
		"calls_per_day": -1, "wakes_per_day": -1, "logins_per_day": -1, "wake_interval": "-1s", "aux_stop": -1, "workers": max(1, r.workers),
	}
}

// service prepares the service's process.
func (r *rig) service(o *Options, address, state string) error {
	limits, err := json.Marshal(r.limits())
	r.hub = exec.Command(o.Program, "--broker", r.broker.url, "--http", address, "--state", state, "--profiles") //nolint:gosec,noctx // this program itself; it ends with stop
	r.hub.Stderr = r.log
	r.hub.Env = append(os.Environ(),
		"HYUNDAI_USERNAME="+email, "HYUNDAI_PASSWORD="+password, "HYUNDAI_BRAND=kia", "HYUNDAI_LIMITS="+string(limits),
		"HYUNDAI_ENDPOINT_LOGIN="+r.cloud.url, "HYUNDAI_ENDPOINT_CCI="+r.cloud.url, "HYUNDAI_ENDPOINT_API="+r.cloud.url,
		fmt.Sprintf("INITIAL_REFRESH=%t", r.initial), "MQTT_PROBE_INTERVAL="+probeInterval.String(), "MQTT_BASE_TOPIC="+base,
	)
	return err
}

// account is the same in the form of the plugin's settings.
func (r *rig) account() (json.RawMessage, error) {
	return json.Marshal(map[string]any{
		"username": email, "password": password, "brand": "kia", "limits": r.limits(),
		"endpoints": map[string]string{"login": r.cloud.url, "cci": r.cloud.url, "api": r.cloud.url},
	})
}

// yardstick prepares the process of the yardstick, which has the same account.
func (r *rig) yardstick(o *Options, s loopSettings) (err error) {
	if s.Settings, err = r.account(); err != nil {
		return err
	}
	if r.hub, err = o.part("loop", s); err != nil {
		return err
	}
	r.hub.Stderr = r.log
	return nil
}

// base of the topics.
const base = "bench"

func ready(ctx context.Context, at string) bool {
	body, err := get(ctx, at+"/readyz")
	if err != nil {
		return false
	}
	defer func() { _ = body.Close() }()
	_, _ = io.Copy(io.Discard, body)
	return true
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of this machine
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// stop ends everything that was started.
func (r *rig) stop() error {
	var all []error
	if r.hub != nil && r.hub.Process != nil {
		_ = r.hub.Process.Signal(os.Interrupt)
		ended := make(chan error, 1)
		go func() { ended <- r.hub.Wait() }()
		select {
		case err := <-ended:
			if err != nil {
				all = append(all, fmt.Errorf("the service: %w", err))
			}
		case <-time.After(15 * time.Second):
			all = append(all, errors.New("the service did not end"), r.hub.Process.Kill())
			<-ended //nolint:errcheck // killed
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if r.broker.stop != nil {
		all = append(all, r.broker.stop(ctx))
	}
	if r.cloud != nil {
		all = append(all, r.cloud.stop())
	}
	if r.log != nil {
		_ = r.log.Close()
	}
	return errors.Join(append(all, os.RemoveAll(r.dir))...)
}

// brokerProcess is a broker that runs.
type brokerProcess struct {
	name, url string
	stop      func(context.Context) error
}

// startBroker starts Mosquitto if it is installed, else the embedded broker.
func (o *Options) startBroker(dir string) (brokerProcess, error) {
	path := o.Mosquitto
	if path == "" {
		b, err := broker.Start()
		if err != nil {
			return brokerProcess{}, err
		}
		return brokerProcess{name: "embedded", url: b.URL(), stop: b.Close}, nil
	}
	address, err := freeAddress()
	if err != nil {
		return brokerProcess{}, err
	}
	_, port, _ := strings.Cut(address, ":")
	config := filepath.Join(dir, "mosquitto.conf")
	text := "listener " + port + " 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true\n"
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil { //nolint:gosec // mosquitto drops its rights before it reads
		return brokerProcess{}, err
	}
	cmd := exec.Command(path, "-c", config) //nolint:gosec,noctx // found by name; it ends with stop
	if err := cmd.Start(); err != nil {
		return brokerProcess{}, err
	}
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		conn, err := net.Dial("tcp", address) //nolint:noctx // of this machine
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Since(begun) > 10*time.Second {
			_ = cmd.Process.Kill()
			return brokerProcess{}, fmt.Errorf("mosquitto does not listen: %w", err)
		}
	}
	return brokerProcess{name: "Mosquitto", url: "tcp://" + address, stop: func(context.Context) error {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
		return nil
	}}, nil
}
