package plugin_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// TestSchemaKnowsTheDictionary: every attribute that hyundai_kia_connect_api
// has stands in the schema, but for units, which do not travel, and for the key
// of a session, which is a secret.
func TestSchemaKnowsTheDictionary(t *testing.T) {
	attributes := map[string]referenceAttribute{}
	readJSON(t, "testdata/conformance/attributes.json", &attributes)
	known := map[string]bool{}
	for _, a := range shared.Attributes() {
		known[a.Info.GetReference()] = true
	}
	for name := range attributes {
		if strings.HasSuffix(name, "_unit") || name == "key" {
			continue
		}
		assert.True(t, known[name], "%s is missing in the schema", name)
	}
}
