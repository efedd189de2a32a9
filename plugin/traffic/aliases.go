package traffic

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// kind is what a replaced value was, and so what its replacement looks like.
type kind int

const (
	aText kind = iota
	aName
	anID
	aUUID
	aVIN
	anEmail
	aToken
)

var (
	uuidForm  = regexp.MustCompile(`^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$`)
	emailForm = regexp.MustCompile(`^[^\s@]+@[^\s@]+$`)
	vinForm   = regexp.MustCompile(`^[A-HJ-NPR-Za-hj-npr-z0-9]{17}$`)
	hexForm   = regexp.MustCompile(`^[0-9A-Fa-f]{16,}$`)
)

// kindOf tells a value's kind by its form alone.
func kindOf(value string) kind {
	switch {
	case uuidForm.MatchString(value):
		return aUUID
	case emailForm.MatchString(value):
		return anEmail
	case vinForm.MatchString(value) && digits(value) > 2:
		return aVIN
	case len(value) >= 16 && !strings.ContainsAny(value, " \t\r\n"):
		return aToken
	}
	return aText
}

// aliases remember what stands for what, so that a value has one replacement
// wherever it turns up. Safe for concurrent use.
type aliases struct {
	// limit of remembered values; zero: none.
	limit int

	mu      sync.Mutex
	byValue map[string]string
	counts  map[kind]int
}

// of is what stands for value. The form of a value goes before what its key
// says, because the same value may turn up under other keys.
func (a *aliases) of(k kind, value string) string {
	switch form := kindOf(value); form {
	case aUUID, anEmail:
		k = form
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	// Ids, addresses and VINs are written in either case.
	folded := strings.ToLower(value)
	if known, ok := a.byValue[folded]; ok {
		return known
	}
	if a.byValue == nil || a.limit > 0 && len(a.byValue) >= a.limit {
		a.byValue = map[string]string{}
	}
	if a.counts == nil {
		a.counts = map[kind]int{}
	}
	a.counts[k]++
	alias := newAlias(k, a.counts[k], value)
	a.byValue[folded] = alias
	return alias
}

func newAlias(k kind, n int, value string) string {
	switch k {
	case aName:
		return fmt.Sprintf("name %d", n)
	case anID:
		return fmt.Sprintf("id-%d", n)
	case aUUID:
		return fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
	case aVIN:
		return fmt.Sprintf("ZZZTEST%010d", n)
	case anEmail:
		return fmt.Sprintf("user%d@example.com", n)
	case aToken:
		return newToken(n, value)
	default:
		return fmt.Sprintf("text %d", n)
	}
}

// newToken has the length and the character classes of value, since clients tell
// tokens by their form. The times in a JWT do not stay: they would be over when
// the recording is played.
func newToken(n int, value string) string {
	if strings.HasPrefix(value, "eyJ") && strings.Count(value, ".") == 2 {
		part := base64.RawURLEncoding.EncodeToString
		return part([]byte(`{"typ":"JWT","alg":"none"}`)) + "." + part(fmt.Appendf(nil, `{"n":%d}`, n)) + ".placeholder"
	}
	lower, upper := byte('x'), byte('X')
	if hexForm.MatchString(value) {
		lower, upper = 'a', 'A'
	}
	shape := make([]byte, len(value))
	for i := range len(value) {
		switch c := value[i]; {
		case c >= '0' && c <= '9':
			shape[i] = '0'
		case c >= 'A' && c <= 'Z':
			shape[i] = upper
		case c == '-' || c == '_' || c == '.' || c == '~' || c == '+' || c == '/' || c == '=':
			shape[i] = c
		default:
			shape[i] = lower
		}
	}
	number := fmt.Sprintf("%04d", n)
	end := len(strings.TrimRight(string(shape), "="))
	if end <= len(number) {
		return "token-" + number
	}
	copy(shape[end-len(number):end], number)
	return string(shape)
}
