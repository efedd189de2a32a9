package mqtt_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// asyncapi is what docs/asyncapi.yaml says of topics.
type asyncapi struct {
	channels []*describedChannel
	// schemas that have a name.
	schemas map[string]json.RawMessage
}

type describedChannel struct {
	address  *regexp.Regexp
	received bool
	plain    bool
	schema   func() (*jsonschema.Resolved, error)
}

// described reads the document once.
var described = sync.OnceValues(func() (*asyncapi, error) {
	text, err := os.ReadFile("../../docs/asyncapi.yaml")
	if err != nil {
		return nil, err
	}
	var d struct {
		Channels map[string]struct {
			Address  string
			Messages map[string]struct {
				ContentType string `yaml:"contentType"`
				Payload     any
			}
		}
		Operations map[string]struct {
			Action  string
			Channel map[string]string
		}
		Components struct{ Schemas map[string]any }
	}
	if err := yaml.Unmarshal(text, &d); err != nil {
		return nil, err
	}

	a, byRef := &asyncapi{schemas: map[string]json.RawMessage{}}, map[string]*describedChannel{}
	for name, schema := range d.Components.Schemas {
		if a.schemas[name], err = json.Marshal(schema); err != nil {
			return nil, err
		}
	}
	for id, c := range d.Channels {
		m := c.Messages["message"]
		payload, err := json.Marshal(m.Payload)
		if err != nil {
			return nil, err
		}
		level := regexp.MustCompile(`\\{\w+\\}`)
		ch := &describedChannel{
			address: regexp.MustCompile("^" + level.ReplaceAllString(regexp.QuoteMeta(c.Address), "[^/]+") + "$"),
			plain:   m.ContentType == "text/plain", schema: sync.OnceValues(func() (*jsonschema.Resolved, error) { return a.resolve(payload) }),
		}
		byRef["#/channels/"+id], a.channels = ch, append(a.channels, ch)
	}
	for _, o := range d.Operations {
		byRef[o.Channel["$ref"]].received = o.Action == "receive"
	}
	return a, nil
})

