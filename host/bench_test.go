//go:build linux

package host_test

import (
	"context"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// side is one of two ways to run the same program: our host, or go-plugin as it
// is shipped, with gRPC and mTLS like ours.
type side interface {
	start(b *testing.B, role string)
	// ready waits until the program serves.
	ready(b *testing.B)
	client() shared.VehicleRefresher
	pid() int
	// recover gets a new process after the old one was killed.
	recover(b *testing.B)
	stop(b *testing.B)
}

// bothSides measures one thing side by side, in one run.
func bothSides(b *testing.B, measure func(b *testing.B, s side)) {
	b.Helper()
	for name, s := range map[string]side{"ours": &ours{}, "go-plugin": &bare{}} {
		b.Run(name, func(b *testing.B) {
			defer s.stop(b)
			measure(b, s)
		})
	}
}

// samples are durations whose percentiles a benchmark reports.
type samples []time.Duration

func (s *samples) time(f func()) {
	begun := time.Now()
	f()
	*s = append(*s, time.Since(begun))
}

func (s *samples) report(b *testing.B) {
	b.Helper()
	slices.Sort(*s)
	at := func(p float64) float64 {
		return float64((*s)[min(len(*s)-1, int(p*float64(len(*s))))].Nanoseconds()) / 1e6
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkRoundTrip: one read after the other, through the process boundary.
func BenchmarkRoundTrip(b *testing.B) {
	bothSides(b, func(b *testing.B, s side) {
		b.Helper()
		s.start(b, "good")
		s.ready(b)
		var took samples
		for b.Loop() {
			took.time(func() {
				_, err := s.client().RefreshCached(b.Context(), "car1")
				require.NoError(b, err)
			})
		}
		took.report(b)
	})
}

// BenchmarkStartToReady: from nothing to the first car.
func BenchmarkStartToReady(b *testing.B) {
	bothSides(b, func(b *testing.B, s side) {
		b.Helper()
		var took samples
		for b.Loop() {
			took.time(func() {
				s.start(b, "good")
				s.ready(b)
			})
			s.stop(b)
		}
		took.report(b)
	})
}

// BenchmarkKillToAnswer: a force is under way when the process is killed; the
// caller hears of it.
func BenchmarkKillToAnswer(b *testing.B) {
	bothSides(b, func(b *testing.B, s side) {
		b.Helper()
		s.start(b, "good")
		s.ready(b)
		var took samples
		for b.Loop() {
			answered := make(chan error, 1)
			begun := make(chan struct{})
			go func() {
				close(begun)
				_, err := s.client().RefreshForce(b.Context(), "car1") // never answered
				answered <- err
			}()
			<-begun
			time.Sleep(5 * time.Millisecond) // on its way
			took.time(func() {
				require.NoError(b, syscall.Kill(s.pid(), syscall.SIGKILL))
				require.ErrorIs(b, <-answered, shared.ReasonPluginDown)
			})
			s.recover(b)
		}
		took.report(b)
	})
}

// BenchmarkKillToReady: the process is killed, and the next read is served by a
// new one. The pause before a restart is set to nothing.
func BenchmarkKillToReady(b *testing.B) {
	bothSides(b, func(b *testing.B, s side) {
		b.Helper()
		s.start(b, "good")
		s.ready(b)
		var took samples
		for b.Loop() {
			took.time(func() {
				require.NoError(b, syscall.Kill(s.pid(), syscall.SIGKILL))
				s.recover(b)
			})
		}
		took.report(b)
	})
}

type ours struct {
	*host.Host
	last int
}

func (o *ours) start(b *testing.B, role string) {
	b.Helper()
	path, err := hostileProgram()
	require.NoError(b, err)
	o.Host, err = host.New(host.Options{
		Plugins: []host.PluginSpec{{Name: "p", Path: path, Args: []string{role}, Settings: goodSettings}},
		Random:  func() float64 { return 0 }, CrashLimit: -1,
	})
	require.NoError(b, err)
	require.NoError(b, o.Start(b.Context()))
}

func (o *ours) ready(b *testing.B) {
	b.Helper()
	_, err := o.client().RefreshCached(b.Context(), "car1")
	require.NoError(b, err)
	o.last = o.pid()
}

func (o *ours) client() shared.VehicleRefresher { return o.Plugin("p") }
func (o *ours) pid() int                        { return o.Status()[0].PID }

func (o *ours) recover(b *testing.B) {
	b.Helper()
	before := o.last
	for o.last == before {
		o.ready(b) // a read that meets the dead process is made again
	}
}

func (o *ours) stop(b *testing.B) {
	b.Helper()
	if o.Host != nil {
		require.NoError(b, o.Stop(context.Background()))
	}
	o.Host = nil
}

type bare struct {
	role   string
	c      *plugin.Client
	remote *shared.Client
}

func (p *bare) start(b *testing.B, role string) {
	b.Helper()
	path, err := hostileProgram()
	require.NoError(b, err)
	p.role = role
	p.c = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: shared.Handshake(), VersionedPlugins: shared.Plugins(nil), Cmd: exec.Command(path, role),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, AutoMTLS: true, Logger: hclog.NewNullLogger(),
	})
	protocol, err := p.c.Client()
	require.NoError(b, err)
	raw, err := protocol.Dispense(shared.PluginName)
	require.NoError(b, err)
	p.remote = raw.(*shared.Client)
	_, err = p.remote.Initialize(b.Context(), shared.Config{Settings: goodSettings})
	require.NoError(b, err)
}

func (p *bare) ready(b *testing.B) {
	b.Helper()
	_, err := p.remote.RefreshCached(b.Context(), "car1")
	require.NoError(b, err)
}

func (p *bare) client() shared.VehicleRefresher { return p.remote }
func (p *bare) pid() int                        { return p.c.ReattachConfig().Pid }

func (p *bare) recover(b *testing.B) {
	b.Helper()
	for {
		if _, err := p.remote.RefreshCached(b.Context(), "car1"); err != nil {
			break
		}
	}
	p.c.Kill()
	p.start(b, p.role)
	p.ready(b)
}

func (p *bare) stop(*testing.B) {
	if p.c != nil {
		p.c.Kill()
	}
	p.c = nil
}
