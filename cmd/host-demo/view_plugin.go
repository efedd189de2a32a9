package main

import (
	"fmt"
	"runtime"
	"strings"
	"unicode"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// event is the host's listener.
func (v *view) event(e host.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e.Kind == host.EventState && e.State == host.Quarantined && e.Message == "" {
		// The crash before it said more, but this is what stays on the screen.
		e.Reason, e.Message = string(shared.ReasonPluginQuarantined), shared.ReasonPluginQuarantined.Sentence()
	}
	if e.Kind == host.EventVehicles && v.host != nil {
		v.listCars()
	}
	fields := map[string]any{"plugin": e.Plugin, "kind": string(e.Kind), "state": string(e.State)}
	if e.PID != 0 {
		fields["pid"] = e.PID
	}
	if e.Reason != "" {
		fields["reason"] = e.Reason
	}
	if e.Message != "" {
		fields["message"] = e.Message
	}
	if e.Crash != nil {
		fields["crash"] = e.Crash
	}
	v.emit("plugin", fields, v.pluginLine(e))
	v.announce()
}

// pluginLine is an event for people. Called with mu held.
func (v *view) pluginLine(e host.Event) string {
	switch e.Kind {
	case host.EventState:
		if v.announced {
			return v.stamp(v.called(e.Plugin) + " " + string(e.State) + processOf(", pid %d", e) + noteOf(e))
		}
		// Until all is up, only the outcome is of interest, and the same trouble
		// only once.
		if e.State != host.Ready && e.Message == "" {
			return ""
		}
		line := row(v.called(e.Plugin), processOf("pid %d", e), string(e.State)+noteOf(e))
		if line == v.said {
			return ""
		}
		v.said = line
		return line
	case host.EventCrash:
		return v.stamp(v.called(e.Plugin) + " crashed: " + printable(e.Message) + lastWord(e))
	case host.EventHealth:
		if e.Reason != "" {
			return v.stamp(v.called(e.Plugin) + " says: " + printable(e.Message))
		}
	case host.EventClaim:
		return v.stamp(printable(e.Message))
	case host.EventVehicles:
	}
	return ""
}

// called is how a plugin is named to people: by its name, if there are several. Called with mu
// held.
func (v *view) called(name string) string {
	if v.several {
		return "plugin " + name
	}
	return "plugin"
}

// upgraded tells how an upgrade that somebody asked for came out.
func (v *view) upgraded(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil {
		v.emit("upgrade", map[string]any{"ok": false, "reason": string(shared.AsAPIError(err).Reason), "message": err.Error()},
			v.stamp(printable(err.Error())))
		return
	}
	v.emit("upgrade", map[string]any{"ok": true}, v.stamp("plugin upgraded: its program is trusted from now on"))
}

// reloaded shows what of the settings has changed, and what is wrong with them.
func (v *view) reloaded(changes []string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, sentence := range changes {
		v.emit("settings", map[string]any{"ok": true, "message": sentence}, v.stamp(sentence))
	}
	if err != nil {
		v.emit("settings", map[string]any{"ok": false, "message": err.Error()}, v.stamp(printable(err.Error())))
	}
}

func (v *view) released() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.emit("released", map[string]any{}, v.stamp("plugin released from quarantine"))
}

func processOf(format string, e host.Event) string {
	if e.PID == 0 {
		return ""
	}
	return fmt.Sprintf(format, e.PID)
}

// noteOf is the event's sentence, with what can be done about it here.
func noteOf(e host.Event) string {
	if e.Message == "" {
		return ""
	}
	return ": " + printable(e.Message) + remedy(shared.Reason(e.Reason))
}

func remedy(r shared.Reason) string {
	option := ""
	switch r {
	case shared.ReasonPluginQuarantined:
		option = "--release"
	case shared.ReasonPluginUntrusted:
		option = "--accept-plugin"
	default:
		return ""
	}
	if runtime.GOOS == "windows" {
		return " (Start with " + option + ".)"
	}
	return " (Start with " + option + ", or send SIGHUP.)"
}

// lastWord is a line of its own with what a plugin said before its end: the
// first line of its panic, or the last of its log. Not if the sentence has it.
func lastWord(e host.Event) string {
	if e.Crash == nil {
		return ""
	}
	word := ""
	switch panicked, lines := e.Crash.LastPanic, e.Crash.LastLines; {
	case len(panicked) > 0:
		word = panicked[0]
	case len(lines) > 0:
		word = lines[len(lines)-1]
	}
	if word == "" || strings.Contains(e.Message, word) {
		return ""
	}
	return "\n         " + printable(word)
}

// maxShown is how much of a plugin's words fits on a screen, in characters.
const maxShown = 300

// printable keeps a plugin's words from steering the terminal or filling it.
func printable(text string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text))
	if len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return string(runes)
}
