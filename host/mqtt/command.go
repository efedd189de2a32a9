package mqtt

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Bounds of a command, in seconds where they are times.
const (
	// minAge and maxAge of a smart command's maximum age.
	minAge = 1
	maxAge = 7 * 24 * 60 * 60
	// minTimeout and maxTimeout of a command's own timeout.
	minTimeout = 1
	maxTimeout = 600
	// maxID is how many bytes a sender's id may have.
	maxID = 128
	// maxCommand is how long a payload may be.
	maxCommand = 1 << 10
)

// Command is a refresh command.
type Command struct {
	Mode shared.Mode
	// MaxAge of a smart command; zero: the default.
	MaxAge time.Duration
	// Override of a force command: wake the car in spite of the plugin's own
	// limits.
	Override bool
	// ID is the sender's name for the command, which its answers echo; empty: none.
	ID string
	// Timeout is when the sender is not interested any more; zero: see [shared.Mode.Deadline].
	Timeout time.Duration
}

// String is the command's payload in one word.
func (c Command) String() string {
	if c.Mode == shared.ModeSmart && c.MaxAge > 0 {
		return fmt.Sprintf("smart:%d", int(c.MaxAge.Seconds()))
	}
	if c.Override {
		return string(c.Mode) + ":" + override
	}
	return string(c.Mode)
}

// good is how long the command may wait for the hub.
func (c Command) good() time.Duration { return cmp.Or(c.Timeout, c.Mode.DefaultTimeout()) }

// deadline is how long the command may take.
func (c Command) deadline() time.Duration { return cmp.Or(c.Timeout, c.Mode.Deadline()) }

// override is the word for it in a command.
const override = "override"

// ParseCommand reads a payload: one of the words cached, force, force:override, smart
// and smart:SECONDS, or a JSON object. Case matters, blanks around it do not. It fails
// with reason invalid_command and a [Fault]; the command then has the id, if that was
// understood.
func ParseCommand(payload []byte) (Command, error) {
	switch {
	case len(payload) > maxCommand:
		return Command{}, faulty(CodeTooLong, "", "The command is longer than %d bytes.", maxCommand)
	case !utf8.Valid(payload):
		return Command{}, faulty(CodeNotText, "", "The command is no text. Use cached, force, smart, smart:SECONDS, or JSON.")
	}
	text := strings.TrimSpace(string(payload))
	if text != "" && strings.ContainsAny(text[:1], `{["`) {
		return parseObject(text)
	}
	return parseWord(text)
}

func parseWord(text string) (Command, error) {
	word, age, hasAge := strings.Cut(text, ":")
	switch mode := shared.Mode(word); {
	case text == "":
		return Command{}, faulty(CodeEmpty, "", "The command is empty. Use cached, force, smart or smart:SECONDS.")
	case mode.Check() == nil && !hasAge:
		return Command{Mode: mode}, nil
	case mode == shared.ModeForce && strings.TrimSpace(age) == override:
		return Command{Mode: mode, Override: true}, nil
	case mode == shared.ModeSmart:
		seconds, err := parseSeconds(age)
		return Command{Mode: mode, MaxAge: seconds}, err
	}
	return Command{}, faulty(CodeUnknownMode, "", "There is no command %q. Use cached, force, smart or smart:SECONDS, in lower case.", shortened(text))
}

func parseSeconds(text string) (time.Duration, error) {
	digits := strings.TrimSpace(text)
	n, err := strconv.Atoi(digits)
	if err != nil || strings.Trim(digits, "0123456789") != "" || n < minAge || n > maxAge {
		return 0, faulty(CodeOutOfRange, "max_age",
			"%q is no maximum age. Use smart:SECONDS with a whole number from %d to %d (7 days).", shortened(digits), minAge, maxAge)
	}
	return time.Duration(n) * time.Second, nil
}

// shortened is a sender's text as it is quoted.
func shortened(text string) string {
	const most = 64
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// vehicleID is what an id may look like.
var vehicleID = regexp.MustCompile(`^[A-Za-z0-9_\-]{1,128}$`)

// parse reads a message. Everything that is wrong with it is a typed error.
func (m message) parse(vehicle string) (Command, error) {
	cmd, err := ParseCommand(m.payload)
	if refused := m.refused(vehicle); refused != nil {
		return cmd, refused
	}
	return cmd, err
}

// refused says why a command is not carried out, whatever it says.
func (m message) refused(vehicle string) error {
	if err := m.unfit(); err != nil {
		return err
	}
	if !vehicleID.MatchString(vehicle) {
		return faulty(CodeVehicle, "topic", "The topic holds no vehicle id: letters, digits, _ and - only.")
	}
	return nil
}

// unfit says why a message is not carried out, whatever it says and is about.
func (m message) unfit() error {
	switch {
	case m.overflow:
		full := shared.NewError(shared.ReasonQueueFull)
		full.Source, full.RetryAfter = shared.SourceHost, 5*time.Second
		return full
	case m.retained:
		return faulty(CodeRetained, "",
			"The command was kept by the broker and is not carried out, for it may be old. Publish commands without the retain flag.")
	}
	return nil
}

// young says whether a message that is good for so long has not waited for longer while
// the hub was away.
func (m message) young(good time.Duration) bool { return m.waited >= 0 && m.waited < good }

// Levels of the topics of commands and of their answers, below the vehicle.
const (
	levelCommands  = "commands/"
	levelResponses = "responses/"
)

// Kinds of commands, the last level of their topics.
const (
	commandRefresh  = "refresh"
	commandSchedule = "schedule"
)

// commandTopic takes a command's topic apart.
func commandTopic(topic, base string) (vehicle, kind string, ok bool) {
	rest, ok := strings.CutPrefix(topic, base+"/")
	levels := strings.Split(rest, "/")
	if !ok || len(levels) != 3 || levels[0] == "" || levels[1]+"/" != levelCommands {
		return "", "", false
	}
	return levels[0], levels[2], levels[2] == commandRefresh || levels[2] == commandSchedule
}

// newRequestID is short and unique enough to find a command in the log.
func newRequestID() string { return rand.Text()[:10] }
