// Package cli runs a command line: it says what went wrong, and makes an exit status of it.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Exit statuses. Usage is for a command line or settings that are not understood or not
// complete: another start changes nothing. Failure is for all else that failed.
const (
	ExitDone    = 0
	ExitFailure = 1
	ExitUsage   = 2
)

// UsageError is an error of the command line or the settings.
type UsageError struct{ Err error }

// Error implements error.
func (e UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e UsageError) Unwrap() error { return e.Err }

// Run runs a command and returns the exit status. What went wrong is written to stderr.
func Run(ctx context.Context, root *cobra.Command, args []string, stdout, stderr io.Writer) int {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	understood := false
	root.PersistentPreRun = func(*cobra.Command, []string) { understood = true }

	c, err := root.ExecuteContextC(ctx)
	if err == nil {
		return ExitDone
	}
	_, _ = fmt.Fprintf(stderr, "%s: %v\n", root.Name(), err)
	if !understood {
		_, _ = fmt.Fprintf(stderr, "%s --help shows what there is.\n", c.CommandPath())
		return ExitUsage
	}
	if wait := shared.AsAPIError(err).Wait(); wait > 0 {
		_, _ = fmt.Fprintf(stderr, "Next try: in %s.\n", wait)
	}
	if usage := (UsageError{}); errors.As(err, &usage) {
		return ExitUsage
	}
	return ExitFailure
}
