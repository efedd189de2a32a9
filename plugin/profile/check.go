package profile

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// minStampKey is the least length of a stamp key: that of an app id, a colon and a
// time in milliseconds.
const minStampKey = 50

// value is one of a profile's texts, and what it has to be.
type value struct {
	key   string
	text  *string
	check func(*string) error
	// needed: it has to be there.
	needed bool
}

func (p *Profile) values() []value {
	paths := &p.Paths
	europe := p.Region == "europe" // whose login has needs of its own
	return []value{
		{"zone", &p.ZoneName, checkZone, true},
		{"login_url", &p.LoginURL, checkBase, europe},
		{"cci_url", &p.CCIURL, checkBase, europe},
		{"api_url", &p.APIURL, checkBase, true},
		{"service_id", &p.ServiceID, checkHeader, true},
		{"service_secret", &p.ServiceSecret, checkHeader, europe},
		{"app_id", &p.AppID, checkHeader, true},
		{"push_type", &p.PushType, checkHeader, true},
		{"stamp_key", &p.StampKey, checkStampKey, p.Protocol.Stamps != None},
		{"one_app_client_id", &p.OneAppClientID, checkHeader, europe},
		{"one_app_redirect", &p.OneAppRedirect, checkURL, europe},
		{"package", &p.Package, checkHeader, europe},
		{"client_name", &p.ClientName, checkHeader, europe},
		{"client_version", &p.ClientVersion, checkHeader, europe},
		{"os_code", &p.OSCode, checkHeader, europe},
		{"os_version", &p.OSVersion, checkHeader, europe},
		{"device_model", &p.DeviceModel, checkHeader, europe},
		{"notification_type", &p.NotificationType, checkHeader, europe},
		{"user_agent", &p.UserAgent, checkHeader, true},
		{"login_user_agent", &p.LoginUserAgent, checkHeader, europe},
		{"grant_redirect", &p.GrantRedirect, checkURL, europe},
		{"paths.authorize", &paths.Authorize, checkRooted, europe},
		{"paths.login_key", &paths.LoginKey, checkRooted, europe},
		{"paths.sign_in", &paths.SignIn, checkRooted, europe},
		{"paths.refresh_grant", &paths.RefreshGrant, checkRooted, europe},
		{"paths.redeem", &paths.Redeem, checkRooted, europe},
		{"paths.refresh", &paths.Refresh, checkRooted, europe},
		{"paths.exchange", &paths.Exchange, checkRooted, europe},
		{"paths.api_refresh_grant", &paths.APIRefreshGrant, checkRooted, europe},
		{"paths.vehicle_api", &paths.VehicleAPI, checkPrefix, true},
		{"paths.register", &paths.Register, checkRelative, true},
		{"paths.vehicles", &paths.Vehicles, checkRelative, true},
		{"paths.ccs1_status", &paths.CCS1Status, checkRelative, true},
		{"paths.ccs1_wake", &paths.CCS1Wake, checkRelative, true},
		{"paths.ccs2_status", &paths.CCS2Status, checkRelative, true},
		{"paths.ccs2_wake", &paths.CCS2Wake, checkRelative, true},
		{"paths.park_location", &paths.ParkLocation, checkRelative, europe},
		{"paths.driving_history", &paths.DrivingHistory, checkRelative, europe},
		{"paths.trips", &paths.Trips, checkRelative, europe},
	}
}

// check looks at every value, and takes the slash from the end of base URLs.
func (p *Profile) check() error {
	var wrong []error
	if p.Version < 1 {
		wrong = append(wrong, errors.New("version is not 1 or above"))
	}
	if p.Region == "" {
		wrong = append(wrong, errors.New("region is missing"))
	}
	if err := p.Protocol.check(); err != nil {
		wrong = append(wrong, err)
	}
	for _, v := range p.values() {
		if *v.text == "" {
			if v.needed {
				wrong = append(wrong, fmt.Errorf("%s is missing", v.key))
			}
		} else if err := v.check(v.text); err != nil {
			wrong = append(wrong, fmt.Errorf("%s %w", v.key, err))
		}
	}
	return errors.Join(wrong...)
}

// All are the paths, for who has to tell their parts from ids.
func (p Paths) All() []string {
	var all []string
	for _, v := range (&Profile{Paths: p}).values() {
		if strings.HasPrefix(v.key, "paths.") {
			all = append(all, *v.text)
		}
	}
	return all
}

// BaseURL checks the URL of a host and returns it without slashes at the end.
// Plain HTTP is taken on this machine only.
func BaseURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("is no URL of a host")
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback(u.Hostname()):
	default:
		return "", errors.New("must be https; plain http is for this machine only")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func checkBase(text *string) error {
	base, err := BaseURL(*text)
	*text = base
	return err
}

func checkURL(text *string) error {
	_, err := BaseURL(*text)
	return err
}

func checkZone(text *string) error {
	if _, err := time.LoadLocation(*text); err != nil || *text == "Local" {
		return errors.New("is no time zone")
	}
	return nil
}

func checkStampKey(text *string) error {
	key, err := base64.StdEncoding.DecodeString(*text)
	switch {
	case err != nil:
		return errors.New("is no base64")
	case len(key) < minStampKey:
		return fmt.Errorf("has %d bytes and not %d or more", len(key), minStampKey)
	}
	return nil
}

var (
	// headerForm is what a header can carry.
	headerForm = regexp.MustCompile(`^[!-~]([ -~]{0,500}[!-~])?$`)
	pathForm   = regexp.MustCompile(`^/?([A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*[A-Za-z0-9_~-][A-Za-z0-9._~-]*/?$`)
)

func checkHeader(text *string) error {
	if !headerForm.MatchString(*text) {
		return errors.New("is not what a header can carry")
	}
	return nil
}

func checkRooted(text *string) error {
	if !pathForm.MatchString(*text) || !strings.HasPrefix(*text, "/") || strings.HasSuffix(*text, "/") {
		return errors.New("is no path that begins with a slash")
	}
	return nil
}

func checkPrefix(text *string) error {
	if !pathForm.MatchString(*text) || !strings.HasPrefix(*text, "/") || !strings.HasSuffix(*text, "/") {
		return errors.New("is no path that begins and ends with a slash")
	}
	return nil
}

func checkRelative(text *string) error {
	if !pathForm.MatchString(*text) || strings.HasPrefix(*text, "/") || strings.HasSuffix(*text, "/") {
		return errors.New("is no path without a slash at its ends")
	}
	return nil
}
