package mqtt

import (
	"context"
	"log/slog"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/mosquittotest"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// realCar is what a car told, for benchmarks.
func realCar(b *testing.B) *vehiclev1.VehicleData {
	b.Helper()
	body, err := os.ReadFile("../../shared/testdata/cars/eu_kia_ev9_2024_ccs2.json")
	require.NoError(b, err)
	data := &vehiclev1.VehicleData{}
	require.NoError(b, protojson.Unmarshal(body, data))
	return data
}

// BenchmarkRender is what a car's topics shall hold, as it is looked at for each reading.
func BenchmarkRender(b *testing.B) {
	data := realCar(b)
	c := &car{topics: newCatalogue(), log: slog.New(slog.DiscardHandler), now: time.Now}
	c.show(data, time.Now())
	b.ReportAllocs()
	for b.Loop() {
		if len(c.messages()) < 100 {
			b.Fatal("a car has a hundred topics")
		}
	}
}

// BenchmarkPublish brings a car's readings to Mosquitto, over the client of MQTT 3.1.1: one
// after the other, many cars at once, and without news. Its own processor time is beside it.
func BenchmarkPublish(b *testing.B) {
	for name, bm := range map[string]struct {
		cars int
		news bool
	}{"one": {1, true}, "many": {200, true}, "same": {200, false}} {
		b.Run(name, func(b *testing.B) { benchmarkPublish(b, bm.cars, bm.news) })
	}
}

func benchmarkPublish(b *testing.B, cars int, news bool) {
	b.Helper()
	broker := mosquittotest.New(b, "max_inflight_messages 0", "max_queued_messages 0", "set_tcp_nodelay true")
	broker.Start()
	hub, err := NewPaho(paho.NewClientOptions().AddBroker(broker.URL()).SetClientID("bench"), "hyundai")
	require.NoError(b, err)
	require.NoError(b, hub.Connect(b.Context()))
	defer hub.Client().Disconnect(100)
	w := newWriter(hub, slog.New(slog.DiscardHandler), time.Now)
	ctx, cancel := context.WithCancel(b.Context())
	written := make(chan struct{})
	go func() {
		defer close(written)
		w.run(ctx)
	}()
	defer func() {
		cancel()
		<-written
	}()
	p := newPublisher(w, "hyundai", nil, slog.New(slog.DiscardHandler), time.Now)
	data := realCar(b)
	var waiting []acknowledged
	publish := func(i int) {
		if len(waiting) == cars {
			require.NoError(b, waiting[0](ctx))
			waiting = waiting[1:]
		}
		next := proto.CloneOf(data)
		next.Refresh.PolledAt = proto.Int64(int64(i))
		if news { // the time of every topic
			next.Refresh.ObservedAt = proto.Int64(next.Refresh.GetObservedAt() + int64(i)*60_000)
		}
		waiting = append(waiting, p.data("car"+strconv.Itoa(i%cars), next, true))
	}
	n := 0
	for range cars { // everything once
		publish(n)
		n++
	}
	b.ReportAllocs()
	before := processorTime(b)
	for b.Loop() {
		publish(n)
		n++
	}
	for _, answer := range waiting {
		require.NoError(b, answer(ctx))
	}
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// processorTime of this process so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
