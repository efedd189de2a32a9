package config

import (
	"encoding/json"
	"maps"
	"strings"
)

// Schema is the JSON Schema of the file, for editors: made of the table of settings.
func Schema() []byte {
	root := level()
	root["$schema"], root["title"] = "https://json-schema.org/draft/2020-12/schema", "hub.yaml of hyundai-plugin's hub"
	account := level()
	account["description"] = "An account at a vendor, by a name that you give it"
	for _, s := range Settings() {
		if own, ok := s.ofAccount(); ok {
			addTo(account, own, s)
		} else {
			addTo(root, s.Key, s)
		}
	}
	properties(root)[accountsKey] = map[string]any{
		"type": []string{"object", "null"}, "propertyNames": map[string]any{"pattern": accountForm.String()}, "additionalProperties": account,
		"description": "The accounts, each with a plugin process of its own",
	}
	body, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // plain values
	}
	return append(body, '\n')
}

// level is a schema of an object that has no other than the properties that are added.
func level() map[string]any {
	return map[string]any{"type": []string{"object", "null"}, "additionalProperties": false, "properties": map[string]any{}}
}

func properties(of map[string]any) map[string]any {
	p, _ := of["properties"].(map[string]any) // level made it
	return p
}

// addTo puts a setting in its place below a level.
func addTo(to map[string]any, key string, s Setting) {
	name, rest, deeper := strings.Cut(key, ".")
	at := properties(to)
	if deeper {
		below, ok := at[name].(map[string]any)
		if !ok {
			below = level()
			at[name] = below
		}
		addTo(below, rest, s)
		return
	}
	one := maps.Clone(s.kind.schema)
	if s.Help != "" {
		one["description"] = s.Help
	}
	if s.hidden() {
		one["writeOnly"] = true
	}
	at[name] = one
	if s.File {
		at[name+"_file"] = map[string]any{"type": "string", "description": "Path of a file that holds " + name}
	}
}
