package traffic

import (
	"crypto/sha256"
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"sync"
)

// number is what stands for a number under a key of class c. inList: it is a
// member of an array, the index-th.
func (s *Scrubber) number(c class, text string, inList bool, index int) string {
	switch c {
	case latitude, longitude, altitude, heading:
		n, _ := numberOf(text)
		return coordinate(c, n, text)
	case place:
		if n, _ := numberOf(text); inList || strings.ContainsAny(text, ".eE") {
			return coordinate([]class{longitude, latitude}[index%2], n, text)
		}
	case private, vin, name, dated:
		return blank(text)
	case identity, token, code:
		if len(text) > 4 {
			return blank(text)
		}
		return text
	case measure:
		if len(text) <= 24 {
			return text
		}
		return blank(text)
	case unknown, harmless, message, modulus:
	}
	return s.plainNumber(c, text)
}

// plainNumber keeps what no phone number and no coordinate can be.
func (s *Scrubber) plainNumber(c class, text string) string {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	n, ok := numberOf(text)
	switch {
	case !ok || len(text) > 24:
		return blank(text)
	case c != harmless && s.holdsSecret(text):
		return blank(text)
	case strings.ContainsAny(text, "eE"):
		// No vendor writes so; what it hides cannot be told.
		return blank(text)
	case len(fraction) >= 2 && !shortNumber.MatchString(text) && math.Abs(n) <= 180:
		return "0.0" // a place to within a kilometre
	case fraction == "" && len(whole) > 7 && !isTime(text):
		return blank(text)
	}
	return text
}

// blank is a number of as many digits, which is not zero.
func blank(text string) string {
	whole, _, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if n, ok := numberOf(text); ok && n == 0 {
		return "0"
	}
	return "1" + strings.Repeat("0", min(len(whole), 18)-1)
}

func numberOf(text string) (float64, bool) {
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// coordinate is the same place for all. Zero stays, since it means that there is
// no fix, and what is out of range stays so.
func coordinate(c class, n float64, text string) string {
	limit, fake := 90.0, "50.0"
	switch {
	case n == 0 && len(text) <= 24:
		return text
	case c == longitude:
		limit, fake = 180, "8.0"
	case c == altitude:
		limit, fake = 10000, "100"
	case c == heading:
		limit, fake = 360, "90"
	}
	if math.Abs(n) > limit {
		return "99999"
	}
	return fake
}

// fakeModulus is a modulus of 2048 bits that passwords can be encrypted with and
// nobody can decrypt: it keeps a recorded login playable.
var fakeModulus = sync.OnceValue(func() string {
	raw := make([]byte, 0, 256)
	for i := range byte(8) {
		sum := sha256.Sum256([]byte{'m', i})
		raw = append(raw, sum[:]...)
	}
	raw[0] |= 0x80
	raw[len(raw)-1] |= 1
	return base64.RawURLEncoding.EncodeToString(raw)
})
