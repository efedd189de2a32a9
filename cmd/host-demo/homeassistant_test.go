package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"syscall"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/config"
	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant"
	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant/rules"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/mosquittotest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// TestHomeAssistantAfterTheHubHasDied: who connects then still finds every car, what it had
// last, and that the hub is offline.
func TestHomeAssistantAfterTheHubHasDied(t *testing.T) {
	t.Parallel()
	broker := mosquittotest.New(t)
	broker.Start()
	_, env := serviceEnv(t)
	watcher := listen(t, mqttClient(t, broker.URL()))
	p := runDemo(t, append(env, "HOME_ASSISTANT=true"), "--broker", broker.URL())
	for _, car := range []string{"01", "02"} {
		watcher.holds("hyundai/11111111-2222-4333-8444-5555555555"+car+"/status/last_updated", "value")
	}
	p.find("Show +mosquitto_sub .* -t 'homeassistant/device/#'")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGKILL))
	watcher.holds("hyundai/bridge/state", "offline") // the broker has noticed

	held := retained(t, broker.URL())
	assert.Equal(t, "offline", held["hyundai/bridge/state"])
	devices := 0
	for topic, payload := range held {
		if !strings.HasPrefix(topic, "homeassistant/") {
			continue
		}
		devices++
		require.NoError(t, rules.CheckTopic(topic, "homeassistant"))
		require.NoError(t, rules.CheckDevice([]byte(payload)))
		checkEntities(t, payload, held)
	}
	assert.Equal(t, 3, devices, "two cars and the hub")
	for topic := range held {
		assert.NotContains(t, topic, "location", "where a car is does not stay with the broker")
	}
}

// checkEntities looks whether each entity of a device finds what it reads.
func checkEntities(t *testing.T, payload string, held map[string]string) {
	t.Helper()
	var device struct {
		Availability []struct{ Topic string }
		Components   map[string]struct {
			Platform      string
			StateTopic    string `json:"state_topic"`
			ValueTemplate string `json:"value_template"`
			Availability  *[]any
		}
	}
	require.NoError(t, json.Unmarshal([]byte(payload), &device))
	assert.NotEmpty(t, device.Availability)
	for _, a := range device.Availability {
		assert.Contains(t, held, a.Topic)
	}
	path := regexp.MustCompile(`value_json((?:\.[a-z0-9_]+)+)`)
	for key, c := range device.Components {
		switch c.Platform {
		case "sensor", "binary_sensor":
		default:
			continue // what it listens to is not kept
		}
		value, ok := held[c.StateTopic]
		if key == "last_command_failed" {
			continue // there was no command yet
		}
		if !assert.True(t, ok, "%s reads %s", key, c.StateTopic) {
			continue
		}
		for _, match := range path.FindAllStringSubmatch(c.ValueTemplate, -1) {
			var state any
			require.NoError(t, json.Unmarshal([]byte(value), &state))
			for _, member := range strings.Split(match[1], ".")[1:] {
				object, isObject := state.(map[string]any)
				if member == "get" && state == nil || !assert.True(t, isObject, "%s reads %s", key, match[0]) {
					break
				}
				if state, ok = object[member]; member != "get" {
					assert.True(t, ok, "%s reads %s", key, match[0])
				}
			}
		}
	}
}

// retained is what the broker keeps.
func retained(t *testing.T, url string) map[string]string {
	t.Helper()
	client, held, fence := mqttClient(t, url), map[string]string{}, make(chan struct{})
	token := client.Subscribe("#", 1, func(_ paho.Client, m paho.Message) {
		if m.Topic() == "fence" {
			close(fence)
			return
		}
		held[m.Topic()] = string(m.Payload())
	})
	await.Value(t, "the subscription", token.Done())
	await.Value(t, "the fence", client.Publish("fence", 1, false, "x").Done())
	await.Value(t, "all that the broker keeps", fence)
	return held
}

func TestHomeAssistantSettings(t *testing.T) {
	for name, c := range map[string]struct {
		env   map[string]string
		demo  bool
		on    bool
		wrong string
	}{
		"a demo":        {demo: true, on: true},
		"no demo":       {},
		"wanted":        {env: map[string]string{"HOME_ASSISTANT": "yes"}, on: true},
		"not in a demo": {env: map[string]string{"HOME_ASSISTANT": "false"}, demo: true},
		"no truth":      {env: map[string]string{"HOME_ASSISTANT": "perhaps"}, wrong: "HOME_ASSISTANT"},
		"units":         {env: map[string]string{"HOME_ASSISTANT": "true", "HOME_ASSISTANT_UNITS": "imperial"}, on: true},
		"no units":      {env: map[string]string{"HOME_ASSISTANT_UNITS": "stones"}, wrong: "metric, imperial, car"},
		"prefix":        {env: map[string]string{"HOME_ASSISTANT": "true", "HOME_ASSISTANT_PREFIX": "ha/discovery"}, on: true},
		"no prefix":     {env: map[string]string{"HOME_ASSISTANT_PREFIX": "ha/#"}, wrong: "no prefix of topics"},
		"no birth":      {env: map[string]string{"HOME_ASSISTANT_BIRTH_TOPIC": "ha/+/x"}, wrong: "no topic"},
	} {
		t.Run(name, func(t *testing.T) {
			loaded, err := config.Load(found(c.env, nil))
			var o *homeassistant.Announcer
			if err == nil {
				o, err = homeAssistant(loaded, c.demo)
			}
			if c.wrong != "" {
				require.ErrorContains(t, err, c.wrong)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.on, o != nil)
		})
	}
}
