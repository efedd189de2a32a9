package metrics_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/metrics"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// family is a metric as it shows: its type, and its labels with their values.
type family struct {
	kind   string
	labels map[string]map[string]bool
}

func document(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	require.NoError(t, err)
	return string(body)
}

// everything is all that the collectors show once everything has happened.
func everything(t *testing.T) map[string]family {
	t.Helper()
	told := host.Figures{Counters: map[string]int64{}, Gauges: map[string]int64{}, Timings: map[string]host.Timing{}}
	for _, f := range shared.Figures() {
		for _, key := range f.Keys() {
			switch f.Kind {
			case shared.FigureCounter:
				told.Counters[key] = 1
			case shared.FigureGauge:
				told.Gauges[key] = 1
			case shared.FigureTiming:
				told.Timings[key] = host.Timing{Bounds: []float64{1}, Counts: []int64{1, 0}, Sum: 1}
			}
		}
	}
	c, b := collector(one(host.PluginStatus{Name: "kia", State: host.Ready, Health: "ready", Breaker: "closed", Figures: told})), metrics.NewBridge()
	b.Watch(busy{})
	for _, mode := range []shared.Mode{shared.ModeCached, shared.ModeForce, shared.ModeSmart, "telepathy"} {
		c.CallDone(host.Call{Plugin: "kia", Mode: mode})
		b.Served(mqtt.Served{Command: string(mode)})
		for _, r := range append(shared.Reasons(), "made up") {
			c.CallDone(host.Call{Plugin: "kia", Mode: mode, Reason: r})
			b.Served(mqtt.Served{Command: string(mode), Err: shared.NewError(r)})
		}
	}
	shown := gathered(t, c, b)
	var described []string
	descs := make(chan *prometheus.Desc, 1000)
	c.Describe(descs)
	b.Describe(descs)
	close(descs)
	for d := range descs {
		described = append(described, regexp.MustCompile(`fqName: "(\w+)"`).FindStringSubmatch(d.String())[1])
	}
	require.ElementsMatch(t, described, slices.Collect(maps.Keys(shown)), "not everything has happened")
	return shown
}

func gathered(t *testing.T, all ...prometheus.Collector) map[string]family {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	for _, c := range all {
		require.NoError(t, registry.Register(c))
	}
	families, err := registry.Gather()
	require.NoError(t, err)
	shown := map[string]family{}
	for _, f := range families {
		of := family{strings.ToLower(f.GetType().String()), map[string]map[string]bool{}}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if of.labels[l.GetName()] == nil {
					of.labels[l.GetName()] = map[string]bool{}
				}
				of.labels[l.GetName()][l.GetValue()] = true
			}
		}
		shown[f.GetName()] = of
	}
	return shown
}

// TestEveryMetricIsDocumented with its type and its labels, and none that there is
// not.
func TestEveryMetricIsDocumented(t *testing.T) {
	shown, text := everything(t), document(t, "monitoring.md")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(vehicle_\\w+)` \\| ([^|]*) \\| (\\w+) \\|").FindAllStringSubmatch(text, -1) {
		documented = append(documented, row[1])
		var labels []string
		for _, label := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[2], -1) {
			labels = append(labels, label[1])
		}
		assert.ElementsMatch(t, slices.Collect(maps.Keys(shown[row[1]].labels)), labels, "labels of %s", row[1])
		assert.Equal(t, shown[row[1]].kind, row[3], "type of %s", row[1])
	}
	assert.ElementsMatch(t, slices.Collect(maps.Keys(shown)), documented)
	for name, f := range shown {
		for label, values := range f.labels {
			for value := range values {
				if label != "plugin" && label != "reason" {
					assert.True(t, strings.Contains(text, "`"+value+"`"), "%s %q of %s is not documented", label, value, name)
				}
			}
		}
	}
	for _, doc := range []string{"monitoring.md", "troubleshooting.md", "schedule.md"} {
		for _, name := range regexp.MustCompile(`vehicle_(?:plugin|bridge)_\w+`).FindAllString(document(t, doc), -1) {
			_, known := shown[name]
			assert.True(t, known, "%s: there is no metric %s", doc, name)
		}
	}
}

// rule of the rule file.
type rule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []rule
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(document(t, "monitoring/alerts.yml")))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&file))
	var all []rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	require.NotEmpty(t, all)
	return all
}

// TestAlertsAndDashboardAskForWhatThereIs: names, labels and values that exist.
func TestAlertsAndDashboardAskForWhatThereIs(t *testing.T) {
	v := vocabulary{shown: everything(t), labels: map[string]bool{"instance": true, "job": true, "le": true}}
	for _, f := range v.shown {
		for label := range f.labels {
			v.labels[label] = true
		}
	}
	maps.Copy(v.shown, gathered(t, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})))
	all := rules(t)
	for _, r := range all {
		v.check(t, r.Alert, r.Expr)
	}
	var dashboard any
	require.NoError(t, json.Unmarshal([]byte(document(t, "monitoring/dashboard.json")), &dashboard))
	asked := 0
	walk(dashboard, func(key, text string) {
		switch valuesOf := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`).FindStringSubmatch(text); {
		case key == "expr":
			asked++
			v.check(t, "dashboard.json", text)
		case key == "query" && valuesOf != nil:
			v.check(t, "dashboard.json", valuesOf[1])
			assert.Contains(t, v.labels, valuesOf[2])
		case key == "legendFormat":
			for _, label := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(text, -1) {
				assert.Contains(t, v.labels, label[1], "legend %q", text)
			}
		}
	})
	assert.Positive(t, asked)
}

