package mqtt

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// requestKeys are what a request may have beside its transaction, in the order in which
// they are told.
func requestKeys(what string) []string {
	switch what {
	case requestRestart, requestUnlock:
		return []string{"plugin"}
	case requestPreview:
		return []string{"vehicle", "mode", "max_age", "override"}
	case requestRefresh:
		return []string{"vehicle", "mode", "max_age", "override", "id", "timeout"}
	}
	return nil
}

// parse reads the payload, a JSON object. What is wrong with it is a [Fault].
func (r *request) parse() error {
	keys := requestKeys(r.what)
	text := strings.TrimSpace(string(r.message.payload))
	switch {
	case len(r.message.payload) > maxCommand:
		return faulty(CodeTooLong, "", "The request is longer than %d bytes.", maxCommand)
	case !utf8.ValidString(text):
		return faulty(CodeNotText, "", "The request is no text. Use JSON.")
	case text == "":
		return faulty(CodeEmpty, "", "The request is empty. Use a JSON object, {} if there is nothing to say.")
	}

	seen, err := readObject("request", text, func(key string, value any) error { return r.set(keys, key, value) })
	if err != nil {
		return err
	}
	if r.cmd.ID == "" {
		r.cmd.ID = r.transaction
	}
	if slices.Contains(keys, "vehicle") {
		if !seen["vehicle"] {
			return faulty(CodeMissing, "vehicle", `The request has no "vehicle".`)
		}
		return r.cmd.check(seen)
	}
	return nil
}

// set takes a pair into the request.
func (r *request) set(keys []string, key string, value any) (err error) {
	if key == "transaction" {
		r.transaction, err = senderID(key, value)
		return err
	}
	if !slices.Contains(keys, key) {
		return unknownKey("request", key, append([]string{"transaction"}, keys...))
	}
	switch key {
	case "vehicle":
		id, ok := value.(string)
		if !ok {
			return faulty(CodeWrongType, key, `"vehicle" is no text.`)
		}
		if r.vehicle = id; !vehicleID.MatchString(id) {
			return faulty(CodeVehicle, key, "The vehicle id is none: letters, digits, _ and - only.")
		}
	case "plugin":
		name, ok := value.(string)
		if !ok {
			return faulty(CodeWrongType, key, `"plugin" is no text.`)
		}
		r.plugin = name
	default:
		return r.cmd.set(key, value)
	}
	return nil
}
