package mqtt

import (
	"errors"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Code says what is wrong with a command; it is stable.
type Code string

// Codes of faults.
const (
	CodeEmpty        Code = "empty"
	CodeTooLong      Code = "too_long"
	CodeNotText      Code = "not_text"
	CodeSyntax       Code = "syntax"
	CodeNotAnObject  Code = "not_an_object"
	CodeUnknownKey   Code = "unknown_key"
	CodeDuplicateKey Code = "duplicate_key"
	CodeWrongType    Code = "wrong_type"
	CodeOutOfRange   Code = "out_of_range"
	CodeMissing      Code = "missing"
	CodeUnknownMode  Code = "unknown_mode"
	CodeConflict     Code = "conflict"
	CodeRetained     Code = "retained"
	CodeVehicle      Code = "vehicle"
	CodePlugin       Code = "plugin"
)

// Fault is what is wrong with a command, as the cause of an error with reason
// invalid_command.
type Fault struct {
	Code Code
	// At is where: a key of the JSON object, "byte N" counted from 1, or "topic"; empty:
	// everywhere.
	At string
}

// Error implements error.
func (f *Fault) Error() string {
	if f.At == "" {
		return string(f.Code)
	}
	return string(f.Code) + " at " + f.At
}

func faulty(code Code, at, format string, args ...any) *shared.APIError {
	e := shared.Errorf(shared.ReasonInvalidCommand, format, args...)
	e.Err = &Fault{Code: code, At: at}
	return e
}

// faultOf is the fault in err, or an empty one.
func faultOf(err error) Fault {
	var f *Fault
	if errors.As(err, &f) {
		return *f
	}
	return Fault{}
}
