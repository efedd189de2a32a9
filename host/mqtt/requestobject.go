package mqtt

import (
	"strings"
	"unicode/utf8"
)

// parse reads the payload, a JSON object. What is wrong with it is a [Fault].
func (r *request) parse() error {
	text := strings.TrimSpace(string(r.message.payload))
	switch {
	case len(r.message.payload) > maxCommand:
		return faulty(CodeTooLong, "", "The request is longer than %d bytes.", maxCommand)
	case !utf8.ValidString(text):
		return faulty(CodeNotText, "", "The request is no text. Use JSON.")
	case text == "":
		return faulty(CodeEmpty, "", "The request is empty. Use a JSON object, {} if there is nothing to say.")
	}

	seen, err := readObject("request", text, func(key string, value any) error { return r.set(key, value) })
	if err != nil {
		return err
	}
	if r.cmd.ID == "" {
		r.cmd.ID = r.transaction
	}
	if has(r.kind.keys, keyVehicle) {
		if !seen[keyVehicle] {
			return faulty(CodeMissing, keyVehicle, `The request has no "vehicle".`)
		}
	}
	if has(r.kind.keys, keyMode) {
		return r.cmd.check(seen)
	}
	return nil
}

// set takes a pair into the request.
func (r *request) set(key string, value any) (err error) {
	if !has(r.kind.keys, key) {
		return unknownKey("request", key, r.kind.keys)
	}
	switch key {
	case keyTransaction:
		r.transaction, err = senderID(key, value)
		return err
	case keyVehicle:
		id, ok := value.(string)
		if !ok {
			return faulty(CodeWrongType, key, `"vehicle" is no text.`)
		}
		if r.vehicle = id; !vehicleID.MatchString(id) {
			return faulty(CodeVehicle, key, "The vehicle id is none: letters, digits, _ and - only.")
		}
	case keyPlugin:
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
