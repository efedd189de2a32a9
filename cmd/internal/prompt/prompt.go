// Package prompt asks a person at a terminal.
package prompt

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

// Tries is how often a question is asked.
const Tries = 3

// Check says whether an answer is right, and returns it in the form that is kept.
type Check func(answer string) (string, error)

// Person who sits at a terminal. The first error ends the questions.
type Person struct {
	in  *os.File
	out io.Writer
	err error
}

// At returns who sits at a terminal; false: nobody does.
func At(in *os.File, out io.Writer) (*Person, bool) {
	if in == nil || !term.IsTerminal(int(in.Fd())) {
		return nil, false
	}
	return &Person{in: in, out: out}, true
}

// Err is why there are no more answers: nobody gave one, ctx ended, or [Tries] were wrong.
func (p *Person) Err() error { return p.err }

// Say tells the person something.
func (p *Person) Say(format string, args ...any) {
	if p.err == nil {
		_, _ = fmt.Fprintf(p.out, format, args...)
	}
}

// Question asks for a word or a line.
func (p *Person) Question(ctx context.Context, question string, check Check) string {
	return p.ask(ctx, question, false, func(s string) (string, error) { return check(strings.TrimSpace(s)) })
}

// Secret asks for what the terminal does not show. A blank may belong to it.
func (p *Person) Secret(ctx context.Context, question string, check Check) string {
	return p.ask(ctx, question, true, check)
}

func (p *Person) ask(ctx context.Context, question string, secret bool, check Check) string {
	for try := 0; p.err == nil; try++ {
		text, err := p.read(ctx, question, secret)
		if err != nil {
			p.err = fmt.Errorf("no answer: %w", err)
			return ""
		}
		if text, err = check(strings.TrimRight(text, "\r\n")); err == nil {
			return text
		}
		_, _ = fmt.Fprintln(p.out, err)
		if try+1 == Tries {
			p.err = err
		}
	}
	return ""
}

// read asks a question and reads a line until ctx ends, which Ctrl-C does; then the
// terminal shows again what is typed.
func (p *Person) read(ctx context.Context, question string, secret bool) (string, error) {
	type line struct {
		text string
		err  error
	}
	before, err := term.GetState(int(p.in.Fd()))
	if err != nil {
		return "", err
	}
	if secret {
		// Before the question: who types at once must not see it either.
		if _, err := term.MakeRaw(int(p.in.Fd())); err != nil {
			return "", err
		}
	}
	_, _ = io.WriteString(p.out, question)

	typed := make(chan line, 1)
	go func() { // ends with the line, or with the process
		if !secret {
			text, err := bufio.NewReaderSize(p.in, 1).ReadString('\n')
			typed <- line{text, err}
			return
		}
		text, err := term.ReadPassword(int(p.in.Fd()))
		typed <- line{string(text), err}
	}()
	select {
	case l := <-typed:
		_ = term.Restore(int(p.in.Fd()), before)
		if secret {
			_, _ = fmt.Fprintln(p.out) // the person's own was not shown
		}
		return l.text, l.err
	case <-ctx.Done():
		_ = term.Restore(int(p.in.Fd()), before)
		_, _ = fmt.Fprintln(p.out)
		return "", ctx.Err()
	}
}

// NotEmpty takes anything else.
func NotEmpty(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", errors.New("it cannot be empty")
	}
	return text, nil
}

// OneOf takes one of some words; the first is for who just presses Enter.
func OneOf(words ...string) Check {
	return func(text string) (string, error) {
		switch text = strings.ToLower(text); {
		case text == "":
			return words[0], nil
		case slices.Contains(words, text):
			return text, nil
		}
		return "", fmt.Errorf("it is one of %s", strings.Join(words, ", "))
	}
}

// Account of a person's: what the questions about it bring.
type Account struct{ Brand, Username, Password string }

// Account asks for what is empty of an account.
func (p *Person) Account(ctx context.Context, a *Account) {
	if a.Brand == "" {
		a.Brand = p.Question(ctx, "Brand of the car (kia, hyundai or genesis) [kia]: ", OneOf(string(profile.Kia), string(profile.Hyundai), string(profile.Genesis)))
	}
	if a.Username == "" {
		a.Username = p.Question(ctx, "E-mail address of the account: ", NotEmpty)
	}
	if a.Password == "" {
		p.Say("A refresh token is 48 capital letters and digits that another program for these cars was given; see docs/europe.md.\n")
		a.Password = p.Secret(ctx, "Password, or a refresh token (it is not shown): ", NotEmpty)
	}
}
