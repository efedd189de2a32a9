package redact

import (
	"bytes"
	"encoding/json"
	"strings"
)

// secretSettings are words in the names of settings whose values must never be
// seen in a log.
var secretSettings = []string{"username", "user", "email", "password", "passphrase", "pin", "token", "secret", "key"}

// Secrets are the values in a JSON object of settings that must never be seen in
// a log, found by their names, at any depth.
func Secrets(settings json.RawMessage) []string { return collect(settings, false) }

// Texts are all texts and numbers in a JSON document, whatever their names: for one
// that holds nothing but secrets.
func Texts(document json.RawMessage) []string { return collect(document, true) }

func collect(document json.RawMessage, all bool) []string {
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	var root any
	if d.Decode(&root) != nil {
		return nil
	}
	var found []string
	var walk func(value any, secret bool)
	walk = func(value any, secret bool) {
		switch v := value.(type) {
		case map[string]any:
			for name, member := range v {
				walk(member, secret || isSecret(name))
			}
		case []any:
			for _, member := range v {
				walk(member, secret)
			}
		case string:
			if secret {
				found = append(found, v)
			}
		case json.Number:
			if secret {
				found = append(found, v.String())
			}
		}
	}
	walk(root, all)
	return found
}

// isSecret looks at the last word of a name: "refresh_token" and "accessToken"
// are secret, "token_url" is not.
func isSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range secretSettings {
		if strings.HasSuffix(name, word) {
			return true
		}
	}
	return false
}
