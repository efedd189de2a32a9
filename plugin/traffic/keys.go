package traffic

import (
	"strings"
	"unicode"
)

// class is what the name of a value says about it.
type class int

const (
	// unknown: only values of a harmless form stay.
	unknown class = iota
	// harmless: short plain text stays.
	harmless
	// measure: numbers stay, whatever they look like.
	measure
	// message: the vendor's own words stay.
	message
	// private: nothing stays, also of what is within.
	private
	name
	identity
	vin
	token
	// code is the vendor's result code, or the code of a login.
	code
	dated
	latitude
	longitude
	altitude
	heading
	// place holds positions in some form.
	place
	modulus
)

// exactKeys are judged before the words that they are made of.
func exactKeys(key string) (class, bool) {
	switch key {
	case "retcode", "rescode", "errcode", "tokentype", "token_type", "type", "pushtype", "vehiclename", "modelname", "salecarmdlennm",
		"salecarmdlcd", "incolor", "outcolor", "bodytype", "year", "modelyear", "protocoltype", "kid", "kty", "e", "alg", "use", "state",
		"grant_type", "response_type", "servicetype", "lang", "language", "country", "locale", "scope", "encryptedpassword", "login_success",
		"status", "result", "recordtype", "fuelkindcode", "drivemode", "brand", "region", "hvactype", "command", "action", "timezone",
		"src", "version", "offset", "temperaturehex", "temperature", "time", "date", "day", "lastupdatetime", "svctime", "timestamp",
		"elapsedtime", "starttime", "endtime", "drivingdate", "tripday", "tripdayinmonth", "triptime", "settripday", "settripmonth",
		"setrptmonth", "datetime", "utc", "laststatusdate", "expirestime", "expiresin", "expires_in", "remaintime", "remaincount",
		"controltokeninfo":
		return harmless, true
	case "value", "total", "ev", "ice", "fuel", "ratio", "odometer", "raw", "decimal", "level", "unit", "evmoderange", "gasmoderange",
		"totalavailablerange", "batterystatus", "batterysoh", "batsoc", "batterystndchrgpower", "batteryfstchrgpower", "batterypackvoltage",
		"realtimepower", "calculativeodo", "totalpwrcsp", "motorpwrcsp", "climatepwrcsp", "edpwrcsp", "batterymgpwrcsp", "regenpwr",
		"tripdist", "tripavgspeed", "tripmaxspeed", "standard", "quick", "iccb", "coolingwaterinlet", "chillerrpm", "fuellevel", "pressure",
		"ccuccs2protocolsupport", "targetsoclevel", "mileage", "averagefueleconomy", "accumulation", "climateairconditioning",
		"batterycooling", "batteryheater", "drive", "afterrefuel", "accumulated", "smartkeybatterywarning":
		return measure, true
	case "resmsg", "errmsg", "retmsg", "retsubmsg", "message", "error", "error_description", "msg", "description", "detail", "reason":
		return message, true
	case "code":
		return code, true
	case "n":
		return modulus, true
	case "alt":
		return altitude, true
	case "head", "heading", "bearing":
		return heading, true
	case "long":
		return longitude, true
	}
	return unknown, false
}

// classOf judges a key by its words: "vehicleId", "vehicle_id" and "vehicleID"
// are made of "vehicle" and "id".
func classOf(key string) class {
	lower := strings.ToLower(key)
	if c, ok := exactKeys(lower); ok {
		return c
	}
	found := unknown
	for _, word := range words(key) {
		if c := classOfWord(word); c > found || found == unknown {
			found = c
		}
		if found == private {
			return private
		}
	}
	if found != unknown {
		return found
	}
	for _, ending := range []struct {
		text string
		c    class
	}{
		{"token", token},
		{"secret", token},
		{"password", token},
		{"username", name},
		{"nickname", name},
		{"email", name},
		{"uuid", identity},
		{"deviceid", identity},
		{"vehicleid", identity},
		{"userid", identity},
		{"carid", identity},
		{"vin", vin},
	} {
		if strings.HasSuffix(lower, ending.text) {
			return ending.c
		}
	}
	return unknown
}

func classOfWord(word string) class {
	switch word {
	case "user", "owner", "customer", "member", "contact", "phone", "mobile", "tel", "fax", "address", "addr", "street", "city", "zip", "postal",
		"postcode", "house", "plate", "license", "licence", "imei", "imsi", "iccid", "msisdn", "tmu", "sim", "serial", "ip", "ssid", "mac", "birth",
		"birthday", "gender", "poi", "destination", "otp", "pin", "company", "carno":
		return private
	case "username", "nickname", "nick", "name", "nm", "email", "mail", "title", "label":
		return name
	case "id", "uuid", "guid", "sid", "uid", "pid", "vid":
		return identity
	case "vin":
		return vin
	case "password", "passwd", "passphrase", "token", "jwt", "secret", "cookie", "session", "authorization", "authentication", "stamp", "csrf",
		"nonce", "credential", "push", "key", "signature", "hash":
		return token
	case "reg", "registration", "regdate", "registered":
		return dated
	case "lat", "latitude":
		return latitude
	case "lon", "lng", "longitude":
		return longitude
	case "altitude":
		return altitude
	case "coord", "coords", "coordinate", "coordinates", "geo", "gps", "position", "positions", "waypoint", "waypoints", "route", "polyline",
		"track", "trace", "point", "points", "place", "placeid", "location", "locations":
		return place
	}
	return unknown
}

// words splits a key where its case changes and at what is no letter.
func words(key string) []string {
	var all []string
	runes := []rune(key)
	start := 0
	cut := func(end int) {
		if end > start {
			all = append(all, strings.ToLower(string(runes[start:end])))
		}
		start = end
	}
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r):
			cut(i)
			start = i + 1
		case i > start && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			cut(i)
		}
	}
	cut(len(runes))
	return all
}
