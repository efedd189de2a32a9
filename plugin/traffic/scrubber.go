package traffic

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ScrubberOptions of NewScrubber.
type ScrubberOptions struct {
	// Paths of the client's calls, whose parts are no ids.
	Paths []string
	// Forget bounds how many replaced values are remembered, for scrubbers that
	// live long: when it is reached, all are forgotten. Zero: none ever is.
	Forget int
}

// Scrubber takes out what must not be shown. Safe for concurrent use.
type Scrubber struct {
	aliases aliases
	walked  map[string]bool

	mu      sync.RWMutex
	learned []string
}

// NewScrubber returns a scrubber that knows nobody's secrets yet.
func NewScrubber(o ScrubberOptions) *Scrubber {
	s := &Scrubber{aliases: aliases{limit: o.Forget}, walked: map[string]bool{}}
	for _, path := range o.Paths {
		for part := range strings.SplitSeq(path, "/") {
			s.walked[strings.ToLower(part)] = true
		}
	}
	return s
}

// Learn adds secrets that have no form of their own, such as a password or a
// PIN: a text that holds one is replaced under any key.
func (s *Scrubber) Learn(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		if len(secret) < 3 {
			continue
		}
		for _, form := range []string{
			secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)),
			base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		} {
			s.learned = append(s.learned, strings.ToLower(form))
		}
	}
}

// holdsSecret looks for what was learned. Short secrets have to stand alone, or
// a PIN would be found in every longer number.
func (s *Scrubber) holdsSecret(text string) bool {
	text = strings.ToLower(text)
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, secret := range s.learned {
		for from := 0; ; {
			i := strings.Index(text[from:], secret)
			if i < 0 {
				break
			}
			begin, end := from+i, from+i+len(secret)
			alone := (begin == 0 || !alphanumeric(text[begin-1])) && (end == len(text) || !alphanumeric(text[end]))
			if alone || len(secret) >= 6 {
				return true
			}
			from = begin + 1
		}
	}
	return false
}

func alphanumeric(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' }

var (
	heatForm    = regexp.MustCompile(`^[0-9A-Fa-f]{2}[Hh]?$`)
	shortWord   = regexp.MustCompile(`^[A-Z]{0,2}$`)
	shortNumber = regexp.MustCompile(`^-?\d{1,3}(\.(\d|[05]0|[27]5))?$`) // no finer than a quarter
	localeForm  = regexp.MustCompile(`^[A-Za-z]{2}([-_][A-Za-z]{2})?$`)
	zoneForm    = regexp.MustCompile(`^((UTC|GMT)?([+-]\d{2}:?\d{2})?|(Africa|America|Asia|Atlantic|Australia|Europe|Indian|Pacific)/[A-Z][A-Za-z_]{2,29})$`)
	releaseForm = regexp.MustCompile(`^\d{1,2}(\.\d{1,3}){2}$`)
	anyNumber   = regexp.MustCompile(`^-?\d{1,9}(\.\d{1,12})?$`)
	codeForm    = regexp.MustCompile(`^(\d{3,4}|\d{3}-\d{3})$`)
	clockForm   = regexp.MustCompile(`^-?\d{1,3}:\d{2}(:\d{2})?(\.\d{1,3})?$`)
	stampForm   = regexp.MustCompile(`^(\d{4})[-/.]?(\d{2})(?:[-/.]?(\d{2})(?:[T ]?(\d{2})(?::?(\d{2})(?::?(\d{2})(?:\.\d{1,9})?)?)?)?)?(?:Z|[+-]\d{2}:?\d{2})?$`)
)

// isTime recognises the vendor's times: compact and ISO stamps, times of day,
// those of HTTP, and milliseconds since 1970.
func isTime(text string) bool {
	if clockForm.MatchString(text) {
		return true
	}
	if m := stampForm.FindStringSubmatch(text); m != nil {
		within := func(part, low, high int) bool {
			n, _ := strconv.Atoi(m[part]) // digits
			return m[part] == "" || n >= low && n <= high
		}
		return within(1, 2000, 2099) && within(2, 1, 12) && within(3, 1, 31) && within(4, 0, 24) && within(5, 0, 59) && within(6, 0, 60)
	}
	if isEpoch(text) {
		return true
	}
	_, err := time.Parse(time.RFC1123, text)
	return err == nil
}

// isEpoch recognises the seconds or milliseconds from 2015 to 2100.
func isEpoch(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return false
	}
	if len(text) == 13 {
		n /= 1000
	}
	return (len(text) == 10 || len(text) == 13) && n > 1_420_000_000 && n < 4_102_444_800
}

