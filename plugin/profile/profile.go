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

// Profile is what a client has to know of one brand in one region. Its JSON form
// is that of the built-in files and of a user's override.
type Profile struct {
	// Version of the values. It rises when any of them changes.
	Version int    `json:"version"`
	Region  string `json:"region"`
	Brand   Brand  `json:"brand"`
	// ZoneName is the zone of the region's zone-less times.
	ZoneName string `json:"zone"`

	// Base URLs without a slash at the end: the login pages, the account API
	// (CCI, in Europe only), and the vehicle API (ccapi).
	LoginURL string `json:"login_url"`
	CCIURL   string `json:"cci_url"`
	APIURL   string `json:"api_url"`

	// The vehicle API's client: the service id is also the classic OAuth client.
	ServiceID     string `json:"service_id"`
	ServiceSecret string `json:"service_secret"`
	AppID         string `json:"app_id"`
	PushType      string `json:"push_type"`
	// StampKey is the base64 text of the 50 bytes or more that stamps are made with.
	StampKey string `json:"stamp_key"`

	// The app's client at the account API, and what the app says of itself. In
	// Europe only, as the following down to Paths.
	OneAppClientID   string `json:"one_app_client_id"`
	OneAppRedirect   string `json:"one_app_redirect"`
	Package          string `json:"package"`
	ClientName       string `json:"client_name"`
	ClientVersion    string `json:"client_version"`
	OSCode           string `json:"os_code"`
	OSVersion        string `json:"os_version"`
	DeviceModel      string `json:"device_model"`
	NotificationType string `json:"notification_type"`

	// UserAgent of API calls.
	UserAgent string `json:"user_agent"`
	// LoginUserAgent of the login pages; they refuse one without the suffix
	// _CCS_APP_AOS.
	LoginUserAgent string `json:"login_user_agent"`

	// GenesisTokens: legacy refresh tokens are renewed at the vehicle API, with
	// GrantRedirect, and not at the login pages.
	GenesisTokens bool   `json:"genesis_tokens"`
	GrantRedirect string `json:"grant_redirect"`

	Protocol Protocol `json:"protocol"`
	Paths    Paths    `json:"paths"`
}

// Paths of the calls that a client makes.
type Paths struct {
	// At the login pages.
	Authorize    string `json:"authorize"`
	LoginKey     string `json:"login_key"`
	SignIn       string `json:"sign_in"`
	RefreshGrant string `json:"refresh_grant"`
	// At the account API.
	Redeem   string `json:"redeem"`
	Refresh  string `json:"refresh"`
	Exchange string `json:"exchange"`
	// At the vehicle API.
	APIRefreshGrant string `json:"api_refresh_grant"`
	VehicleAPI      string `json:"vehicle_api"`
	// Below VehicleAPI.
	Register string `json:"register"`
	Vehicles string `json:"vehicles"`
	// Below Vehicles and a car's id.
	CCS1Status   string `json:"ccs1_status"`
	CCS1Wake     string `json:"ccs1_wake"`
	CCS2Status   string `json:"ccs2_status"`
	CCS2Wake     string `json:"ccs2_wake"`
	ParkLocation string `json:"park_location"`

	DrivingHistory string `json:"driving_history"`
	Trips          string `json:"trips"`
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
