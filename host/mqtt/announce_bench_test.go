package mqtt_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/mosquittotest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// BenchmarkAnnounce starts a bridge with 200 cars, reads each of them, and lasts until a
// subscriber has what announces all that they have, beside all their topics.
func BenchmarkAnnounce(b *testing.B) {
	const cars = 200
	broker := mosquittotest.New(b, "max_inflight_messages 0", "max_queued_messages 0", "set_tcp_nodelay true")
	broker.Start()
	ids := make([]string, cars)
	for n := range ids {
		ids[n] = fmt.Sprint("car", n)
	}
	recorded := &vehiclev1.VehicleData{}
	body, err := os.ReadFile("../../shared/testdata/cars/eu_kia_ev9_2024_ccs2.json")
	require.NoError(b, err)
	require.NoError(b, protojson.Unmarshal(body, recorded))

	var whole, bytes atomic.Int64
	all := make(chan struct{}, 1)
	subscriber := paho.NewClient(paho.NewClientOptions().AddBroker(broker.URL()).SetClientID("subscriber"))
	require.True(b, subscriber.Connect().WaitTimeout(await.Limit))
	defer subscriber.Disconnect(100)
	require.True(b, subscriber.Subscribe("homeassistant/device/#", 1, func(_ paho.Client, m paho.Message) {
		bytes.Add(int64(len(m.Payload())))
		if strings.Contains(string(m.Payload()), "value_json.battery.soc") && whole.Add(1)%cars == 0 {
			all <- struct{}{}
		}
	}).WaitTimeout(await.Limit))

	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		f := newFleet(ids...)
		f.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
			data := proto.CloneOf(recorded)
			data.Vehicle.Id = id
			return data, nil
		}
		base := fmt.Sprint("base", n)
		hub, err := mqtt.NewPaho(paho.NewClientOptions().AddBroker(broker.URL()).SetClientID(base), base)
		require.NoError(b, err)
		require.NoError(b, hub.Connect(b.Context()))
		announcer, err := homeassistant.New(homeassistant.Options{BaseTopic: base, Prefix: "homeassistant"})
		require.NoError(b, err)
		bridge, err := mqtt.New(mqtt.Options{Client: hub, Fleet: f, BaseTopic: base, Announcer: announcer, ProbeInterval: -1})
		require.NoError(b, err)

		b.StartTimer()
		bridge.Start()
		<-all
		b.StopTimer()
		require.NoError(b, bridge.Stop(await.Context(b, "the bridge stops")))
		hub.Client().Disconnect(100)
		b.StartTimer()
	}
	b.ReportMetric(float64(bytes.Load())/float64(b.N), "bytes/op")
}
