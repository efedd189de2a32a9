package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// asking is a lookup that asks a person at a terminal for what the environment
// does not say of the account. Where nobody sits it is the environment alone.
func asking(ctx context.Context, lookup func(string) (string, bool), stdin *os.File, w io.Writer) (func(string) (string, bool), error) {
	unset := func(name string) bool {
		v, _ := lookup(name)
		return strings.TrimSpace(v) == ""
	}
	username, password, brand := unset("HYUNDAI_USERNAME"), unset("HYUNDAI_PASSWORD"), unset("HYUNDAI_BRAND")
	if !username && !password || stdin == nil || !term.IsTerminal(int(stdin.Fd())) {
		return lookup, nil
	}
	a := &answers{ctx: ctx, in: stdin, out: w, given: map[string]string{}}
	if brand {
		a.ask("HYUNDAI_BRAND", "Brand of the car (kia, hyundai or genesis) [kia]: ", false, checkBrand)
	}
	if username {
		a.ask("HYUNDAI_USERNAME", "E-mail address of the account: ", false, notEmpty)
	}
	if password {
		_, _ = fmt.Fprint(w, "A refresh token is 48 capital letters and digits that another program for these cars was given; see docs/europe.md.\n")
		a.ask("HYUNDAI_PASSWORD", "Password, or a refresh token (it is not shown): ", true, notEmpty)
	}
	if a.err != nil {
		return nil, a.err
	}
	_, _ = fmt.Fprint(w, "\nGive the service the same account: HYUNDAI_USERNAME, HYUNDAI_PASSWORD and HYUNDAI_BRAND.\n")
	return func(name string) (string, bool) {
		if v, ok := a.given[name]; ok {
			return v, true
		}
		return lookup(name)
	}, nil
}

// answers of a person. The first error ends the questions.
type answers struct {
	ctx   context.Context
	in    *os.File
	out   io.Writer
	given map[string]string
	err   error
}

// tries is how often a question is asked.
const tries = 3

func (a *answers) ask(name, question string, secret bool, check func(string) (string, error)) {
	for try := 0; a.err == nil; try++ {
		text, err := a.read(question, secret)
		if err != nil {
			a.err = fmt.Errorf("no answer: %w", err)
			return
		}
		if text = strings.TrimRight(text, "\r\n"); !secret { // a blank may belong to a password
			text = strings.TrimSpace(text)
		}
		if text, err = check(text); err == nil {
			a.given[name] = text
			return
		}
		_, _ = fmt.Fprintln(a.out, err)
		if try+1 == tries {
			a.err = err
		}
	}
}

// read asks a question and reads a line until ctx ends, which Ctrl-C does; then the
// terminal shows again what is typed.
func (a *answers) read(question string, secret bool) (string, error) {
	type line struct {
		text string
		err  error
	}
	before, err := term.GetState(int(a.in.Fd()))
	if err != nil {
		return "", err
	}
	if secret {
		// Before the question: who types at once must not see it either.
		if _, err := term.MakeRaw(int(a.in.Fd())); err != nil {
			return "", err
		}
	}
	_, _ = io.WriteString(a.out, question)

	typed := make(chan line, 1)
	go func() { // ends with the line, or with the process
		if !secret {
			text, err := bufio.NewReaderSize(a.in, 1).ReadString('\n')
			typed <- line{text, err}
			return
		}
		text, err := term.ReadPassword(int(a.in.Fd()))
		typed <- line{string(text), err}
	}()
	select {
	case l := <-typed:
		_ = term.Restore(int(a.in.Fd()), before)
		if secret {
			_, _ = fmt.Fprintln(a.out) // the person's own was not shown
		}
		return l.text, l.err
	case <-a.ctx.Done():
		_ = term.Restore(int(a.in.Fd()), before)
		_, _ = fmt.Fprintln(a.out)
		return "", a.ctx.Err()
	}
}

func notEmpty(text string) (string, error) {
	if text == "" {
		return "", errors.New("it cannot be empty")
	}
	return text, nil
}

func checkBrand(text string) (string, error) {
	known := []string{string(profile.Kia), string(profile.Hyundai), string(profile.Genesis)}
	switch text = strings.ToLower(text); {
	case text == "":
		return string(profile.Kia), nil
	case slices.Contains(known, text):
		return text, nil
	}
	return "", fmt.Errorf("it is one of %s", strings.Join(known, ", "))
}
