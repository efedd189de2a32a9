package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
)

// Limits are what the engine lets out to the vendor. Zero values take the
// default; a negative number means that there is no such limit. Their JSON form
// is the member "limits" of a plugin's settings.
type Limits struct {
	// CallsPerDay of the account in requests of the vendor's, weighed by Prices.
	// Reserve of them are kept for commands that people give. Default: none.
	CallsPerDay, Reserve int
	// LoginsPerDay of the account, with a password. Default 24.
	LoginsPerDay int
	// WakesPerDay of a car, WakeInterval apart. Defaults 48 and 5 minutes.
	WakesPerDay  int
	WakeInterval time.Duration
	// AuxStop is the charge in percent below which the 12 V battery forbids wakes,
	// unless the car is plugged in or driving; AuxResume allows them again.
	// Defaults 60 and 75.
	AuxStop, AuxResume float64
	// Quiet are the hours without wakes. Default: none.
	Quiet []QuietHours
	// Workers is how many calls of the account's are under way at the same time; a few
	// more read while that many cars are being woken. Default: that of the engine.
	Workers int

	// Deadlines of the Vendor's calls. Authors set them.
	Deadlines Deadlines
	// Prices are how many requests a call of the Vendor stands for. Authors set
	// them. Default 1 each.
	Prices Prices
	// Metered: the Vendor counts its requests with [VendorConfig.Requested], so
	// that Prices only tell what a call is about to cost. Authors set it.
	Metered bool
	// Zone and ResetAt say when the vendor's day begins: so long after midnight.
	// Authors set them. Default: midnight UTC.
	Zone    *time.Location
	ResetAt time.Duration
}

// Prices in requests of the vendor's. Zero: 1.
type Prices struct{ Login, Renewal, List, Read, Wake int }

// QuietHours are a time of each day in which no car is woken.
type QuietHours struct {
	// Days on which it begins. Empty: all.
	Days []time.Weekday
	// From and To by the car's clock, as time since midnight. A To that is not
	// after From is on the next day.
	From, To time.Duration
	// Reads: the cloud's copy is not read either.
	Reads bool
}

// Limited is an optional part of a Vendor: it knows the limits of its cloud, and
// those that the settings have in their place.
type Limited interface {
	Limits() Limits
}

