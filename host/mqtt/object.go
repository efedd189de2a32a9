package mqtt

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// parseObject reads a command's JSON object.
func parseObject(text string) (cmd Command, err error) {
	seen, err := readObject("command", text, cmd.set)
	if err == nil {
		err = cmd.check(seen)
	}
	return cmd, err
}

// readObject reads the pairs of a JSON object into set, and returns their keys. It reads
// on behind a fault, for the sender's id; the first fault counts. what names the object
// for people.
func readObject(what, text string, set func(key string, value any) error) (seen map[string]bool, err error) {
	o := object{what: what, text: text, decoder: json.NewDecoder(strings.NewReader(text)), seen: map[string]bool{}}
	o.decoder.UseNumber()
	if token, err := o.decoder.Token(); err != nil {
		return nil, o.syntax()
	} else if token != json.Delim('{') {
		return nil, faulty(CodeNotAnObject, "", `The %s is JSON, but no object. Use one such as {"mode":"smart","max_age":300}.`, what)
	}

	var first error
	for o.decoder.More() {
		key, value, err := o.pair()
		if err != nil {
			return nil, cmp.Or(first, err)
		}
		if o.seen[key] {
			err = faulty(CodeDuplicateKey, shortened(key), "The %s has %q twice.", what, shortened(key))
		} else {
			err = set(key, value)
		}
		o.seen[key] = true
		first = cmp.Or(first, err)
	}

	switch _, err := o.decoder.Token(); {
	case err != nil:
		return nil, cmp.Or(first, o.syntax())
	case first != nil:
		return nil, first
	}
	if _, err := o.decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, o.syntax()
	}
	return o.seen, nil
}

// object reads the pairs of a JSON object.
type object struct {
	what    string
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
	return faulty(CodeSyntax, at, "The %s is no valid JSON: look at %s.", o.what, at)
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
func (cmd *Command) set(key string, value any) (err error) {
	switch key {
	case keyMode:
		word, ok := value.(string)
		if !ok {
			return faulty(CodeWrongType, key, `"mode" is no text. Use "cached", "force" or "smart".`)
		}
		if cmd.Mode = shared.Mode(word); cmd.Mode.Check() != nil {
			return faulty(CodeUnknownMode, key, `There is no mode %q. Use "cached", "force" or "smart", in lower case.`, shortened(word))
		}
	case keyMaxAge:
		cmd.MaxAge, err = seconds(key, value, minAge, maxAge)
	case keyTimeout:
		cmd.Timeout, err = seconds(key, value, minTimeout, maxTimeout)
	case keyOverride:
		var ok bool
		if cmd.Override, ok = value.(bool); !ok {
			return faulty(CodeWrongType, key, `"override" is neither true nor false.`)
		}
	case keyID:
		cmd.ID, err = senderID(key, value)
	default:
		return unknownKey("command", key, commandKeys())
	}
	return err
}

func unknownKey(what, key string, known []Key) error {
	names := make([]string, len(known))
	for n, k := range known {
		names[n] = k.Name
	}
	return faulty(CodeUnknownKey, shortened(key), "The %s has a key %q that is not known. There are %s.", what, shortened(key), enumerate(names))
}

// enumerate lists words for people.
func enumerate(words []string) string {
	quoted := make([]string, len(words))
	for n, word := range words {
		quoted[n] = strconv.Quote(word)
	}
	last := len(quoted) - 1
	if last == 0 {
		return quoted[0]
	}
	return strings.Join(quoted[:last], ", ") + " and " + quoted[last]
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

// senderID reads the sender's own name for something.
func senderID(key string, value any) (string, error) {
	id, ok := value.(string)
	switch {
	case !ok:
		return "", faulty(CodeWrongType, key, "%q is no text.", key)
	case id == "" || len(id) > maxID || strings.ContainsFunc(id, unicode.IsControl):
		return "", faulty(CodeOutOfRange, key, "%q has to be of 1 to %d bytes, without control characters.", key, maxID)
	}
	return id, nil
}

// check looks at the command as a whole, of which these keys were there.
func (cmd *Command) check(seen map[string]bool) error {
	switch {
	case !seen[keyMode]:
		return faulty(CodeMissing, keyMode, `The command has no "mode". Use "cached", "force" or "smart".`)
	case seen[keyMaxAge] && cmd.Mode != shared.ModeSmart:
		return faulty(CodeConflict, keyMaxAge, `"max_age" is for the mode "smart" only.`)
	case cmd.Override && cmd.Mode != shared.ModeForce:
		return faulty(CodeConflict, keyOverride, `"override" is for the mode "force" only.`)
	}
	return nil
}