// plain says whether a text can stay under a key that is harmless: no word of it is
// unknown, and no number could be a part of a place.
func (s *Scrubber) plain(text string) bool {
	if s.holdsSecret(text) {
		return false
	}
	if s.settledForm(text) || localeForm.MatchString(text) || zoneForm.MatchString(text) || releaseForm.MatchString(text) {
		return true
	}

	numbers := 0
	for _, word := range spokenPart.FindAllString(text, -1) {
		switch {
		case wholeNumber(word) && len(word) <= 4:
			numbers++
		case !isKnown(word, harmlessWords):
			return false
		}
	}
	return numbers <= 2 && len(text) <= 40
}

// settledForm says whether a text is so short or so usual that it can stay under
// any key.
func (s *Scrubber) settledForm(text string) bool {
	if s.holdsSecret(text) {
		return false
	}
	return text == "" || settled[strings.ToLower(text)] || shortNumber.MatchString(text) || shortWord.MatchString(text) ||
		heatForm.MatchString(text) || isTime(text)
}

// text is what stands for a text under a key of class c.
func (s *Scrubber) text(c class, text string) string {
	if text == "" || s.stays(c, text) {
		return text
	}
	switch c {
	case message:
		return phrase(text, spoken)
	case harmless:
		if namesModel(text) && !s.holdsSecret(text) {
			return phrase(text, makes)
		}
	case dated:
		return s.date(text)
	case name:
		return s.aliases.of(aName, text)
	case identity:
		return s.aliases.of(anID, text)
	case vin:
		return s.aliases.of(aVIN, text)
	case code:
		return s.aliases.of(aToken, text)
	case token:
		return s.token(text)
	case latitude, longitude, altitude, heading:
		if n, ok := numberOf(text); ok {
			return coordinate(c, n, text)
		}
	case modulus:
		if len(text) >= 100 {
			return fakeModulus()
		}
	case unknown, measure, private, place:
	}
	return s.aliases.of(kindOf(text), text)
}

// stays says whether a text may stay as it is.
func (s *Scrubber) stays(c class, text string) bool {
	switch c {
	case harmless:
		return s.plain(text)
	case measure:
		return anyNumber.MatchString(text) || s.settledForm(text)
	case code:
		return codeForm.MatchString(text) && !s.holdsSecret(text)
	case identity:
		return shortNumber.MatchString(text) // an index
	case unknown:
		return s.settledForm(text)
	default:
		return false
	}
}

func (s *Scrubber) token(text string) string {
	if bare, ok := strings.CutPrefix(text, "Bearer "); ok && bare != "" {
		return "Bearer " + s.aliases.of(aToken, bare)
	}
	return s.aliases.of(aToken, text)
}

// date stands for a day that tells the car's owner: when it was registered, say.
func (s *Scrubber) date(text string) string {
	if !stampForm.MatchString(text) {
		return s.aliases.of(kindOf(text), text)
	}
	const day = "20200101000000000000000000"
	out, n := []byte(text), 0
	for i, c := range out {
		if c >= '0' && c <= '9' && n < len(day) {
			out[i] = day[n]
			n++
		}
	}
	return string(out)
}