// resolve completes a payload's schema with those that it refers to.
func (a *asyncapi) resolve(payload []byte) (*jsonschema.Resolved, error) {
	schemas := map[string]json.RawMessage{}
	for missing := [][]byte{payload}; len(missing) > 0; missing = missing[1:] {
		for _, ref := range regexp.MustCompile(`#/components/schemas/(\w+)`).FindAllSubmatch(missing[0], -1) {
			name := string(ref[1])
			if _, ok := schemas[name]; !ok {
				schemas[name] = a.schemas[name]
				missing = append(missing, a.schemas[name])
			}
		}
	}
	whole, err := json.Marshal(map[string]any{"$defs": schemas, "allOf": []json.RawMessage{payload}})
	if err != nil {
		return nil, err
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(bytes.ReplaceAll(whole, []byte("#/components/schemas/"), []byte("#/$defs/")), &schema); err != nil {
		return nil, err
	}
	return schema.Resolve(nil)
}

// channel returns the one that a topic belongs to, or nil.
func (a *asyncapi) channel(topic string) *describedChannel {
	var found *describedChannel
	for _, c := range a.channels {
		// {base}/all/… is also {base}/{vehicle}/…
		if c.address.MatchString(topic) && (found == nil || !strings.Contains(c.address.String(), "[^/]+/[^/]+")) {
			found = c
		}
	}
	return found
}

// check says what in a payload is not as it is described.
func (c *describedChannel) check(payload []byte) error {
	schema, err := c.schema()
	if err != nil {
		return err
	}
	var value any = string(payload)
	if !c.plain {
		if err := json.Unmarshal(payload, &value); err != nil {
			return err
		}
	}
	return schema.Validate(value)
}

// conforms checks a message of the bridge's. It says whether its topic is described.
func conforms(t *testing.T, topic string, payload []byte) bool {
	t.Helper()
	document, err := described()
	require.NoError(t, err)
	c := document.channel(topic)
	if c == nil {
		return false
	}
	if !c.received && len(payload) > 0 {
		assert.NoError(t, c.check(payload), "docs/asyncapi.yaml does not fit %s: %s", topic, payload)
	}
	return true
}

// everything is a car that has each attribute of the schema.
func everything(id string) *vehiclev1.VehicleData {
	data := snapshot(id)
	groups := data.ProtoReflect()
	for n := range groups.Descriptor().Fields().Len() {
		group := groups.Descriptor().Fields().Get(n)
		if group.Message() == nil || group.IsList() || group.Name() == "refresh" {
			continue
		}
		members := groups.Mutable(group).Message()
		for k := range members.Descriptor().Fields().Len() {
			setField(members, members.Descriptor().Fields().Get(k))
		}
	}
	return data
}

// setField gives a field a value, unless it has one.
func setField(m protoreflect.Message, f protoreflect.FieldDescriptor) {
	switch {
	case m.Has(f):
	case f.IsList():
		if f.Message() != nil {
			m.Mutable(f).List().AppendMutable()
		}
	case f.Message() != nil:
		m.Mutable(f)
	case f.Enum() != nil:
		m.Set(f, protoreflect.ValueOfEnum(f.Enum().Values().Get(1).Number()))
	case f.Kind() == protoreflect.BoolKind:
		m.Set(f, protoreflect.ValueOfBool(true))
	case f.Kind() == protoreflect.StringKind:
		m.Set(f, protoreflect.ValueOfString("text"))
	case f.Kind() == protoreflect.DoubleKind:
		m.Set(f, protoreflect.ValueOfFloat64(1.5))
	case f.Kind() == protoreflect.Int32Kind:
		m.Set(f, protoreflect.ValueOfInt32(90))
	case f.Kind() == protoreflect.Int64Kind:
		m.Set(f, protoreflect.ValueOfInt64(observed.UnixMilli()))
	}
}

// TestEveryTopicIsDescribed: what the bridge publishes of a car that has everything, of
// one that has nothing, of commands, requests and plugins is what the document says, and
// nothing in the document is never published.
func TestEveryTopicIsDescribed(t *testing.T) {
	data := everything("car1")
	f := newSupervised("car1")
	f.refresh = answering(func() *vehiclev1.VehicleData { return data }).refresh
	w := superviseWorld(t, f, func(o *mqtt.Options) { o.AgeInterval = 10 * time.Millisecond })
	w.publish("hyundai/car1/commands/schedule", "recommended", false)
	w.holds("hyundai/car1/responses/schedule", "done")
	w.publish("hyundai/all/commands/refresh", "cached", false)
	w.holds("hyundai/all/responses/refresh", "done")
	for _, what := range []string{"ping", "health"} {
		w.ask(what, `{"transaction":"t"}`)
	}
	w.ask("preview", `{"vehicle":"car1","mode":"force"}`)
	w.ask("refresh", `{"vehicle":"car1","mode":"cached"}`)
	w.ask("restart", `{}`)
	w.ask("unlock", `{}`)
	w.ask("forget", `{"vehicle":"other"}`)
	f.happens(t, host.Event{Kind: "crash", Plugin: "p", State: host.Crashed, Crash: &host.CrashReport{Cause: host.CauseSignal}, Time: observed}, func(*host.PluginStatus) {})
	w.holds("hyundai/bridge/event", "crash")
	data = &vehiclev1.VehicleData{Vehicle: &vehiclev1.Vehicle{Id: "car1"}, Refresh: &vehiclev1.Refresh{}}
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	w.holds("hyundai/car1/battery/level", `"value":null`)

	document, err := described()
	require.NoError(t, err)
	seen := map[*describedChannel]bool{}
	for topic := range w.latest {
		if strings.Contains(topic, "/bridge/fence/") || strings.Contains(topic, "/extra/") {
			continue
		}
		c := document.channel(topic)
		require.NotNil(t, c, "%s is not in docs/asyncapi.yaml", topic)
		seen[c] = true
	}
	for _, c := range document.channels {
		assert.True(t, c.received || seen[c], "%s was never published", c.address)
	}
}

// TestTheDocumentIsSound as far as its readers check it: what it refers to is there, and
// no word stands twice in a list.
func TestTheDocumentIsSound(t *testing.T) {
	text, err := os.ReadFile("../../docs/asyncapi.yaml")
	require.NoError(t, err)
	var document map[string]any
	require.NoError(t, yaml.Unmarshal(text, &document))
	var look func(node any)
	look = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			if ref, ok := node["$ref"].(string); ok {
				var at any = document
				for level := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
					at = at.(map[string]any)[level]
				}
				assert.NotNil(t, at, ref)
			}
			for _, member := range node {
				look(member)
			}
		case []any:
			seen := map[any]bool{}
			for _, item := range node {
				look(item)
				switch item.(type) {
				case string, int, nil:
					assert.False(t, seen[item], "%v twice in %v", item, node)
					seen[item] = true
				}
			}
		}
	}
	look(document)
}

// TestDescribedCommands: what the document allows is more than what the bridge takes, and
// never less.
func TestDescribedCommands(t *testing.T) {
	document, err := described()
	require.NoError(t, err)
	c := document.channel("hyundai/car1/commands/refresh")
	for payload, allowed := range map[string]bool{
		"cached": true, " force\n": true, "force: override": true, "smart": true, "smart: 300 ": true, "smart:": false, "Force": false,
		`{"mode":"smart","max_age":300,"id":"abc","timeout":60,"override":false}`: true,
		`{"mode":"fresh"}`: false, `{"mode":"smart","max_age":0}`: false, `{"mode":"smart","max_age":604801}`: false, `{}`: false,
		`{"mode":"cached","other":1}`: false, `{"mode":"cached","id":""}`: false, `{"mode":"cached","timeout":601}`: false,
	} {
		text := payload
		if !strings.HasPrefix(payload, "{") {
			quoted, err := json.Marshal(payload)
			require.NoError(t, err)
			text = string(quoted)
		}
		_, err := mqtt.ParseCommand([]byte(payload))
		assert.Equal(t, []bool{allowed, allowed}, []bool{err == nil, c.check([]byte(text)) == nil}, "%q: %v", payload, err)
	}
}
