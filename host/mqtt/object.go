package mqtt

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// commandKeys of a command's JSON object.
const commandKeys = `"mode", "max_age", "id", "timeout" and "override"`

// parseObject reads a command's JSON object. It reads on behind a fault, for the
// sender's id; the first fault counts.
func parseObject(text string) (cmd Command, err error) {
	o := object{text: text, decoder: json.NewDecoder(strings.NewReader(text)), seen: map[string]bool{}}
	o.decoder.UseNumber()
	if token, err := o.decoder.Token(); err != nil {
		return cmd, o.syntax()
	} else if token != json.Delim('{') {
		return cmd, faulty(CodeNotAnObject, "", `The command is JSON, but no object. Use one such as {"mode":"smart","max_age":300}.`)
	}
	var first error
	for o.decoder.More() {
		key, value, err := o.pair()
		if err != nil {
			return cmd, cmp.Or(first, err)
		}
		if err := o.set(&cmd, key, value); err != nil && first == nil {
			first = err
		}
	}
	switch _, err := o.decoder.Token(); {
	case err != nil:
		return cmd, cmp.Or(first, o.syntax())
	case first != nil:
		return cmd, first
	}
	if _, err := o.decoder.Token(); !errors.Is(err, io.EOF) {
		return cmd, o.syntax()
	}
	return cmd, o.check(cmd)
}

// object reads the pairs of a JSON object.
type object struct {
	text    string
	decoder *json.Decoder
	seen    map[string]bool
}

// syntax says where the text is no JSON. The decoder knows that only of a whole text.
func (o *object) syntax() error {
	var whole json.RawMessage
	var syntax *json.SyntaxError
	at := "end"
	if err := json.Unmarshal([]byte(o.text), &whole); errors.As(err, &syntax) && !strings.HasPrefix(syntax.Error(), "unexpected end") {
		at = fmt.Sprintf("byte %d", syntax.Offset)
	}
	return faulty(CodeSyntax, at, "The command is no valid JSON: look at %s.", at)
}

// pair reads a key and its value.
func (o *object) pair() (key string, value any, err error) {
	token, err := o.decoder.Token()
	if err != nil {
		return "", nil, o.syntax()
	}
	key, _ = token.(string) // the decoder takes nothing else for a key
	if err := o.decoder.Decode(&value); err != nil {
		return "", nil, o.syntax()
	}
	return key, value, nil
}

// set takes a pair into the command.
func (o *object) set(cmd *Command, key string, value any) (err error) {
	if o.seen[key] {
		return faulty(CodeDuplicateKey, shortened(key), "The command has %q twice.", shortened(key))
	}
	o.seen[key] = true
	switch key {
	case "mode":
		word, ok := value.(string)
		if !ok {
			return faulty(CodeWrongType, key, `"mode" is no text. Use "cached", "force" or "smart".`)
		}
		if cmd.Mode = shared.Mode(word); cmd.Mode.Check() != nil {
			return faulty(CodeUnknownMode, key, `There is no mode %q. Use "cached", "force" or "smart", in lower case.`, shortened(word))
		}
	case "max_age":
		cmd.MaxAge, err = seconds(key, value, minAge, maxAge)
	case "timeout":
		cmd.Timeout, err = seconds(key, value, minTimeout, maxTimeout)
	case "override":
		var ok bool
		if cmd.Override, ok = value.(bool); !ok {
			return faulty(CodeWrongType, key, `"override" is neither true nor false.`)
		}
	case "id":
		cmd.ID, err = senderID(value)
	default:
		return faulty(CodeUnknownKey, shortened(key), "The command has a key %q that is not known. There are %s.", shortened(key), commandKeys)
	}
	return err
}

// seconds reads a whole number of them.
func seconds(key string, value any, least, most int64) (time.Duration, error) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, faulty(CodeWrongType, key, "%q is no number. Use whole seconds from %d to %d.", key, least, most)
	}
	n, err := number.Int64()
	if err != nil || n < least || n > most {
		return 0, faulty(CodeOutOfRange, key, "%q is not within its limits. Use whole seconds from %d to %d.", key, least, most)
	}
	return time.Duration(n) * time.Second, nil
}

// senderID reads the sender's name for the command.
func senderID(value any) (string, error) {
	id, ok := value.(string)
	switch {
	case !ok:
		return "", faulty(CodeWrongType, "id", `"id" is no text.`)
	case id == "" || len(id) > maxID || strings.ContainsFunc(id, unicode.IsControl):
		return "", faulty(CodeOutOfRange, "id", `"id" has to be of 1 to %d bytes, without control characters.`, maxID)
	}
	return id, nil
}

// check looks at the command as a whole.
func (o *object) check(cmd Command) error {
	switch {
	case !o.seen["mode"]:
		return faulty(CodeMissing, "mode", `The command has no "mode". Use "cached", "force" or "smart".`)
	case o.seen["max_age"] && cmd.Mode != shared.ModeSmart:
		return faulty(CodeConflict, "max_age", `"max_age" is for the mode "smart" only.`)
	case cmd.Override && cmd.Mode != shared.ModeForce:
		return faulty(CodeConflict, "override", `"override" is for the mode "force" only.`)
	}
	return nil
}
