package traffic

import (
	"regexp"
	"strings"
)

// spoken are the words of the vendor's own messages. Of a message only they
// stay, so that no name in it does.
var spoken = set(`
	abusing access account accepted allowed and api app application attempts auth authentication authorization authorized available bad
	blocked body busy call called cannot captcha car client command conflict connection consent control credential credentials data denied
	device deviceid does duplicate error errors exceeded exceeds exist expired fail failed failure forbidden found from gateway grant
	has id in internal invalid is json key limit locked login maintenance many message method missing no not null number of off on
	parameter parameters password permission pin proxy rate received refresh registered rejected remote request requests require required
	response result s server service session sign statuscode status success supported temporary temporarily terms the time timeout to
	token too try unauthorized unavailable unexpected unknown unsupported user username valet value values vehicle was wrong x403 nginx
	html`)

// settled are words that stand for a state and can stand under any key.
var settled = set(`
	true false on off yes no null none normal eco sport comfort snow auto success fail non-response open closed locked unlocked ready start stop
	ev phev hev hv pe gn ice ccs1 ccs2 gcm apns rsa bearer code refresh_token authorization_code km mi kw kwh`)

// walked are the parts of the vendor's paths.
var walked = set(`
	api spa user users vehicles vehicle notifications register records status latest ccs2 carstatus location park charge target drvhistory
	tripinfo monthlyreport profile pin oauth2 authorize token auth account accounts signin certs web error authorization domain language
	token-exchange token-refresh redirect remote reservation hvac control engine door temperature gspa stored-status update-status
	prewakeup available-vehicles captcha login consent`)

// telling are the words by which clients judge a page that is no document.
func telling() []string {
	return []string{
		"abusing", "captcha", "password", "credential", "key not authorized", "forbidden", "blocked", "expired", "maintenance",
		"unavailable", "bad gateway", "timeout", "too many requests", "nginx",
	}
}

func set(text string) map[string]bool {
	all := map[string]bool{}
	for _, word := range strings.Fields(text) {
		all[word] = true
	}
	return all
}

var spokenPart = regexp.MustCompile(`[\p{L}\p{N}\p{M}]+`)

// phrase keeps the vendor's own words of a message, and short numbers.
func phrase(text string) string {
	kept := spokenPart.ReplaceAllStringFunc(text, func(word string) string {
		if spoken[strings.ToLower(word)] || len(word) <= 3 && strings.Trim(word, "0123456789") == "" {
			return word
		}
		return "xxx"
	})
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '_'
		}
		return r
	}, kept)
}
