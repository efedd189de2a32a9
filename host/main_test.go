package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// The test binary is also the plugin, and a hub: it looks into its environment
// to see what it is to be.
const (
	roleEnv  = "HOST_TEST_ROLE"
	stageEnv = "HOST_TEST_STAGE"
	// programEnv tells the processes of one plugin from all others.
	programEnv = "HOST_TEST_PROGRAM"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		play(role, stage(os.Getenv(stageEnv)))
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		if left := leftRunning(); len(left) > 0 {
			fmt.Fprintln(os.Stderr, "processes are left running:", left)
			status = max(status, 1)
		}
		removeBuilt()
		os.Exit(status)
	}))
}

// mark stands in the environment of everything that these tests start, and of what
// that starts.
func mark() string { return fmt.Sprintf("HOST_TEST_RUN=%d", os.Getpid()) }

// leftRunning are the marked processes that do not end. Only Linux says which they
// are.
func leftRunning() (left []string) {
	for deadline := time.Now().Add(await.Limit); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		if left = having(mark()); len(left) == 0 {
			return nil
		}
	}
	return left
}

// having are the processes that have a variable in their environment.
func having(variable string) (all []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is right
	for _, file := range files {
		environ, err := os.ReadFile(file) // gone, or somebody else's
		if err == nil && slices.Contains(strings.Split(string(environ), "\x00"), variable) {
			all = append(all, filepath.Dir(file))
		}
	}
	return all
}

// soak: the long campaigns have their whole size, and what needs a real minute is
// waited for. make soak sets it.
func soak() bool { return os.Getenv("SOAK") != "" }

// size of a campaign: usual still finds the fault, long is for make soak.
func size(usual, long int) int {
	if soak() {
		return long
	}
	return usual
}

// play is the life of a subprocess.
func play(role string, s stage) {
	switch role {
	case "noise":
		fmt.Println("hello from an init function")
		fmt.Println(strings.Repeat("x", 70<<10))
		fmt.Fprintln(os.Stderr, `{"@message":5,"@level":7}`)
	case "other-version":
		serveVersion(2)
		return
	case "both-versions":
		serveVersion(1, 2)
		return
	case "not-a-plugin":
		fmt.Println("usage: something else entirely")
		return
	case "silent":
		select {}
	case "hub":
		playHub(s)
		return
	}
	if err := sdk.Serve(stagePlugin(s)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serveVersion serves other versions of the contract than this build has.
func serveVersion(versions ...int) {
	sets := map[int]plugin.PluginSet{}
	for _, v := range versions {
		sets[v] = shared.Plugins(sdk.NewEngine(sdktest.Plugin(&sdktest.Vendor{}), sdk.Options{}))[shared.ProtocolVersion]
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: shared.Handshake(), VersionedPlugins: sets,
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server { return grpc.NewServer(o...) },
	})
}

// stage is a directory in which a test and its plugin tell each other what
// happens. It outlives the plugin's crashes.
type stage string

func (s stage) path(name string) string { return filepath.Join(string(s), name) }

// note appends a line to the log of calls.
func (s stage) note(line string) {
	f, err := os.OpenFile(s.path("calls"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := fmt.Fprintln(f, line); err != nil {
		panic(err)
	}
}

// count is how often a line was noted.
func (s stage) count(line string) int {
	b, _ := os.ReadFile(s.path("calls")) // not there yet: none
	n := 0
	for l := range strings.Lines(string(b)) {
		if strings.TrimSpace(l) == line {
			n++
		}
	}
	return n
}

func (s stage) set(name string) { _ = os.WriteFile(s.path(name), nil, 0o600) }
func (s stage) is(name string) bool {
	_, err := os.Stat(s.path(name))
	return err == nil
}

// until waits for a flag. A plugin cannot get a channel from its test.
func (s stage) until(ctx context.Context, name string) error {
	for !s.is(name) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
	return nil
}

// deafCars are as many as the engine may leave calls behind.
const deafCars = 8

// stagePlugin has cars that do what their names say.
func stagePlugin(s stage) sdk.Plugin {
	v := &sdktest.Vendor{
		LoginFunc: func(context.Context) error {
			s.note("login")
			if s.is("locked") && !s.is("mended") {
				return shared.NewError(shared.ReasonAuthFailed)
			}
			s.set("logged in")
			return nil
		},
		VehiclesFunc: func(context.Context) ([]*vehiclev1.Vehicle, error) {
			s.note("list")
			switch {
			case s.is("refuse"):
				return nil, shared.NewError(shared.ReasonAuthFailed)
			case s.is("locked") && !s.is("logged in"):
				return nil, sdk.ErrSessionExpired
			case s.is("outage"):
				return nil, shared.NewError(shared.ReasonVendorUnavailable)
			}
			cars := []string{"fast", "slow", "outage", "noisy"}
			for n := range deafCars {
				if s.is("deaf") {
					cars = append(cars, fmt.Sprint("deaf", n))
				}
				if s.is("down") {
					cars = append(cars, fmt.Sprint("down", n))
				}
			}
			return sdktest.Cars(cars...), nil
		},
		CachedFunc: func(ctx context.Context, id string) (*vehiclev1.VehicleData, error) {
			s.note("cached " + id)
			if strings.HasPrefix(id, "deaf") {
				select {} // whatever ctx says
			}
			if strings.HasPrefix(id, "down") {
				return nil, shared.NewError(shared.ReasonVendorUnavailable)
			}
			switch id {
			case "slow":
				if err := s.until(ctx, "release"); err != nil {
					return nil, err
				}
			case "outage":
				if !s.is("recovered") {
					return nil, shared.NewError(shared.ReasonVendorUnavailable)
				}
			case "noisy":
				sdk.Logger(ctx).Warn("a line of the vendor's")
			}
			return sdktest.Snapshot(time.Now().Add(-time.Hour), 50), nil
		},
		ForceFunc: func(ctx context.Context, id string, _ time.Time) (*vehiclev1.VehicleData, error) {
			s.note("force " + id)
			if err := s.until(ctx, "release"); err != nil {
				return nil, err
			}
			return sdktest.Snapshot(time.Now(), 60), nil
		},
	}
	p := sdktest.Plugin(v)
	p.New = func(cfg sdk.VendorConfig) (sdk.Vendor, error) {
		var settings struct {
			Password string `json:"password"`
		}
		if err := json.Unmarshal(cfg.Settings, &settings); err != nil || settings.Password == "" {
			return nil, errors.New("no password")
		}
		return byStage{v, s}, nil
	}
	return p
}

// byStage is a vendor whose calls end by the stage's word.
type byStage struct {
	*sdktest.Vendor
	s stage
}

// Limits let no call end by itself but those that are deaf.
func (v byStage) Limits() sdk.Limits {
	l := v.Vendor.Limits()
	l.Deadlines = sdk.Deadlines{List: time.Hour, Read: time.Hour, Wake: time.Hour}
	if v.s.is("deaf") {
		l.Deadlines.Read = time.Second
	}
	return l
}