// walk calls each with every text in a JSON document and its key.
func walk(v any, each func(key, text string)) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			walk(x, each)
		}
	case map[string]any:
		for key, x := range v {
			if text, ok := x.(string); ok {
				each(key, text)
			}
			walk(x, each)
		}
	}
}

// vocabulary of what may be asked for.
type vocabulary struct {
	shown  map[string]family
	labels map[string]bool
}

var (
	selector = regexp.MustCompile(`([a-zA-Z_:][\w:]*)?\s*\{([^{}]*)\}`)
	matcher  = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	grouping = regexp.MustCompile(`\b(?:by|without|on|ignoring)\s*\(([^)]*)\)`)
	window   = regexp.MustCompile(`\[[^\]]*\]`)
	word     = regexp.MustCompile(`\b[a-zA-Z_:][\w:]*(\s*\()?`)
)

// check takes an expression of PromQL apart, as far as ours go.
func (v vocabulary) check(t *testing.T, where, expr string) {
	t.Helper()
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		f := v.metric(t, where, s[1])
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			label, values := m[1], f.labels[m[1]]
			if label == "instance" || label == "job" || label == "le" && strings.HasSuffix(s[1], "_bucket") {
				continue
			}
			assert.NotNil(t, values, "%s: %s has no label %s", where, s[1], label)
			for value := range strings.SplitSeq(m[3], "|") {
				assert.True(t, label == "plugin" || values[value], "%s: %s of %s is never %q", where, label, s[1], value)
			}
		}
	}
	expr = window.ReplaceAllString(selector.ReplaceAllString(expr, " "), " ")
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(g[1], ",") {
			assert.Contains(t, v.labels, strings.TrimSpace(label), "%s: %s", where, g[0])
		}
	}
	for _, w := range word.FindAllStringSubmatch(grouping.ReplaceAllString(expr, " "), -1) {
		if w[1] == "" && !slices.Contains([]string{"and", "or", "unless"}, w[0]) {
			v.metric(t, where, w[0])
		}
	}
}

// metric is the family that a name is of.
func (v vocabulary) metric(t *testing.T, where, name string) family {
	t.Helper()
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		if whole, cut := strings.CutSuffix(name, part); cut && v.shown[whole].kind == "histogram" {
			return v.shown[whole]
		}
	}
	f, known := v.shown[name]
	assert.True(t, known, "%s: there is no metric %s", where, name)
	assert.NotEqual(t, "histogram", f.kind, "%s: %s has parts", where, name)
	return f
}

// sections of a document by the anchors of their headings.
func sections(text string) map[string]string {
	heading := regexp.MustCompile(`(?m)^#+ (.*)$`)
	all, at := map[string]string{}, heading.FindAllStringSubmatchIndex(text, -1)
	for i, h := range at {
		anchor := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(text[h[2]:h[3]]), "")
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		all[strings.ReplaceAll(anchor, " ", "-")] = text[h[1]:end]
	}
	return all
}

// TestEveryAlertSaysWhatToDo: in the section that its runbook leads to.
func TestEveryAlertSaysWhatToDo(t *testing.T) {
	help := sections(document(t, "troubleshooting.md"))
	seen := map[string]bool{}
	for _, r := range rules(t) {
		assert.False(t, seen[r.Alert], "%s is there twice", r.Alert)
		seen[r.Alert] = true
		assert.NotEmpty(t, r.For, r.Alert)
		assert.Contains(t, []string{"critical", "warning", "info"}, r.Labels["severity"], r.Alert)
		assert.NotEmpty(t, r.Annotations["summary"], r.Alert)
		assert.NotEmpty(t, r.Annotations["description"], r.Alert)
		anchor, ours := strings.CutPrefix(r.Annotations["runbook"], "docs/troubleshooting.md#")
		assert.True(t, ours, r.Alert)
		assert.Contains(t, help[anchor], r.Alert, "section %s", anchor)
	}
}

// TestEveryTroubleHasHelp: whatever word a user may see.
func TestEveryTroubleHasHelp(t *testing.T) {
	var words []string
	for _, r := range shared.Reasons() {
		words = append(words, string(r))
	}
	for _, s := range host.States() {
		words = append(words, string(s))
	}
	for _, c := range host.CrashCauses() {
		words = append(words, string(c))
	}
	for state := range everything(t)["vehicle_plugin_health"].labels["state"] {
		words = append(words, state)
	}
	for n := range vehiclev1.Verdict_name {
		if v := vehiclev1.Verdict(n); v != vehiclev1.Verdict_VERDICT_UNSPECIFIED {
			words = append(words, shared.Word(v))
		}
	}
	text := document(t, "troubleshooting.md")
	for _, w := range words {
		assert.True(t, strings.Contains(text, "\n| `"+w+"`"), "no row for %s", w)
	}
}
