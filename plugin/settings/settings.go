package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// Settings are what a user says about an account. [Schema] describes their JSON form.
type Settings struct {
	// Username is the e-mail address of the account.
	Username string `json:"username"`
	// Password of the account, or a refresh token of 48 capital letters and
	// digits.
	Password redact.Secret `json:"password"`
	// PIN is not needed for reading.
	PIN redact.Secret `json:"pin,omitempty"`
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
	// DriverSide is where the driver sits in the account's cars, left or right: newer
	// cars tell of a driver's and a passenger's door, window and seat. Default: that of
	// the region.
	DriverSide string `json:"driver_side,omitempty"`
	// Record writes the traffic with the vendor, without secrets, to a file in the
	// plugin's directory; see docs/reporting.md.
	Record bool `json:"record,omitempty"`
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

// Parse reads and checks settings. It fails with reason config_invalid
// and one sentence for each thing that is wrong.
func Parse(body json.RawMessage) (Settings, error) {
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
	if _, err := s.ResolveProfile(); err != nil {
		wrong = append(wrong, err.Error())
	}
	if _, err := s.ResolveLimits(); err != nil {
		wrong = append(wrong, err.Error())
	}
	if _, err := s.ResolveSchedule(); err != nil {
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

// ResolveLimits returns what the user has set in place of the region's.
func (s Settings) ResolveLimits() (l sdk.Limits, err error) {
	if len(s.Limits) > 0 {
		err = json.Unmarshal(s.Limits, &l)
	}
	return l, err
}

// ResolveSchedule returns the schedule of refreshes without a command.
func (s Settings) ResolveSchedule() (plan sdk.Schedule, err error) {
	if len(s.Schedule) > 0 {
		err = json.Unmarshal(s.Schedule, &plan)
	}
	return plan, err
}

// JSON is the form in which the settings are handed to the plugin. It holds
// secrets.
func (s Settings) JSON() json.RawMessage {
	body, _ := json.Marshal(s) // plain fields, and JSON that was read
	return body
}
