package traffic_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic"
)

// Of whole documents of cars nothing changes but the position. Those full of
// nonsense are left out: nobody reads what is replaced in them.
func TestDocumentsStay(t *testing.T) {
	files, err := filepath.Glob("../testdata/conformance/ccs?_*.json")
	require.NoError(t, err)
	seen := 0
	for _, file := range files {
		if strings.Contains(file, ".expected.") || strings.Contains(file, "sentinels") || strings.Contains(file, "wrong_types") {
			continue
		}
		seen++
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			clean, ok := traffic.NewScrubber(traffic.ScrubberOptions{}).JSON(body)
			require.True(t, ok)
			before, after := leaves(t, body), leaves(t, clean)
			assert.Len(t, after, len(before))
			for path, v := range before {
				key := strings.ToLower(path[strings.LastIndexByte(path, '.')+1:])
				if !strings.Contains(path, "_fixture_meta") &&
					!slices.Contains([]string{"lat", "lon", "alt", "head", "latitude", "longitude", "altitude", "heading", "version"}, key) {
					assert.Equal(t, v, after[path], path)
				}
			}
		})
	}
	assert.GreaterOrEqual(t, seen, 4)
}

// leaves are the plain values of a document by their paths, as they are spelt.
func leaves(t *testing.T, body []byte) map[string]string {
	t.Helper()
	var root any
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	require.NoError(t, d.Decode(&root))
	all := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, member := range v {
				walk(path+"."+key, member)
			}
		case []any:
			for i, member := range v {
				walk(path+"["+strconv.Itoa(i)+"]", member)
			}
		default:
			text, err := json.Marshal(v)
			require.NoError(t, err)
			all[path] = string(text)
		}
	}
	walk("", root)
	return all
}
