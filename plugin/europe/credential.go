package europe

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// credential is what the user has given as password: one of the two is set.
type credential struct {
	password string
	// refreshToken of the classic client, in the vendor's own form.
	refreshToken string
}

// Forms of what people paste.
var (
	// refreshTokenForm is that of a refresh token of the classic client.
	refreshTokenForm = regexp.MustCompile(`^[A-Z0-9]{40,60}$`)
	// labelForm stands before a token in a header, a form or a JSON document.
	labelForm = regexp.MustCompile(`(?i)^(authorization[:=]|bearer|basic|(refresh|access)[-_]?token["']?[:=])`)
	jwtForm   = regexp.MustCompile(`^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$`)
	// plainForm has nothing but letters and digits, opaqueForm what stands in tokens.
	plainForm  = regexp.MustCompile(`^[A-Za-z0-9]+$`)
	opaqueForm = regexp.MustCompile(`^[A-Za-z0-9._~+/=-]+$`)
)

// Lengths in bytes. The vendor asks for passwords with a special character, of a few
// words at most; its login key encrypts no more than the last.
const (
	shortestToken, longToken, longestPassword = 40, 64, 245
)

// credentialOf tells a refresh token from a password, in whatever form it was pasted: with
// blanks and line ends, in quotes, with its name before it, in lower case. A token of
// another kind is refused, because it would be sent as a password, and cost the account
// an attempt.
func credentialOf(text string) (credential, error) {
	if token := strings.TrimSpace(text); refreshTokenForm.MatchString(token) {
		return credential{refreshToken: token}, nil
	}
	bare, labelled := unlabelled(withoutBlanks(text))
	token := strings.ToUpper(bare)
	oneCase := bare == token || bare == strings.ToLower(bare)
	switch {
	case refreshTokenForm.MatchString(token) && oneCase && (labelled || mixesDigits(token)):
		return credential{refreshToken: token}, nil
	case jwtForm.MatchString(bare):
		return credential{}, wrongToken("a token of the vendor's app (JWT)")
	case labelled:
		return credential{}, wrongToken("a token of another kind, by its name")
	case len(text) > longestPassword, len(text) >= longToken && opaqueForm.MatchString(text), len(text) >= shortestToken && plainForm.MatchString(text):
		return credential{}, wrongToken("too long for a password, and no refresh token of the form that is taken")
	}
	return credential{password: strings.TrimRight(text, "\r\n")}, nil // no password ends with a line
}

// withoutBlanks takes out white space, and what is not seen.
func withoutBlanks(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
}

// unlabelled takes quotes and names off a token.
func unlabelled(text string) (bare string, labelled bool) {
	for {
		text = strings.Trim(text, `"'`+"`,;{}")
		label := labelForm.FindString(text)
		if label == "" {
			return text, labelled
		}
		text, labelled = text[len(label):], true
	}
}

// mixesDigits says whether there are both letters and digits, as in all tokens and in few
// sentences without blanks.
func mixesDigits(text string) bool {
	return strings.ContainsFunc(text, unicode.IsDigit) && strings.ContainsFunc(text, unicode.IsLetter)
}

func wrongToken(what string) error {
	return shared.Errorf(shared.ReasonConfigInvalid,
		"What is given as password is %s. It was not sent. Give the account's password, or a refresh token of 48 capital letters and digits.", what)
}
