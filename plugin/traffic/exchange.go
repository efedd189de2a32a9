package traffic

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Exchange is one call and its answer, without secrets. It is a line of a
// recording.
type Exchange struct {
	// OffsetMS is when the call began, in milliseconds since the recording did.
	OffsetMS   int64 `json:"offset_ms"`
	DurationMS int64 `json:"duration_ms"`

	Method         string            `json:"method"`
	Path           string            `json:"path"`
	Query          string            `json:"query,omitempty"`
	RequestHeaders map[string]string `json:"request_headers,omitempty"`
	Request        *Content          `json:"request,omitempty"`

	// Status is 0 if there was no answer.
	Status   int               `json:"status,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"`
	Response *Content          `json:"response,omitempty"`
	// Error says why there was no answer, or not all of it.
	Error string `json:"error,omitempty"`
}

// headerClasses are the headers that are kept. All others are left out.
func headerClasses() map[string]class {
	return map[string]class{
		"Content-Type": harmless, "Ccuccs2protocolsupport": measure, "Accept-Language": harmless, "Timezone": harmless,
		"Ccsp-Device-Id": identity, "Client-Device-Id": identity, "Client-Version": harmless,
		"Retry-After": harmless, "X-Ratelimit-Limit": measure, "X-Ratelimit-Remaining": measure, "X-Ratelimit-Reset": harmless,
		"Date": harmless,
	}
}

// Headers keeps the headers that are known to matter, scrubbed. host is the one
// that was asked; redirects to it become relative.
func (s *Scrubber) Headers(h http.Header, host string) map[string]string {
	clean := map[string]string{}
	for key, c := range headerClasses() {
		if value := h.Get(key); value != "" {
			if key == "Content-Type" {
				if value = mediaType(value); mediaForm.MatchString(value) {
					clean[key] = value
					continue
				}
			}
			clean[key] = s.text(c, value)
		}
	}
	if to := h.Get("Location"); to != "" {
		clean["Location"] = s.location(to, host)
	}
	if len(clean) == 0 {
		return nil
	}
	return clean
}

func mediaType(value string) string {
	kind, _, _ := strings.Cut(value, ";")
	return strings.TrimSpace(kind)
}

var (
	mediaForm   = regexp.MustCompile(`^(application|text|image)/[a-z.+-]{1,40}$`)
	versionForm = regexp.MustCompile(`^v\d{1,2}$`)
	// vendorHost are the vendor's own; others may be a user's.
	vendorHost = regexp.MustCompile(`^([a-z0-9-]{1,30}\.){0,2}(hyundai|kia|genesis)\.com$`)
)

// Path keeps the vendor's words and replaces all other parts as ids.
func (s *Scrubber) Path(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		lower := strings.ToLower(part)
		if part == "" || versionForm.MatchString(lower) || walked[lower] || s.walked[lower] && !s.holdsSecret(part) {
			continue
		}
		parts[i] = s.aliases.of(anID, part)
	}
	return strings.Join(parts, "/")
}

// location scrubs the target of a redirect.
func (s *Scrubber) location(text, host string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "/unreadable"
	}
	clean := url.URL{Path: s.Path(u.Path)}
	if u.Host != "" && !strings.EqualFold(u.Host, host) {
		clean.Scheme, clean.Host = "https", "elsewhere.invalid"
		if name := strings.ToLower(u.Hostname()); vendorHost.MatchString(name) && !s.holdsSecret(name) {
			clean.Host = name
		}
	}
	clean.RawQuery, _ = s.Form(u.RawQuery)
	return clean.String()
}
