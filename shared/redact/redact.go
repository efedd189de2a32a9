// Package redact keeps personal data and secrets out of logs. It works at the
// sink: on values, whatever field or sentence they turn up in.
package redact

import (
	"bytes"
	"cmp"
	"log/slog"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// Mask stands where something was taken out.
const Mask = "[redacted]"

// minSecret is the length below which a known secret is only replaced where it
// stands as a word of its own: a PIN must not eat parts of other numbers.
const minSecret = 6

// What is recognised without being told. Refresh tokens are upper case, and so are
// VINs that do not begin as those of a known maker, so that the vendors' lower-case
// hexadecimal ids stay readable.
var (
	email  = regexp.MustCompile(`[A-Za-z0-9._%+\-]+(@|%40)[A-Za-z0-9\-]+(\.[A-Za-z0-9\-]+)+`)
	jwt    = regexp.MustCompile(`eyJ[A-Za-z0-9_\-]{5,}(\.[A-Za-z0-9_\-]+){1,2}`)
	bearer = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=\-]{8,}`)
	// A VIN has 17 characters, a refresh token of the vendors' 40 to 60.
	token = regexp.MustCompile(`[A-Za-z0-9]{17,}`)
	vin   = regexp.MustCompile(`^[A-HJ-NPR-Z0-9]{17}$`)
	// How the VINs of Hyundai, Kia and Genesis begin, by plant.
	maker  = regexp.MustCompile(`^(?i:KM[CEFHJTUX]|KN[A-HJ]|U5Y|U6[YZ]|TMA|NLH|MAL|MZB|MF3|5N[MPT]|5X[XY]|7YA|3K[MP]|9BH|L(?:BE|JD)|XWE|Z94)`)
	grant  = regexp.MustCompile(`^[A-Z0-9]{40,60}$`)
	degree = regexp.MustCompile(`(?i)(\b(?:lat|lon|latitude|longitude)\\*"?\s*[=:]\s*\\*"?)[-+]?\d{1,3}(?:\.\d+|\b)`)
	// A pair of decimal degrees, as in "52.5200,13.4050".
	position = regexp.MustCompile(`-?\d{1,2}\.\d{3,}\s*[,;/ ]\s*-?\d{1,3}\.\d{3,}`)
)

// Redactor replaces what must not be seen. The zero value recognises patterns
// only. Safe for concurrent use.
type Redactor struct {
	known atomic.Pointer[secrets]
}

// secrets are values that somebody has told.
type secrets struct {
	all map[string]bool
	// vins are those that can be one, in upper case.
	vins map[string]bool
	// short ones, see minSecret.
	short []string
	// long replaces the others in one walk, however many they are.
	long *strings.Replacer
}

// Learn adds values that are to be replaced wherever they turn up. Many at a time
// cost little more than one.
func (r *Redactor) Learn(values ...string) {
	for {
		old, next := r.known.Load(), &secrets{all: map[string]bool{}, vins: map[string]bool{}}
		if old != nil {
			maps.Copy(next.all, old.all)
			maps.Copy(next.vins, old.vins)
		}
		for _, v := range values {
			next.add(v)
		}
		if old != nil && len(next.all) == len(old.all) {
			return
		}
		var pairs []string
		// Longest first, in case one secret holds another.
		for _, v := range slices.SortedFunc(maps.Keys(next.all), func(a, b string) int {
			return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
		}) {
			if len(v) < minSecret {
				next.short = append(next.short, v)
			} else {
				pairs = append(pairs, v, Mask)
			}
		}
		next.long = strings.NewReplacer(pairs...)
		if r.known.CompareAndSwap(old, next) {
			return
		}
	}
}

func (k *secrets) add(value string) {
	const shortest = 3
	if len(value) < shortest {
		return
	}
	k.all[value], k.all[url.QueryEscape(value)] = true, true

	if upper := strings.ToUpper(value); vin.MatchString(upper) {
		k.vins[upper] = true
		k.all[upper], k.all[strings.ToLower(value)] = true, true
	}
}

// isNumber reports whether a number, in decimal and without a sign, is one of the values.
func (r *Redactor) isNumber(v slog.Value) bool {
	known := r.known.Load()
	if known == nil {
		return false
	}

	var room [32]byte
	text := room[:0]
	switch v.Kind() {
	case slog.KindInt64:
		text = strconv.AppendInt(text, v.Int64(), 10)
	case slog.KindUint64:
		text = strconv.AppendUint(text, v.Uint64(), 10)
	default:
		text = strconv.AppendFloat(text, v.Float64(), 'f', -1, 64)
	}
	return known.all[string(bytes.TrimPrefix(text, []byte("-")))]
}

// String returns s without what must not be seen.
func (r *Redactor) String(s string) string {
	if s == "" {
		return s
	}
	var vins map[string]bool
	if known := r.known.Load(); known != nil {
		s, vins = known.long.Replace(s), known.vins
		for _, secret := range known.short {
			s = replaceWord(s, secret)
		}
	}
	return patterns(s, marksOf(s), vins)
}

// patterns replaces what is recognised without being told, and the known vins, in
// any case.
func patterns(s string, has marks, vins map[string]bool) string {
	if has.email {
		s = email.ReplaceAllString(s, Mask)
	}
	if has.jwt {
		s = jwt.ReplaceAllString(s, Mask)
	}
	if has.bearer {
		s = bearer.ReplaceAllString(s, "$1 "+Mask)
	}
	if has.quote {
		s = maskMembers(s)
	}
	if has.place {
		s = degree.ReplaceAllString(s, "${1}"+Mask)
	}
	if has.token {
		s = token.ReplaceAllStringFunc(s, func(word string) string {
			if isCode(word) || len(vins) > 0 && vins[strings.ToUpper(word)] {
				return Mask
			}
			return word
		})
	}
	if has.decimal {
		s = position.ReplaceAllString(s, Mask)
	}
	return s
}

// isCode reports whether a word is a VIN or a refresh token by its looks. Both have
// letters and digits.
func isCode(word string) bool {
	ofMaker := maker.MatchString(word) && vin.MatchString(strings.ToUpper(word))
	return (ofMaker || vin.MatchString(word) || grant.MatchString(word)) &&
		strings.ContainsFunc(word, unicode.IsLetter) && strings.ContainsFunc(word, unicode.IsDigit)
}

// marks say which of the patterns a text can hold: most log lines hold none, and one
// walk costs much less than a search for each.
type marks struct{ email, jwt, bearer, quote, place, token, decimal bool }

func allMarks() marks { return marks{true, true, true, true, true, true, true} }

func marksOf(s string) (has marks) {
	has.email, has.jwt = strings.Contains(s, "@") || strings.Contains(s, "%40"), strings.Contains(s, "eyJ")
	begins := func(at int, word string) bool {
		return len(s)-at >= len(word) && strings.EqualFold(s[at:at+len(word)], word)
	}
	run := 0
	for i := range len(s) {
		c := s[i]
		if c >= utf8.RuneSelf {
			return allMarks() // letters that are others in upper case
		}
		if alphanumeric(c) {
			run++
			has.token = has.token || run >= 17
		} else {
			run = 0
		}
		switch c {
		case '"':
			has.quote = true
		case '.':
			has.decimal = has.decimal || i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9'
		case 'b', 'B':
			has.bearer = has.bearer || begins(i, "bearer") || begins(i, "basic")
		case 'l', 'L':
			has.place = has.place || begins(i, "lat") || begins(i, "lon")
		}
	}
	return has
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
		if touches(s[:begin]) || (end < len(s) && alphanumeric(s[end])) {
			from = begin + 1
			continue
		}
		b.WriteString(s[done:begin])
		b.WriteString(Mask)
		from, done = end, end
	}
}

// touches reports whether the text before a word ends in a letter or digit. The
// letter of an escaped line end, as JSON has them, is none.
func touches(before string) bool {
	if before == "" || !alphanumeric(before[len(before)-1]) {
		return false
	}
	escaped := strings.HasSuffix(before, `\n`) || strings.HasSuffix(before, `\r`) || strings.HasSuffix(before, `\t`)
	return !escaped
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
