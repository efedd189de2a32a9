package config

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatIsSetInVainIsSaid(t *testing.T) {
	c, err := load(t, "", map[string]string{
		"HYUNDAI_PASSWORDS": "p", "MQTT_HOST": "b", "MQTT_QOS": "2", "HYUNDAI_VEHICLE_ID": "x", "REFRESH_INTERVAL": "60", "HYUNDAI_UNHEARD_OF": "y",
		"HOME_ASISTANT_UNITS": "metric", "HOME_ASSISTANT_UNIT": "metric", "HYUNDAI_PIN": "1", "MQTT_EMPTY": "", "LOG_LEVEL": "info",
	})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"HOME_ASSISTANT_UNIT is not known and has no effect; perhaps HOME_ASSISTANT_UNITS is meant.",
		"HYUNDAI_PASSWORDS is not known and has no effect; perhaps HYUNDAI_PASSWORD is meant.",
		"HYUNDAI_UNHEARD_OF is not known and has no effect.",
		"HYUNDAI_VEHICLE_ID has no effect: all cars of the account are served, and a command names its car in the topic.",
		"MQTT_HOST is not known and has no effect; perhaps MQTT_BROKER_HOST is meant.",
		"MQTT_QOS has no effect: everything is sent with QoS 1.",
		"REFRESH_INTERVAL has no effect: HYUNDAI_SCHEDULE says when cars are refreshed by themselves.",
	}, c.Notes)
}

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		from, to string
		want     int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"PASWORD", "PASSWORD", 1}, {"ab", "ba", 2}} {
		assert.Equal(t, tc.want, distance(tc.from, tc.to), "%s %s", tc.from, tc.to)
	}
}

// TestEveryVariableOfTheReadmeIsKnown and so are those of the other pages.
func TestEveryVariableOfTheReadmeIsKnown(t *testing.T) {
	known := variables(Settings())
	for _, page := range []string{"README.md", "docs/home-assistant.md", "docs/gate.md", "docs/schedule.md", "docs/traffic.md", "docs/reporting.md", "docs/mqtt.md"} {
		text, err := os.ReadFile("../../../" + page)
		require.NoError(t, err)
		for _, name := range regexp.MustCompile("`((?:HYUNDAI|MQTT|HOME_ASSISTANT)[A-Z_]*)[`=]").FindAllStringSubmatch(string(text), -1) {
			if !strings.HasSuffix(name[1], "_") {
				assert.Contains(t, known, name[1], page)
			}
		}
	}
}
