package redact

import "strings"

const (
	blanks  = " \t\n\f\r"
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
)

// maskMembers masks the texts and numbers of personal members of JSON that nobody
// has taken apart. Within a text of another JSON document the quotes of a member
// are escaped, perhaps more than once.
func maskMembers(s string) string {
	var b strings.Builder
	written := 0 // how much of s is in b
	for from := 0; ; {
		colon := strings.IndexByte(s[from:], ':')
		if colon < 0 {
			break
		}
		name, quote := memberName(s[from : from+colon])
		from += colon + 1
		if !isPersonal(name) {
			continue
		}

		begin := len(s) - len(strings.TrimLeft(s[from:], blanks))
		end := begin + digits(s[begin:])
		if n := openingQuote(s[begin:]); n > 0 {
			quote, end = s[begin:begin+n], textEnd(s, begin+n, n-1)
		}
		if end == begin {
			continue // neither a text nor a number
		}

		b.WriteString(s[written:begin])
		b.WriteString(quote + Mask + quote)
		from, written = end, end
	}

	if written == 0 {
		return s
	}
	b.WriteString(s[written:])
	return b.String()
}

// memberName returns the name in quotes that s ends with, and its closing quote,
// backslashes included; nothing if there is none.
func memberName(s string) (name, quote string) {
	s = strings.TrimRight(s, blanks)
	open, closed := strings.CutSuffix(s, `"`)
	if !closed {
		return "", ""
	}

	open = strings.TrimRight(open, `\`)
	quote = s[len(open):]
	start := len(open)
	for start > 0 && strings.IndexByte(letters, open[start-1]) >= 0 {
		start--
	}
	if start == 0 || open[start-1] != '"' {
		return "", ""
	}
	return open[start:], quote
}

// isPersonal reports whether a member of that name is masked.
func isPersonal(name string) bool {
	switch name = strings.ToLower(name); name {
	case "password", "pin", "vin", "username", "email", "authorization":
		return true
	default:
		return strings.HasSuffix(name, "token")
	}
}

// digits returns how many digits s begins with.
func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}

// openingQuote returns the length of the quote that s begins with, backslashes
// included; zero if there is none.
func openingQuote(s string) int {
	n := len(s) - len(strings.TrimLeft(s, `\`))
	if n < len(s) && s[n] == '"' {
		return n + 1
	}
	return 0
}

// textEnd returns where a text ends whose quotes are escaped by so many
// backslashes. Each escaping makes 2n+1 backslashes of n before a quote, and 2n of
// n elsewhere, so a quote in the text has more of them than the one that ends it,
// but for backslashes that are the text's own. A text that is cut off ends with s,
// or at the quote of the document that it stands in.
func textEnd(s string, from, escapes int) int {
	run := 0
	for i := from; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			run++
			continue
		case s[i] == '"' && run < escapes:
			return i - run
		case s[i] == '"' && run%(2*(escapes+1)) == escapes:
			return i + 1
		}
		run = 0
	}
	return len(s)
}
