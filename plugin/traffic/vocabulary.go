package traffic

import (
	"regexp"
	"slices"
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
	true false on off yes no null none normal eco sport comfort snow auto success fail non-response open closed locked unlocked ready start stop y
	ccs ev phev hev hv pe gn ice ccs1 ccs2 gcm apns rsa rs256 aqab enc sig bearer code refresh_token authorization_code km mi kw kwh
	morning evening weekdays weekend`)

// makes are the words of the names of models, and of what the vendors call
// themselves.
var makes = set(`
	hyundai kia genesis bayon casper creta elantra exter i10 i20 i30 i35 i40 inster ioniq ix20 ix35 kona nexo palisade santa cruz fe sonata staria
	tucson venue carens carnival ceed clavis ev2 ev3 ev4 ev5 ev6 ev7 ev8 ev9 k3 k4 k5 k8 k9 magentis mohave niro optima picanto proceed pv5 ray rio
	seltos sonet sorento soul sportage stinger stonic syros tasman telluride xceed g70 g80 g90 gv60 gv70 gv80
	electric electrified hybrid plug plugin line gt sw n sportswagon shooting brake fastback sedan estate tourer cross x new facelift awd 2wd 4wd`)

// harmlessWords can stand under a key that is harmless.
var harmlessWords = []map[string]bool{spoken, settled, makes}

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

// spokenPart is a word, or a number with its decimals.
var spokenPart = regexp.MustCompile(`\d+[.,]\d+|[\p{L}\p{N}\p{M}]+`)

// phrase keeps the words of a text that are known, and short whole numbers.
func phrase(text string, known ...map[string]bool) string {
	kept := spokenPart.ReplaceAllStringFunc(text, func(word string) string {
		if isKnown(word, known) || len(word) <= 3 && wholeNumber(word) {
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

// namesModel says whether there is a word of a model in a text.
func namesModel(text string) bool {
	return slices.ContainsFunc(spokenPart.FindAllString(text, -1), func(word string) bool {
		return len(word) > 1 && makes[strings.ToLower(word)]
	})
}

func isKnown(word string, known []map[string]bool) bool {
	word = strings.ToLower(word)
	return slices.ContainsFunc(known, func(words map[string]bool) bool { return words[word] })
}

func wholeNumber(word string) bool { return word != "" && strings.Trim(word, "0123456789") == "" }
