package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile is more than anybody writes.
const maxFile = 1 << 20

// accountForm is what an account may be called: it names the plugin's directory.
var accountForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// fileReader takes the values out of a YAML file. What is wrong is told with its line.
type fileReader struct {
	layer    *layer
	settings []Setting
	env      Environment
	// names of the accounts, in the file's order.
	names []string
}

// readFile reads the layer of a file, and returns the names of its accounts.
func readFile(path string, all []Setting, env Environment) (*layer, []string, error) {
	body, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("the settings cannot be read: %w: write it (init asks what it needs), or say with --config where it is", err)
	case err != nil:
		return nil, nil, fmt.Errorf("the settings cannot be read: %w", err)
	case len(body) > maxFile:
		return nil, nil, fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	r := &fileReader{layer: newLayer(path), settings: all, env: env}
	err = r.document(body)
	return r.layer, r.names, err
}

// document reads the whole of a file.
func (r *fileReader) document(body []byte) error {
	var document yaml.Node
	if err := yaml.Unmarshal(body, &document); err != nil {
		return fmt.Errorf("%s is no YAML: %s", r.layer.name, strings.TrimPrefix(firstLine(err.Error()), "yaml: "))
	}
	if len(document.Content) > 0 {
		r.level("", document.Content[0])
	}
	return errors.Join(r.layer.wrong...)
}

func firstLine(s string) string { return strings.SplitN(s, "\n", 2)[0] }

func (r *fileReader) complain(n *yaml.Node, format string, args ...any) {
	r.layer.wrong = append(r.layer.wrong, fmt.Errorf("%s:%d: %s", r.layer.name, n.Line, fmt.Sprintf(format, args...)))
}

// level reads a mapping whose keys lie below prefix.
func (r *fileReader) level(prefix string, n *yaml.Node) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		what := "the file"
		if prefix != "" {
			what = strings.TrimSuffix(prefix, ".")
		}
		r.complain(n, "%s has to be a list of names and values, NAME: VALUE", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if seen[name.Value] {
			r.complain(name, "%s%s is there twice", prefix, name.Value)
			continue
		}
		seen[name.Value] = true
		r.entry(prefix, name, value)
	}
}

func (r *fileReader) entry(prefix string, name, value *yaml.Node) {
	key := prefix + name.Value
	if prefix == accountsKey+"." {
		if !accountForm.MatchString(name.Value) {
			r.complain(name, "an account cannot be called %q: use letters, digits, _ and -", name.Value)
			return
		}
		r.names = append(r.names, name.Value)
		r.layer.where[key] = fmt.Sprintf("%s:%d: %s", r.layer.name, name.Line, key)
		r.level(key+".", value)
		return
	}
	pattern := patternOf(key)
	for _, s := range r.settings {
		switch {
		case s.Key == pattern:
			r.value(s, key, value)
			return
		case s.File && s.Key+"_file" == pattern:
			r.fromFile(s, strings.TrimSuffix(key, "_file"), value)
			return
		}
	}
	if r.isLevel(pattern + ".") {
		r.level(key+".", value)
		return
	}
	r.complain(name, "%s is not known%s", key, perhaps(name.Value, r.siblings(patternOf(prefix))))
}

// patternOf a key has * for the account's name.
func patternOf(key string) string {
	parts := strings.Split(key, ".")
	if len(parts) > 1 && parts[0] == accountsKey {
		parts[1] = "*"
	}
	return strings.Join(parts, ".")
}

func (r *fileReader) isLevel(prefix string) bool {
	return slices.ContainsFunc(r.settings, func(s Setting) bool { return strings.HasPrefix(s.Key, prefix) })
}

// siblings are the names that there are below a prefix.
func (r *fileReader) siblings(prefix string) []string {
	var names []string
	for _, s := range r.settings {
		if rest, ok := strings.CutPrefix(s.Key, prefix); ok {
			name, _, _ := strings.Cut(rest, ".")
			names = append(names, name)
		}
	}
	return names
}

// value takes one. Nothing is left to YAML's guesses: a text stays as it is written.
func (r *fileReader) value(s Setting, key string, n *yaml.Node) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Tag == "!!null" {
		return
	}
	text := n.Value
	if n.Kind != yaml.ScalarNode {
		if !s.kind.structured {
			r.complain(n, "%s has to be %s", key, s.kind.want)
			return
		}
		var v any
		err := n.Decode(&v)
		if err == nil {
			var body []byte
			body, err = json.Marshal(v)
			text = string(body)
		}
		if err != nil {
			r.complain(n, "%s has to be %s", key, s.kind.want)
			return
		}
	}
	if s.kind.path && !filepath.IsAbs(text) {
		text = filepath.Join(filepath.Dir(r.layer.name), text)
	}
	r.layer.put(s, key, fmt.Sprintf("%s:%d: %s", r.layer.name, n.Line, key), text)
}

func (r *fileReader) fromFile(s Setting, key string, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode || n.Value == "" {
		r.complain(n, "%s_file has to be the path of a file", key)
		return
	}
	value, err := readSecret(r.env, filepath.Dir(r.layer.name), n.Value)
	if err != nil {
		r.complain(n, "%s_file %v", key, err)
		return
	}
	r.layer.put(s, key, fmt.Sprintf("%s:%d: %s_file", r.layer.name, n.Line, key), value)
}

// readSettings reads an object from a file in YAML or JSON, as JSON.
func readSettings(path string) (json.RawMessage, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var v map[string]any
	if err := yaml.Unmarshal(body, &v); err != nil || v == nil {
		return nil, fmt.Errorf("%s holds no object, in YAML or JSON", path)
	}
	return json.Marshal(v)
}
