package plugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// Settings are what a user says about an account. SettingsSchema describes
// their JSON form.
type Settings struct {
	// Username is the e-mail address of the account.
	Username string `json:"username"`
	// Password of the account, or a refresh token of 48 capital letters and
	// digits.
	Password string `json:"password"`
	// PIN is not needed for reading.
	PIN string `json:"pin,omitempty"`
	// Region by number or name. Default: Europe.
	Region Name `json:"region,omitempty"`
	// Brand by number or name. Default: 1, Kia.
	Brand Name `json:"brand,omitempty"`
	// Language of what the vendor writes, two letters. Default en.
	Language  string    `json:"language,omitempty"`
	Endpoints Endpoints `json:"endpoints,omitzero"`
	// Profile replaces values of the built-in profile: an object of the same
	// form, with version, region, brand and the keys to replace. Endpoints go
	// before it.
	Profile json.RawMessage `json:"profile,omitempty"`
	// RereadAfter says when, after the wake of a CCS2 car, its status is read:
	// ["3s", "8s", …]. Default: as suits a real car.
	RereadAfter []Duration `json:"reread_after,omitempty"`
	// Limits of what goes out, in the form of [sdk.Limits]. Default: those of the
	// region.
	Limits json.RawMessage `json:"limits,omitempty"`
	// Schedule in the form of [sdk.Schedule]. Default: off.
	Schedule json.RawMessage `json:"schedule,omitempty"`
}

// Endpoints replace the vendor's hosts, for tests and for days when it moves
// them. Plain HTTP is allowed on this machine only.
type Endpoints struct {
	Login string `json:"login,omitempty"`
	CCI   string `json:"cci,omitempty"`
	API   string `json:"api,omitempty"`
}

// Name is a word; in JSON a number is taken as well.
type Name string

// UnmarshalJSON implements json.Unmarshaler.
func (n *Name) UnmarshalJSON(b []byte) error {
	var word string
	if json.Unmarshal(b, &word) == nil {
		*n = Name(word)
		return nil
	}
	var number json.Number
	if err := json.Unmarshal(b, &number); err != nil {
		return errors.New("neither a word nor a number")
	}
	*n = Name(number)
	return nil
}

// Duration is a time.Duration; in JSON it is text such as "3s".
type Duration time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	v, err := time.ParseDuration(text)
	*d = Duration(v)
	return err
}

