// Package redact keeps personal data and secrets out of logs. It works at the
// sink: on values, whatever field or sentence they turn up in.
package redact

import (
	"net/url"
	"regexp"
	"sort"
	"strings"
	"sync/atomic"
	"unicode"
)

// Mask stands where something was taken out.
const Mask = "[redacted]"

// minSecret is the length below which a known secret is only replaced where it
// stands as a word of its own: a PIN must not eat parts of other numbers.
const minSecret = 6

// What is recognised without being told. VINs and refresh tokens are upper case,
// so that the vendors' lower-case hexadecimal ids stay readable.
var (
	email  = regexp.MustCompile(`[A-Za-z0-9._%+\-]+(@|%40)[A-Za-z0-9\-]+(\.[A-Za-z0-9\-]+)+`)
	jwt    = regexp.MustCompile(`eyJ[A-Za-z0-9_\-]{5,}(\.[A-Za-z0-9_\-]+){1,2}`)
	bearer = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=\-]{8,}`)
	// A VIN has 17 characters, a refresh token of the vendors' 40 to 60.
	token = regexp.MustCompile(`[A-Za-z0-9]{17,}`)
	vin   = regexp.MustCompile(`^[A-HJ-NPR-Z0-9]{17}$`)
	grant = regexp.MustCompile(`^[A-Z0-9]{40,60}$`)
	// Members of JSON that nobody has taken apart.
	member = regexp.MustCompile(`(?i)("(?:password|pin|vin|username|email|[a-z_]*token|authorization)"\s*:\s*)("(?:[^"\\]|\\.)*"|[0-9]+)`)
	degree = regexp.MustCompile(`(?i)(\b(?:lat|lon|latitude|longitude)"?\s*[=:]\s*"?)-?\d{1,3}\.\d+`)
	// A pair of decimal degrees, as in "52.5200,13.4050".
	position = regexp.MustCompile(`-?\d{1,2}\.\d{3,}\s*[,;/ ]\s*-?\d{1,3}\.\d{3,}`)
)

// Redactor replaces what must not be seen. The zero value recognises patterns
// only. Safe for concurrent use.
type Redactor struct {
	secrets atomic.Pointer[[]string]
}

// Learn adds values that are to be replaced wherever they turn up.
func (r *Redactor) Learn(secrets ...string) {
	for {
		old := r.secrets.Load()
		seen := map[string]bool{}
		if old != nil {
			for _, s := range *old {
				seen[s] = true
			}
		}
		for _, s := range secrets {
			if len(s) >= 3 {
				seen[s], seen[url.QueryEscape(s)] = true, true
			}
		}
		next := make([]string, 0, len(seen))
		for s := range seen {
			next = append(next, s)
		}
		// Longest first, in case one secret holds another.
		sort.Slice(next, func(i, j int) bool {
			if len(next[i]) != len(next[j]) {
				return len(next[i]) > len(next[j])
			}
			return next[i] < next[j]
		})
		if r.secrets.CompareAndSwap(old, &next) {
			return
		}
	}
}

// String returns s without what must not be seen.
func (r *Redactor) String(s string) string {
	if s == "" {
		return s
	}
	if secrets := r.secrets.Load(); secrets != nil {
		for _, secret := range *secrets {
			if len(secret) < minSecret {
				s = replaceWord(s, secret)
			} else {
				s = strings.ReplaceAll(s, secret, Mask)
			}
		}
	}
	if strings.Contains(s, "@") || strings.Contains(s, "%40") {
		s = email.ReplaceAllString(s, Mask)
	}
	if strings.Contains(s, "eyJ") {
		s = jwt.ReplaceAllString(s, Mask)
	}
	s = bearer.ReplaceAllString(s, "$1 "+Mask)
	s = member.ReplaceAllString(s, `${1}"`+Mask+`"`)
	s = degree.ReplaceAllString(s, "${1}"+Mask)
	s = token.ReplaceAllStringFunc(s, func(word string) string {
		known := vin.MatchString(word) || grant.MatchString(word)
		if known && strings.ContainsFunc(word, unicode.IsLetter) && strings.ContainsFunc(word, unicode.IsDigit) {
			return Mask
		}
		return word
	})
	return position.ReplaceAllString(s, Mask)
}

// replaceWord replaces secret where no letter or digit touches it.
func replaceWord(s, secret string) string {
	var b strings.Builder
	done := 0 // what is written of s
	for from := 0; ; {
		i := strings.Index(s[from:], secret)
		if i < 0 {
			b.WriteString(s[done:])
			return b.String()
		}
		begin, end := from+i, from+i+len(secret)
		if (begin > 0 && alphanumeric(s[begin-1])) || (end < len(s) && alphanumeric(s[end])) {
			from = begin + 1
			continue
		}
		b.WriteString(s[done:begin])
		b.WriteString(Mask)
		from, done = end, end
	}
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
