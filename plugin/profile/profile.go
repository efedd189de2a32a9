package profile

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
	// Hubs run in containers without a zone database.
	_ "time/tzdata"
)

// Brand of a car and its account.
type Brand string

// The brands.
const (
	Hyundai Brand = "hyundai"
	Kia     Brand = "kia"
	Genesis Brand = "genesis"
)

// Profile is what a client has to know of one brand in one region.
type Profile struct {
	Brand Brand
	// Base URLs without a slash at the end: the login pages, the account API
	// (CCI), and the vehicle API (ccapi).
	LoginURL, CCIURL, APIURL string

	// The vehicle API's client: the service id is also the classic OAuth client.
	ServiceID, ServiceSecret, AppID, PushType string
	// StampKey is the base64 text of the 50 bytes that stamps are made with.
	StampKey string

	// The app's client at the account API.
	OneAppClientID, OneAppRedirect string
	Package, ClientName            string
	OSVersion, NotificationType    string

	// GenesisTokens: legacy refresh tokens are renewed at the vehicle API and
	// not at the login pages.
	GenesisTokens bool

	// ZoneName is the zone of the region's zone-less times.
	ZoneName string
}

// Values common to the app.
const (
	ClientVersion = "1.3.3"
	OSCode        = "ios"
	DeviceModel   = "iPhone"
	// UserAgent of API calls.
	UserAgent = "okhttp/3.12.0"
	// LoginUserAgent of the login pages; they refuse one without the suffix.
	LoginUserAgent = "Mozilla/5.0 (Linux; Android 4.1.1; Galaxy Nexus Build/JRO03C) AppleWebKit/535.19 " +
		"(KHTML, like Gecko) Chrome/18.0.1025.166 Mobile Safari/535.19_CCS_APP_AOS"
)

// Europe returns the profile of a brand in Europe.
func Europe(b Brand) (Profile, error) {
	for _, p := range europe() {
		if p.Brand == b {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("no brand %q in Europe: use hyundai, kia or genesis", b)
}

// Brands of Europe, for servers that serve them all.
func Brands() []Profile { return europe() }

func europe() []Profile {
	return []Profile{
		{
			Brand:    Hyundai,
			LoginURL: "https://idpconnect-eu.hyundai.com", CCIURL: "https://cci-api-eu.hyundai.com",
			APIURL:    "https://prd.eu-ccapi.hyundai.com:8080",
			ServiceID: "6d477c38-3ca4-4cf3-9557-2a1929a94654", ServiceSecret: "KUy49XxPzLpLuoK0xhBC77W6VXhmtQR9iQhmIFjjoY4IpxsV",
			AppID: "014d2225-8495-4735-812d-2616334fd15d", PushType: "GCM",
			StampKey:       "RFtoRq/vDXJmRndoZaZQyfOot7OrIqGVFj96iY2WL3yyH5Z/pUvlUhqmCxD2t+D65SQ=",
			OneAppClientID: "4f4953b5-02e1-4dbc-8599-87e983ee1be5", OneAppRedirect: "https://oneapp.hyundai.com/redirect",
			Package: "com.hyundai.oneapp.eu", ClientName: "hyundai", OSVersion: "18.7", NotificationType: "APNS",
			ZoneName: "Europe/Berlin",
		},
		{
			Brand:    Kia,
			LoginURL: "https://idpconnect-eu.kia.com", CCIURL: "https://cci-api-eu.kia.com",
			APIURL:    "https://prd.eu-ccapi.kia.com:8080",
			ServiceID: "fdc85c00-0a2f-4c64-bcb4-2cfb1500730a", ServiceSecret: "secret",
			AppID: "a2b8469b-30a3-4361-8e13-6fceea8fbe74", PushType: "APNS",
			StampKey:       "wLTVxwidmH8CfJYBWSnHD6E0huk0ozdiuygB4hLkM5XCgzAL1Dk5sE36d/bx5PFMbZs=",
			OneAppClientID: "01b36c86-79e8-486c-8009-15f2ad88d670", OneAppRedirect: "https://oneapp.kia.com/redirect",
			Package: "com.kia.oneapp.eu", ClientName: "kia", OSVersion: "27", NotificationType: "IOS_APPSTORE",
			ZoneName: "Europe/Berlin",
		},
		{
			Brand:    Genesis,
			LoginURL: "https://idpconnect-eu.genesis.com", CCIURL: "https://cci-api-eu.genesis.com",
			APIURL:    "https://prd-eu-ccapi.genesis.com:443",
			ServiceID: "3020afa2-30ff-412a-aa51-d28fbe901e10", ServiceSecret: "FKDdlef2ffdleFEweELFKERiLER2FED21sDdwdgQz6hFESE3",
			AppID: "f11f2b86-e0e7-4851-90df-5600b01d8b70", PushType: "GCM",
			StampKey:       "RFtoRq/vDXJmRndoZaZQyYo3/qFLtVReW8P7utRPcc0ZxOzOELm9mexvviBk/qqIp4A=",
			OneAppClientID: "50e3b8b0-ced5-43b7-8a42-f86ac92fe50e", OneAppRedirect: "https://oneapp.genesis.com/redirect",
			Package: "com.genesis.oneapp.eu", ClientName: "genesis", OSVersion: "18.7", NotificationType: "APNS",
			GenesisTokens: true,
			ZoneName:      "Europe/Berlin",
		},
	}
}

// Zone is the time zone of the region.
func (p Profile) Zone() (*time.Location, error) { return time.LoadLocation(p.ZoneName) }

// BasicToken is the classic client's value of an Authorization header.
func (p Profile) BasicToken() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(p.ServiceID+":"+p.ServiceSecret))
}

// Stamp is the value of the Stamp header at time now: the app id and the Unix
// time, XORed with the key. One per request.
func (p Profile) Stamp(now time.Time) (string, error) {
	return p.stamp(strconv.FormatInt(now.Unix(), 10))
}

func (p Profile) stamp(clock string) (string, error) {
	mixed, err := p.mix([]byte(p.AppID + ":" + clock))
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(mixed), nil
}

// CheckStamp says whether a stamp was made for this brand, and for what time
// (seconds or milliseconds since 1970, as text).
func (p Profile) CheckStamp(stamp string) (clock string, ok bool) {
	mixed, err := base64.StdEncoding.DecodeString(stamp)
	if err != nil {
		return "", false
	}
	raw, err := p.mix(mixed)
	if err != nil {
		return "", false
	}
	prefix := p.AppID + ":"
	if len(raw) < len(prefix) || subtle.ConstantTimeCompare(raw[:len(prefix)], []byte(prefix)) != 1 {
		return "", false
	}
	clock = string(raw[len(prefix):])
	if (len(clock) != 10 && len(clock) != 13) || strings.Trim(clock, "0123456789") != "" {
		return "", false
	}
	return clock, true
}

func (p Profile) mix(text []byte) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(p.StampKey)
	if err != nil {
		return nil, fmt.Errorf("stamp key of %s: %w", p.Brand, err)
	}
	n := min(len(text), len(key))
	mixed := make([]byte, n)
	subtle.XORBytes(mixed, text[:n], key[:n])
	return mixed, nil
}
