package cloudsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Script is a list of faults that happen one after the other: a step begins when
// the one before it is over.
type Script struct {
	// Name in the list of running scripts.
	Name  string `yaml:"name,omitempty"`
	Steps []Step `yaml:"steps"`
}

// Step is one fault: what happens, to which calls, and for how long. Which of
// the members a fault takes is in docs/cloudsim.md; others are refused.
type Step struct {
	Fault Fault `yaml:"fault"`

	// On are the classes of the calls that it meets. Default: all, or those that
	// the fault is about.
	On ClassList `yaml:"on,omitempty"`
	// Path is how the path of these calls ends. Default: any.
	Path string `yaml:"path,omitempty"`
	// Car that it is about, by id or name. Default: any.
	Car string `yaml:"car,omitempty"`
	// Wait is the time between the end of the step before and the begin of this.
	Wait time.Duration `yaml:"wait,omitempty"`
	// After so many calls that it would meet, which are let through.
	After int `yaml:"after,omitempty"`

	// Times is how many calls it meets. Default 1, with For or Always any.
	Times int `yaml:"times,omitempty"`
	// For is how long it goes on.
	For time.Duration `yaml:"for,omitempty"`
	// Always: it never ends.
	Always bool `yaml:"always,omitempty"`

	// Code of a refusal, for example "4004".
	Code string `yaml:"code,omitempty"`
	// Status of an HTTP answer.
	Status int `yaml:"status,omitempty"`
	// Text of a refusal or body of an answer.
	Text string `yaml:"text,omitempty"`
	// RetryAfter is sent as a header, in whole seconds.
	RetryAfter time.Duration `yaml:"retry_after,omitempty"`
	// Delay of an answer, or of each of its bytes.
	Delay time.Duration `yaml:"delay,omitempty"`
	// Bytes of an answer.
	Bytes int `yaml:"bytes,omitempty"`
	// Age that is added to a report.
	Age time.Duration `yaml:"age,omitempty"`
	// Set has new values by the dotted paths of members, and Remove the paths of
	// those that are left out. A number leads into a list.
	Set    map[string]any `yaml:"set,omitempty"`
	Remove []string       `yaml:"remove,omitempty"`
	// Calls a day.
	Calls int `yaml:"calls,omitempty"`
}

// ClassList is written as one class or as a list.
type ClassList []Class

// UnmarshalYAML implements yaml.Unmarshaler.
func (l *ClassList) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*l = ClassList{Class(node.Value)}
		return nil
	}
	var list []Class
	if err := node.Decode(&list); err != nil {
		return err
	}
	*l = list
	return nil
}

// maxScript is the longest script that is read.
const maxScript = 64 << 10

// ParseScript reads a script as YAML, or as JSON. What it does not understand
// is an error that names the step and the member.
func ParseScript(from io.Reader) (Script, error) {
	var s Script
	text, err := io.ReadAll(io.LimitReader(from, maxScript+1))
	if err != nil {
		return s, fmt.Errorf("script: %w", err)
	}
	if len(text) > maxScript {
		return s, fmt.Errorf("script: it is longer than %d KiB", maxScript>>10)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&s); err != nil && !errors.Is(err, io.EOF) {
		return s, fmt.Errorf("script: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return s, errors.New("script: only one document is read")
	}
	return s, s.Check()
}

// Check says what is wrong with a script, all of it.
func (s Script) Check() error {
	if len(s.Steps) == 0 {
		return errors.New("script: it has no steps")
	}
	var wrong []error
	for i, step := range s.Steps {
		for _, err := range step.check() {
			wrong = append(wrong, fmt.Errorf("script: step %d: %w", i+1, err))
		}
	}
	return errors.Join(wrong...)
}

// member of a step that not every fault takes.
type member struct {
	name string
	set  bool
}

func (s Step) members() []member {
	return []member{
		{"car", s.Car != ""},
		{"times", s.Times != 0},
		{"for", s.For != 0},
		{"always", s.Always},
		{"code", s.Code != ""},
		{"status", s.Status != 0},
		{"text", s.Text != ""},
		{"retry_after", s.RetryAfter != 0},
		{"delay", s.Delay != 0},
		{"bytes", s.Bytes != 0},
		{"age", s.Age != 0},
		{"set", len(s.Set) > 0},
		{"remove", len(s.Remove) > 0},
		{"calls", s.Calls != 0},
	}
}

func (s Step) check() []error {
	kind, known := faults[s.Fault]
	if !known {
		return []error{fmt.Errorf("fault %q is not known; there are %s", s.Fault, join(Faults()))}
	}
	return append(s.checkMembers(kind), s.checkValues()...)
}

// checkMembers says which members are missing, and which make no sense.
func (s Step) checkMembers(k kind) (wrong []error) {
	for _, m := range s.members() {
		switch {
		case m.set && !k.takes(m.name):
			wrong = append(wrong, fmt.Errorf("%s takes no %s", s.Fault, m.name))
		case !m.set && slices.Contains(k.needs, m.name):
			wrong = append(wrong, fmt.Errorf("%s needs %s", s.Fault, m.name))
		}
	}
	if s.Always && (s.Times != 0 || s.For != 0) {
		wrong = append(wrong, errors.New("always has no end, so it takes neither times nor for"))
	}
	if s.Fault == Edit && len(s.Set)+len(s.Remove) == 0 {
		wrong = append(wrong, errors.New("edit needs set or remove"))
	}
	if _, known := refusals[s.Code]; s.Code != "" && !known && (s.Status == 0 || s.Text == "") {
		wrong = append(wrong, fmt.Errorf("code: %q is not known; give its status and text, too", s.Code))
	}
	return wrong
}

// checkValues says which values are out of range.
func (s Step) checkValues() (wrong []error) {
	if _, err := json.Marshal(s.Set); err != nil {
		wrong = append(wrong, fmt.Errorf("set: a value that JSON cannot hold: %w", err))
	}
	for _, class := range s.On {
		if !slices.Contains(Classes(), class) {
			wrong = append(wrong, fmt.Errorf("on: %q is no class of calls; there are %s", class, join(Classes())))
		}
	}
	for _, d := range []struct {
		name string
		time.Duration
	}{{"wait", s.Wait}, {"for", s.For}, {"retry_after", s.RetryAfter}, {"delay", s.Delay}, {"age", s.Age}} {
		if d.Duration != 0 && d.Duration < time.Millisecond {
			wrong = append(wrong, fmt.Errorf("%s: %v is no time of 1ms or more", d.name, d.Duration))
		}
	}
	for _, n := range []struct {
		name               string
		value, least, most int
	}{
		{"after", s.After, 1, 1 << 30},
		{"times", s.Times, 1, 1 << 30},
		{"calls", s.Calls, 1, 1 << 30},
		{"bytes", s.Bytes, 1, 1 << 30},
		{"status", s.Status, 200, 599},
	} {
		if n.value != 0 && (n.value < n.least || n.value > n.most) {
			wrong = append(wrong, fmt.Errorf("%s: %d is not within %d and %d", n.name, n.value, n.least, n.most))
		}
	}
	return wrong
}

func join[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, word := range list {
		words[i] = string(word)
	}
	return strings.Join(words, ", ")
}
