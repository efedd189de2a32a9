package mqtt

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Bounds of a smart command's maximum age, in seconds.
const (
	minAge = 1
	maxAge = 7 * 24 * 60 * 60
)

// Command is a refresh command.
type Command struct {
	Mode shared.Mode
	// MaxAge of a smart command; zero: the default.
	MaxAge time.Duration
	// Override of a force command: wake the car in spite of the plugin's own
	// limits.
	Override bool
}

// String is the command's payload.
func (c Command) String() string {
	if c.Mode == shared.ModeSmart && c.MaxAge > 0 {
		return fmt.Sprintf("smart:%d", int(c.MaxAge.Seconds()))
	}
	if c.Override {
		return string(c.Mode) + ":" + override
	}
	return string(c.Mode)
}

// override is the word for it in a command.
const override = "override"

// ParseCommand reads a payload: cached, force, force:override, smart, or
// smart:SECONDS. Case
// matters, blanks around it do not. It fails with reason invalid_command.
func ParseCommand(payload []byte) (Command, error) {
	if len(payload) > 64 || !utf8.Valid(payload) {
		return Command{}, shared.Errorf(shared.ReasonInvalidCommand, "The command is no short text. Use cached, force, smart or smart:SECONDS.")
	}
	text := strings.TrimSpace(string(payload))
	word, age, hasAge := strings.Cut(text, ":")
	switch mode := shared.Mode(word); {
	case (mode == shared.ModeCached || mode == shared.ModeForce || mode == shared.ModeSmart) && !hasAge:
		return Command{Mode: mode}, nil
	case mode == shared.ModeForce && strings.TrimSpace(age) == override:
		return Command{Mode: mode, Override: true}, nil
	case mode == shared.ModeSmart:
		seconds, err := parseSeconds(age)
		return Command{Mode: mode, MaxAge: seconds}, err
	case text == "":
		return Command{}, shared.Errorf(shared.ReasonInvalidCommand, "The command is empty. Use cached, force, smart or smart:SECONDS.")
	}
	return Command{}, shared.Errorf(shared.ReasonInvalidCommand, "There is no command %q. Use cached, force, smart or smart:SECONDS, in lower case.", text)
}

func parseSeconds(text string) (time.Duration, error) {
	digits := strings.TrimSpace(text)
	n, err := strconv.Atoi(digits)
	if err != nil || strings.Trim(digits, "0123456789") != "" || n < minAge || n > maxAge {
		return 0, shared.Errorf(shared.ReasonInvalidCommand,
			"%q is no maximum age. Use smart:SECONDS with a whole number from %d to %d (7 days).", digits, minAge, maxAge)
	}
	return time.Duration(n) * time.Second, nil
}

// vehicleID is what an id may look like.
var vehicleID = regexp.MustCompile(`^[A-Za-z0-9_\-]{1,128}$`)

// parse reads a message. Everything that is wrong with it is a typed error.
func (m message) parse(vehicle string) (Command, error) {
	if err := m.refused(vehicle); err != nil {
		return Command{}, err
	}
	return ParseCommand(m.payload)
}

// refused says why a message is not carried out, whatever it says.
func (m message) refused(vehicle string) error {
	switch {
	case m.overflow:
		full := shared.NewError(shared.ReasonQueueFull)
		full.Source, full.RetryAfter = shared.SourceHost, 5*time.Second
		return full
	case m.retained:
		return shared.Errorf(shared.ReasonInvalidCommand,
			"The command was kept by the broker and is not carried out, for it may be old. Publish commands without the retain flag.")
	case !vehicleID.MatchString(vehicle):
		return shared.Errorf(shared.ReasonInvalidCommand, "The topic holds no vehicle id: letters, digits, _ and - only.")
	}
	return nil
}

// Kinds of commands, the last level of their topics.
const (
	commandRefresh  = "refresh"
	commandSchedule = "schedule"
)

// commandTopic takes a command's topic apart.
func commandTopic(topic, base string) (vehicle, kind string, ok bool) {
	rest, ok := strings.CutPrefix(topic, base+"/")
	levels := strings.Split(rest, "/")
	if !ok || len(levels) != 3 || levels[0] == "" || levels[1] != "commands" {
		return "", "", false
	}
	return levels[0], levels[2], levels[2] == commandRefresh || levels[2] == commandSchedule
}

// newRequestID is short and unique enough to find a command in the log.
func newRequestID() string { return rand.Text()[:10] }
