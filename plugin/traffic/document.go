package traffic

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
)

// JSON scrubs a document. Order of keys, repeated keys and the spelling of
// numbers stay; space between them does not. It says whether body is JSON.
func (s *Scrubber) JSON(body []byte) ([]byte, bool) { return s.document(body, unknown) }

func (s *Scrubber) document(body []byte, c class) ([]byte, bool) {
	if !json.Valid(body) {
		return nil, false
	}
	w := writer{scrubber: s, from: json.NewDecoder(bytes.NewReader(body))}
	w.from.UseNumber()
	if err := w.value(c, false, 0); err != nil {
		return nil, false
	}
	return w.out.Bytes(), true
}

// writer copies a document, token by token.
type writer struct {
	scrubber *Scrubber
	from     *json.Decoder
	out      bytes.Buffer
}

// value copies the next value, which is under a key of class c. json.Valid has
// bounded the depth.
func (w *writer) value(c class, inList bool, index int) error {
	t, err := w.from.Token()
	if err != nil {
		return err
	}
	switch v := t.(type) {
	case json.Delim:
		if v == '{' {
			return w.object(c)
		}
		return w.list(c)
	case string:
		return w.quote(w.string(c, v))
	case json.Number:
		w.out.WriteString(w.scrubber.number(c, v.String(), inList, index))
	case bool:
		if v {
			w.out.WriteString("true")
		} else {
			w.out.WriteString("false")
		}
	case nil:
		w.out.WriteString("null")
	default:
		return errors.New("not a token of JSON")
	}
	return nil
}

func (w *writer) object(c class) error {
	w.out.WriteByte('{')
	for i := 0; w.from.More(); i++ {
		t, err := w.from.Token()
		if err != nil {
			return err
		}
		key, _ := t.(string) // the decoder takes nothing else for a key
		if i > 0 {
			w.out.WriteByte(',')
		}
		if err := w.quote(w.scrubber.key(key)); err != nil {
			return err
		}
		w.out.WriteByte(':')
		if err := w.value(within(c, classOf(key)), false, 0); err != nil {
			return err
		}
	}
	w.out.WriteByte('}')
	_, err := w.from.Token()
	return err
}

// within is the class of a member: what is private makes all within it private, names
// and ids their unknown members, and places what could be a number of theirs.
func within(parent, own class) class {
	switch parent {
	case private:
		return private
	case name, vin, token:
		if own == unknown {
			return parent
		}
	case latitude, longitude, place:
		if own == unknown || own == measure {
			return parent
		}
	}
	return own
}

func (w *writer) list(c class) error {
	w.out.WriteByte('[')
	for i := 0; w.from.More(); i++ {
		if i > 0 {
			w.out.WriteByte(',')
		}
		if err := w.value(c, true, i); err != nil {
			return err
		}
	}
	w.out.WriteByte(']')
	_, err := w.from.Token()
	return err
}

// string scrubs a text, and within one that is a document itself.
func (w *writer) string(c class, text string) string {
	if trimmed := strings.TrimSpace(text); c != private && (strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[")) {
		if inner, ok := w.scrubber.document([]byte(trimmed), c); ok {
			return string(inner)
		}
	}
	return w.scrubber.text(c, text)
}

func (w *writer) quote(text string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return err
	}
	w.out.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return nil
}

var keyForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,39}$`)

// key keeps a key that looks like one. Some services use ids as keys.
func (s *Scrubber) key(key string) string {
	if _, ok := exactKeys(strings.ToLower(key)); ok && len(key) < 40 {
		return key
	}
	if keyForm.MatchString(key) && digits(key) <= 2 && !strings.Contains(key, "eyJ") && !s.holdsSecret(key) {
		return key
	}
	return s.aliases.of(kindOf(key), key)
}

// digits counts them. Names have few, ids and VINs many.
func digits(text string) (n int) {
	for i := range len(text) {
		if text[i] >= '0' && text[i] <= '9' {
			n++
		}
	}
	return n
}