// MarshalJSON implements json.Marshaler.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// SettingsSchema is the JSON Schema of the settings.
const SettingsSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "hyundai-plugin settings",
  "type": "object",
  "additionalProperties": false,
  "required": ["username", "password"],
  "properties": {
    "username": {"type": "string", "minLength": 1, "description": "E-mail address of the account"},
    "password": {"type": "string", "minLength": 1, "description": "Password of the account, or a refresh token of 48 capital letters and digits", "writeOnly": true},
    "pin": {"type": "string", "description": "PIN of the account; not needed for reading", "writeOnly": true},
    "region": {"type": ["string", "integer"], "default": "europe", "description": "1 or europe"},
    "brand": {"type": ["string", "integer"], "default": 1, "description": "1 or kia, 2 or hyundai, 3 or genesis"},
    "language": {"type": "string", "default": "en", "description": "Two letters"},
    "endpoints": {
      "type": "object",
      "additionalProperties": false,
      "description": "Other hosts than the vendor's; plain HTTP on this machine only",
      "properties": {
        "login": {"type": "string", "format": "uri"},
        "cci": {"type": "string", "format": "uri"},
        "api": {"type": "string", "format": "uri"}
      }
    },
    "profile": {
      "type": "object",
      "required": ["version", "region", "brand"],
      "description": "Values in place of the built-in ones, for days when the vendor moves its servers: an object of the form of plugin/profile/europe/*.json with the keys to replace",
      "properties": {
        "version": {"type": "integer", "minimum": 1},
        "region": {"const": "europe"},
        "brand": {"enum": ["hyundai", "kia", "genesis"]}
      }
    },
    "reread_after": {"type": "array", "items": {"type": "string"}, "description": "When to look for the answer of a woken CCS2 car: 3s, 8s, …"},
    "limits": ` + sdk.LimitsSchema + `,
    "schedule": ` + sdk.ScheduleSchema + `
  }
}`

// ParseSettings reads and checks settings. It fails with reason config_invalid
// and one sentence for each thing that is wrong.
func ParseSettings(body json.RawMessage) (Settings, error) {
	var s Settings
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(&s)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one document")
		}
	}
	if err != nil {
		// The decoder's own text may quote a value.
		var unknown string
		if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok {
			unknown = ": there is no setting " + new(redact.Redactor).String(name)
		}
		return Settings{}, shared.Errorf(shared.ReasonConfigInvalid, "The settings are no JSON object of the expected form%s.", unknown)
	}
	var wrong []string
	if strings.TrimSpace(s.Username) == "" || s.Password == "" {
		wrong = append(wrong, "username and password are both needed (HYUNDAI_USERNAME, HYUNDAI_PASSWORD)")
	}
	if _, err := s.profile(); err != nil {
		wrong = append(wrong, err.Error())
	}
	if _, err := s.limits(); err != nil {
		wrong = append(wrong, err.Error())
	}
	if _, err := s.schedule(); err != nil {
		wrong = append(wrong, err.Error())
	}
	if len(s.RereadAfter) > 100 {
		wrong = append(wrong, "reread_after has more than 100 entries")
	}
	for i, d := range s.RereadAfter {
		if d <= 0 || i > 0 && d <= s.RereadAfter[i-1] {
			wrong = append(wrong, "reread_after must rise, from above zero")
			break
		}
	}
	if len(wrong) > 0 {
		return Settings{}, shared.Errorf(shared.ReasonConfigInvalid, "The settings are not valid: %s.", strings.Join(wrong, "; "))
	}
	return s, nil
}

// limits are what the user has set in place of the region's.
func (s Settings) limits() (l sdk.Limits, err error) {
	if len(s.Limits) > 0 {
		err = json.Unmarshal(s.Limits, &l)
	}
	return l, err
}

// schedule of refreshes without a command.
func (s Settings) schedule() (plan sdk.Schedule, err error) {
	if len(s.Schedule) > 0 {
		err = json.Unmarshal(s.Schedule, &plan)
	}
	return plan, err
}

// overrides says whether there is an override at all.
func (s Settings) overrides() bool { return len(s.Profile) > 0 && string(s.Profile) != "null" }

// profile is the profile of region and brand, with override and endpoints put
// in.
func (s Settings) profile() (profile.Profile, error) {
	if err := s.region(); err != nil {
		return profile.Profile{}, err
	}
	brand, err := s.brand()
	if err != nil {
		return profile.Profile{}, err
	}
	p, err := profile.Europe(brand)
	if err != nil {
		return profile.Profile{}, err
	}
	if s.overrides() {
		if p, err = p.Override(s.Profile); err != nil {
			return profile.Profile{}, fmt.Errorf("profile: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	for _, e := range []struct {
		name, value string
		target      *string
	}{
		{"endpoints.login", s.Endpoints.Login, &p.LoginURL},
		{"endpoints.cci", s.Endpoints.CCI, &p.CCIURL},
		{"endpoints.api", s.Endpoints.API, &p.APIURL},
	} {
		if e.value == "" {
			continue
		}
		if *e.target, err = profile.BaseURL(e.value); err != nil {
			return profile.Profile{}, fmt.Errorf("%s %w", e.name, err)
		}
	}
	return p, nil
}

// regions by the numbers that users know; only Europe is built.
func (s Settings) region() error {
	switch word := strings.ToLower(strings.TrimSpace(string(s.Region))); word {
	case "", "1", "europe", "eu":
		return nil
	case "2", "canada", "ca", "3", "usa", "us", "4", "china", "cn", "5", "australia", "au",
		"6", "india", "in", "7", "new zealand", "nz", "8", "brazil", "br":
		return fmt.Errorf("region %q is not supported yet, only Europe is", word)
	default:
		return fmt.Errorf("region %q is not known: use 1 or europe", word)
	}
}

// brand by the numbers of the vendor library that users' settings come from.
func (s Settings) brand() (profile.Brand, error) {
	switch word := strings.ToLower(strings.TrimSpace(string(s.Brand))); word {
	case "", "1", "kia":
		return profile.Kia, nil
	case "2", "hyundai":
		return profile.Hyundai, nil
	case "3", "genesis":
		return profile.Genesis, nil
	default:
		return "", fmt.Errorf("brand %q is not known: use kia, hyundai or genesis (or 1, 2, 3)", word)
	}
}

// brandByNumber says whether the brand was given as a number, whose meaning
// many descriptions have wrong.
func (s Settings) brandByNumber() bool {
	word := strings.TrimSpace(string(s.Brand))
	return word == "" || strings.Trim(word, "0123456789") == ""
}