// Or returns the limits with the defaults where they have zero values.
func (l Limits) Or(defaults Limits) Limits {
	l.CallsPerDay, l.Reserve = orElse(l.CallsPerDay, defaults.CallsPerDay), orElse(l.Reserve, defaults.Reserve)
	l.LoginsPerDay, l.WakesPerDay = orElse(l.LoginsPerDay, defaults.LoginsPerDay), orElse(l.WakesPerDay, defaults.WakesPerDay)
	l.WakeInterval = orElse(l.WakeInterval, defaults.WakeInterval)
	l.AuxStop, l.AuxResume = orElse(l.AuxStop, defaults.AuxStop), orElse(l.AuxResume, defaults.AuxResume)
	if l.Quiet == nil {
		l.Quiet = defaults.Quiet
	}
	l.Workers = orElse(l.Workers, defaults.Workers)
	l.Metered, l.Deadlines = l.Metered || defaults.Metered, orElse(l.Deadlines, defaults.Deadlines)
	l.Prices, l.Zone, l.ResetAt = orElse(l.Prices, defaults.Prices), orElse(l.Zone, defaults.Zone), orElse(l.ResetAt, defaults.ResetAt)
	return l
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// policy is the gate's form.
func (l Limits) policy() gate.Policy {
	l = l.Or(Limits{LoginsPerDay: 24, WakesPerDay: 48, WakeInterval: 5 * time.Minute, AuxStop: 60, AuxResume: 75})
	p := gate.Policy{
		CallsPerDay: max(0, l.CallsPerDay), Reserve: max(0, l.Reserve), LoginsPerDay: max(0, l.LoginsPerDay),
		WakesPerDay: max(0, l.WakesPerDay), WakeInterval: max(0, l.WakeInterval),
		AuxStop: max(0, l.AuxStop), AuxResume: max(l.AuxStop, l.AuxResume), Zone: l.Zone, ResetAt: l.ResetAt, Metered: l.Metered,
		Prices: map[gate.Class]int{
			gate.Login: l.Prices.Login, gate.Renewal: l.Prices.Renewal, gate.List: l.Prices.List, gate.Read: l.Prices.Read, gate.Wake: l.Prices.Wake,
		},
	}
	for _, q := range l.Quiet {
		p.Quiet = append(p.Quiet, gate.Quiet(q))
	}
	return p
}

// limitsJSON is the form in settings.
type limitsJSON struct {
	CallsPerDay  int         `json:"calls_per_day"`
	Reserve      int         `json:"reserve"`
	LoginsPerDay int         `json:"logins_per_day"`
	WakesPerDay  int         `json:"wakes_per_day"`
	WakeInterval string      `json:"wake_interval"`
	AuxStop      float64     `json:"aux_stop"`
	AuxResume    float64     `json:"aux_resume"`
	Quiet        []quietJSON `json:"quiet"`
	Workers      workersJSON `json:"workers"`
}

// workersJSON is a number, or "auto" for what the number of processors suggests.
type workersJSON int

// Bounds of the number of workers.
const (
	maxWorkers  = 4096
	autoWorkers = 32
)

// UnmarshalJSON implements json.Unmarshaler.
func (w *workersJSON) UnmarshalJSON(b []byte) error {
	if string(b) == `"auto"` {
		*w = workersJSON(min(autoWorkers, runtime.NumCPU()+4))
		return nil
	}
	n := 0
	if err := json.Unmarshal(b, &n); err != nil || n < 1 || n > maxWorkers {
		return fmt.Errorf("workers is a number from 1 to %d, or \"auto\"", maxWorkers)
	}
	*w = workersJSON(n)
	return nil
}

type quietJSON struct {
	Days  []string `json:"days"`
	From  string   `json:"from"`
	To    string   `json:"to"`
	Reads bool     `json:"reads"`
}

// LimitsSchema is the JSON Schema of the limits, for a plugin's settings.
const LimitsSchema = `{
      "type": "object",
      "additionalProperties": false,
      "description": "What may go to the vendor; a negative number means no such limit",
      "properties": {
        "calls_per_day": {"type": "integer", "description": "Requests of the account"},
        "reserve": {"type": "integer", "description": "How many of them are kept for commands that people give"},
        "logins_per_day": {"type": "integer", "description": "Logins with the password"},
        "wakes_per_day": {"type": "integer", "description": "Wakes of a car"},
        "wake_interval": {"type": "string", "description": "Least time between two wakes of a car, for example 10m; -1s for none"},
        "aux_stop": {"type": "number", "description": "Charge of the 12 V battery in percent below which the car is not woken"},
        "aux_resume": {"type": "number", "description": "Charge in percent at which it may be woken again"},
        "quiet": {"type": "array", "description": "Hours without wakes, by the car's clock", "items": {
          "type": "object", "additionalProperties": false, "required": ["from", "to"],
          "properties": {
            "from": {"type": "string", "description": "22:00"}, "to": {"type": "string", "description": "06:30"},
            "days": {"type": "array", "items": {"type": "string"}, "description": "Days on which it begins; default all"},
            "reads": {"type": "boolean", "description": "No cloud reads either"}
          }
        }},
        "workers": {"type": ["integer", "string"], "description": "Calls to the vendor at the same time; default 32, \"auto\" for at most that and no more than processors plus four"}
      }
    }`

// UnmarshalJSON implements json.Unmarshaler. What it does not know is an error.
func (l *Limits) UnmarshalJSON(b []byte) error {
	var j limitsJSON
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&j); err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	*l = Limits{
		CallsPerDay: j.CallsPerDay, Reserve: j.Reserve, LoginsPerDay: j.LoginsPerDay, WakesPerDay: j.WakesPerDay,
		AuxStop: j.AuxStop, AuxResume: j.AuxResume, Workers: int(j.Workers),
	}
	if j.WakeInterval != "" {
		d, err := time.ParseDuration(j.WakeInterval)
		if err != nil {
			return fmt.Errorf("limits: wake_interval: %q is no time such as 10m", j.WakeInterval)
		}
		l.WakeInterval = d
	}
	if l.AuxStop > 100 || l.AuxResume > 100 || l.AuxResume > 0 && l.AuxResume < l.AuxStop {
		return errors.New("limits: aux_stop and aux_resume are percent, and the second is not below the first")
	}
	if j.Quiet != nil {
		l.Quiet = []QuietHours{}
	}
	for _, q := range j.Quiet {
		hours, err := q.hours()
		if err != nil {
			return fmt.Errorf("limits: quiet: %w", err)
		}
		l.Quiet = append(l.Quiet, hours)
	}
	return nil
}

func (q quietJSON) hours() (hours QuietHours, err error) {
	hours.Reads = q.Reads
	for _, name := range q.Days {
		day, err := weekday(name)
		if err != nil {
			return hours, err
		}
		hours.Days = append(hours.Days, day)
	}
	if hours.From, err = sinceMidnight(q.From); err == nil {
		hours.To, err = sinceMidnight(q.To)
	}
	return hours, err
}

func sinceMidnight(text string) (time.Duration, error) {
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of day such as 22:00", text)
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

// weekday takes a name of at least three letters, whatever its case.
func weekday(name string) (time.Weekday, error) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if len(name) >= 3 && strings.HasPrefix(strings.ToLower(day.String()), strings.ToLower(name)) {
			return day, nil
		}
	}
	return 0, fmt.Errorf("%q is no day of the week", name)
}
