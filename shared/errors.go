package shared

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// APIError is the base of every failure of a refresh, whoever caused it. Use
// errors.As to get at its fields and errors.Is with a [Reason] to test for one.
type APIError struct {
	Reason Reason
	Source Source
	// Message is one or two sentences for a user, without personal data and
	// without text of the vendor's.
	Message string
	// Temporary: the same call may succeed later without anybody acting.
	Temporary bool
	// MayHaveHappened: what was asked may have been done although the call failed;
	// of a refresh, the car may have been woken.
	MayHaveHappened bool
	// RetryAfter is the time to wait before the next try; zero if unknown.
	RetryAfter time.Duration
	// VendorCode is the vendor's own code for the failure, if it gave one.
	VendorCode string
	// Rule of the plugin's own gate that refused the call before it was made, as
	// docs/gate.md lists them; empty: none did.
	Rule      string
	VehicleID string
	// Err is the cause. Only causes that are errors of this package cross the
	// process boundary.
	Err error
}

// NewError makes an error of the given reason with that reason's source,
// temporary flag and sentence. Callers change what is different.
func NewError(r Reason) *APIError {
	t := r.traits()
	return &APIError{Reason: r, Source: t.source, Temporary: t.temporary, Message: t.sentence}
}

// Errorf is [NewError] with a message of its own.
func Errorf(r Reason, format string, args ...any) *APIError {
	e := NewError(r)
	e.Message = fmt.Sprintf(format, args...)
	return e
}

// Wait is RetryAfter for people and in messages: whole seconds, rounded up, so that
// who waits so long does not come too early.
func (e *APIError) Wait() time.Duration {
	return (e.RetryAfter + time.Second - 1).Truncate(time.Second)
}

// Wrap sets the cause and returns e.
func (e *APIError) Wrap(cause error) *APIError {
	e.Err = cause
	return e
}

// Error is the message for users. The cause is not part of it, because it may
// hold text of the vendor's; loggers take it from Unwrap.
func (e *APIError) Error() string {
	if e.Message == "" {
		return e.Reason.Sentence()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *APIError) Unwrap() error { return e.Err }

// Is matches the error's own reason.
func (e *APIError) Is(target error) bool {
	r, ok := target.(Reason)
	return ok && r == e.Reason
}

// RefreshError is a failed refresh: which mode, which car, and why.
type RefreshError struct {
	Mode      Mode
	VehicleID string
	// Last is the newest data of the car that is known, with the verdict STALE and
	// the reason of the failure; nil if there is none. It belongs to the error.
	Last *vehiclev1.VehicleData
	Err  error
}

// Error says which refresh failed, and why.
func (e *RefreshError) Error() string { return fmt.Sprintf("%s refresh failed: %v", e.Mode, e.Err) }

// Unwrap returns the cause.
func (e *RefreshError) Unwrap() error { return e.Err }

// AsAPIError returns the outermost APIError in err's chain, or makes one: of
// the caller's deadline or cancellation, else of [ReasonInternal]. It returns
// nil for nil.
func AsAPIError(err error) *APIError {
	if err == nil {
		return nil
	}
	var api *APIError
	if errors.As(err, &api) {
		return api
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return NewError(ReasonDeadlineExceeded).Wrap(err)
	case errors.Is(err, context.Canceled):
		return NewError(ReasonCanceled).Wrap(err)
	}
	return NewError(ReasonInternal).Wrap(err)
}

// EachError calls do for err and for every error that it wraps, depth first, in
// the order in which errors.Is looks at them. It ends after 1024 errors.
func EachError(err error, do func(error)) {
	w := errorWalk{left: maxWalk, visit: func(e error, depth int) int {
		do(e)
		return depth
	}}
	w.from(err, 0)
}

// ErrorChain is what a log gets of an error: the text of every link, also of
// causes that Error leaves out. A colon stands before a cause, a semicolon
// before the next of several errors that are joined. It may hold text of a
// vendor's: log it redacted and show it to nobody.
func ErrorChain(err error) string {
	var b strings.Builder
	last, lastDepth, texts := "", 0, 0

	w := errorWalk{left: maxWalk, visit: func(e error, depth int) int {
		text := e.Error()
		if texts == maxErrors || texts > 0 && text == last || isList(e, text) {
			return depth
		}

		switch {
		case texts > 0 && depth > lastDepth:
			b.WriteString(": ")
		case texts > 0:
			b.WriteString("; ")
		}
		b.WriteString(text)
		last, lastDepth, texts = text, depth, texts+1
		return depth + 1
	}}
	w.from(err, 0)
	return b.String()
}

// isList reports whether an error's text says nothing but what the errors that it
// joins say.
func isList(err error, text string) bool {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return false
	}
	list := errors.Join(joined.Unwrap()...)
	return list != nil && list.Error() == text
}

// errorWalk goes through a tree of errors, depth first.
type errorWalk struct {
	// left is how many errors it may still visit.
	left int
	// visit gets an error and its depth, and returns the depth of its causes.
	// Nothing at or below maxChain is visited.
	visit func(err error, depth int) int
}

func (w *errorWalk) from(err error, depth int) {
	if err == nil || depth >= maxChain || w.left == 0 {
		return
	}
	w.left--
	depth = w.visit(err, depth)

	switch e := err.(type) { //nolint:errorlint // the tree is walked link by link
	case interface{ Unwrap() error }:
		w.from(e.Unwrap(), depth)
	case interface{ Unwrap() []error }:
		for _, cause := range e.Unwrap() {
			w.from(cause, depth)
		}
	}
}
