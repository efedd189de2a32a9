package homeassistant

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// carID is a car's identity, for ever: of the vendor's key for it, which may be a number
// that people can look up, and so not that key itself.
func carID(vehicleID string) string { return "car_" + digest("car:"+vehicleID) }

// hubID is that of a hub: what it publishes is below its base topic.
func hubID(base string) string { return "hub_" + digest("hub:"+base) }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// slug is a name as a part of an entity's id: lower case letters and digits, with _ between
// words; accents are left out.
func slug(name string) string {
	plain, _, err := transform.String(transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC), name)
	if err != nil {
		plain = name
	}
	words := strings.FieldsFunc(strings.ToLower(plain), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "_")
}
