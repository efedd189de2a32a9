package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Schedule says when the engine refreshes a car by itself: from the cloud's copy,
// unless it says otherwise, and always within the [Limits]. The zero value: never.
// Its JSON form is the member "schedule" of a plugin's settings.
type Schedule struct {
	// Time between two readings while the car drives, charges, is plugged in, was
	// parked or unplugged in the last half hour, stands, and has stood for three
	// days. Zero: not then.
	Driving, Charging, Plugged, Parked, Idle, LongIdle time.Duration
	// AfterCharging reads once when charging should have ended.
	AfterCharging bool
	// FreshAt is a time of day by the car's clock, since midnight, at which the
	// car's own time has to be of the last hour: else it is woken, once a day. Nil:
	// none.
	FreshAt *time.Duration
	// WakeIfOlder makes each reading wake the car if its own time is older than
	// that. Zero: never.
	WakeIfOlder time.Duration
}

// Scheduled is an optional part of a Vendor: its settings have a schedule.
type Scheduled interface {
	Schedule() Schedule
}

// RecommendedSchedule asks little of the vendor, and nothing of the car: about
// thirty requests on a day on which the car drives and charges at home.
func RecommendedSchedule() Schedule {
	return Schedule{
		Charging: 30 * time.Minute, Plugged: 3 * time.Hour, Parked: 15 * time.Minute, Idle: 4 * time.Hour, LongIdle: 12 * time.Hour,
		AfterCharging: true,
	}
}

// leastPeriod between two readings of a schedule, and between two wakes.
const leastPeriod, leastAge = time.Minute, 5 * time.Minute

func (s Schedule) off() bool { return s == Schedule{} }

// scheduleJSON is the form in settings.
type scheduleJSON struct {
	Driving       string `json:"driving,omitempty"`
	Charging      string `json:"charging,omitempty"`
	Plugged       string `json:"plugged,omitempty"`
	Parked        string `json:"parked,omitempty"`
	Idle          string `json:"idle,omitempty"`
	LongIdle      string `json:"long_idle,omitempty"`
	AfterCharging bool   `json:"after_charging,omitempty"`
	FreshAt       string `json:"fresh_at,omitempty"`
	WakeIfOlder   string `json:"wake_if_older,omitempty"`
}

// ScheduleSchema is the JSON Schema of a schedule, for a plugin's settings.
const ScheduleSchema = `{
      "description": "When cars are refreshed without a command; \"recommended\", \"off\", or the time between two readings by what the car does",
      "oneOf": [{"enum": ["recommended", "off"]}, {
        "type": "object",
        "additionalProperties": false,
        "properties": {
          "driving": {"type": "string", "description": "For example 5m; each of these may be left out: not read then"},
          "charging": {"type": "string"}, "plugged": {"type": "string", "description": "Plugged in and not charging"},
          "parked": {"type": "string", "description": "In the half hour after it was parked or unplugged"},
          "idle": {"type": "string"}, "long_idle": {"type": "string", "description": "After three days"},
          "after_charging": {"type": "boolean", "description": "One reading when charging should have ended"},
          "fresh_at": {"type": "string", "description": "Time of day by the car's clock, for example 05:00, at which its own report is to be of the last hour; else it is woken, once a day"},
          "wake_if_older": {"type": "string", "description": "Readings wake the car if its own report is older than that; default never"}
        }
      }]
    }`

// UnmarshalJSON implements json.Unmarshaler: an object, "recommended" or "off".
// What it does not know is an error.
func (s *Schedule) UnmarshalJSON(b []byte) error {
	switch string(bytes.TrimSpace(b)) {
	case `"off"`, `null`:
		*s = Schedule{}
		return nil
	case `"recommended"`:
		*s = RecommendedSchedule()
		return nil
	}
	var j scheduleJSON
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&j); err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	next := Schedule{AfterCharging: j.AfterCharging}
	for _, f := range []struct {
		name, text string
		least      time.Duration
		into       *time.Duration
	}{
		{"driving", j.Driving, leastPeriod, &next.Driving},
		{"charging", j.Charging, leastPeriod, &next.Charging},
		{"plugged", j.Plugged, leastPeriod, &next.Plugged},
		{"parked", j.Parked, leastPeriod, &next.Parked},
		{"idle", j.Idle, leastPeriod, &next.Idle},
		{"long_idle", j.LongIdle, leastPeriod, &next.LongIdle},
		{"wake_if_older", j.WakeIfOlder, leastAge, &next.WakeIfOlder},
	} {
		if f.text == "" {
			continue
		}
		d, err := time.ParseDuration(f.text)
		if err != nil || d < f.least {
			return fmt.Errorf("schedule: %s: %q is no time such as 30m, of %s or more", f.name, f.text, f.least)
		}
		*f.into = d
	}
	if j.FreshAt != "" {
		at, err := sinceMidnight(j.FreshAt)
		if err != nil {
			return fmt.Errorf("schedule: fresh_at: %w", err)
		}
		next.FreshAt = &at
	}
	if next.WakeIfOlder > 0 && (Schedule{WakeIfOlder: next.WakeIfOlder, FreshAt: next.FreshAt}) == next {
		return errors.New("schedule: wake_if_older is of no use without a time between readings")
	}
	*s = next
	return nil
}

// MarshalJSON implements json.Marshaler.
func (s Schedule) MarshalJSON() ([]byte, error) {
	text := func(d time.Duration) string {
		if d == 0 {
			return ""
		}
		return d.String()
	}
	j := scheduleJSON{
		Driving: text(s.Driving), Charging: text(s.Charging), Plugged: text(s.Plugged), Parked: text(s.Parked), Idle: text(s.Idle),
		LongIdle: text(s.LongIdle), AfterCharging: s.AfterCharging, WakeIfOlder: text(s.WakeIfOlder),
	}
	if s.FreshAt != nil {
		j.FreshAt = fmt.Sprintf("%02d:%02d", int(s.FreshAt.Hours()), int(s.FreshAt.Minutes())%60)
	}
	return json.Marshal(j)
}
