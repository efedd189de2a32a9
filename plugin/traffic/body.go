package traffic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// Content is a body. At most one of JSON, Form and Text is set.
type Content struct {
	JSON json.RawMessage `json:"json,omitempty"`
	Form string          `json:"form,omitempty"`
	// Text stands for a body of another kind: its length, and which of the
	// words that clients look for it holds.
	Text string `json:"text,omitempty"`
}

// String is the content as it goes over the wire.
func (c *Content) String() string {
	switch {
	case c == nil:
		return ""
	case c.JSON != nil:
		return string(c.JSON)
	case c.Form != "":
		return c.Form
	}
	return c.Text
}

// Body scrubs a body; nil if there is none. size is its whole length, which is
// more than len(body) if it was cut.
func (s *Scrubber) Body(contentType string, body []byte, size int) *Content {
	contentType, _, _ = strings.Cut(strings.ToLower(contentType), ";")
	contentType = strings.TrimSpace(contentType)
	if size == 0 {
		return nil
	}
	if size == len(body) {
		if contentType == "application/x-www-form-urlencoded" {
			if form, ok := s.Form(string(body)); ok {
				return &Content{Form: form}
			}
		} else if clean, ok := s.JSON(body); ok {
			return &Content{JSON: clean}
		}
	}
	return &Content{Text: marker(contentType, body, size)}
}

func marker(contentType string, body []byte, size int) string {
	sort := "body"
	switch contentType {
	case "text/html", "text/plain", "application/json", "application/x-www-form-urlencoded":
		sort = contentType
	}
	text := fmt.Sprintf("[%s of %d bytes removed", sort, size)
	lower := bytes.ToLower(body)
	var found []string
	for _, word := range telling() {
		if bytes.Contains(lower, []byte(word)) {
			found = append(found, word)
		}
	}
	if len(found) > 0 {
		text += "; it said: " + strings.Join(found, ", ")
	}
	return text + "]"
}

// Form scrubs a form, or the query of a URL. It says whether text is one.
func (s *Scrubber) Form(text string) (string, bool) {
	form, err := url.ParseQuery(text)
	if err != nil {
		return "", false
	}
	clean := url.Values{}
	for key, values := range form {
		for _, value := range values {
			clean.Add(s.key(key), s.field(key, value))
		}
	}
	return clean.Encode(), true
}

// field scrubs a value of a form. There a state ties a login together, and a
// code is never one of a result.
func (s *Scrubber) field(key, value string) string {
	switch lower := strings.ToLower(key); {
	case value == "":
		return ""
	case lower == "state", lower == "code":
		return s.aliases.of(aToken, value)
	case strings.HasSuffix(lower, "uri"), strings.HasSuffix(lower, "url"):
		return s.location(value, "")
	case lower == "path":
		return s.Path(value)
	}
	if trimmed := strings.TrimSpace(value); strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		if inner, ok := s.JSON([]byte(trimmed)); ok {
			return string(inner)
		}
	}
	return s.text(classOf(key), value)
}
