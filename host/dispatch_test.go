package host

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

// TestEveryErrorOfAPluginIsRedacted: also of errors that a plugin has joined.
func TestEveryErrorOfAPluginIsRedacted(t *testing.T) {
	t.Parallel()
	said := func(r shared.Reason) *shared.APIError { return shared.Errorf(r, "jane@example.com has pin 71402938.") }
	for name, err := range map[string]error{
		"one":            said(shared.ReasonInternal),
		"a chain":        said(shared.ReasonCircuitOpen).Wrap(said(shared.ReasonInternal)),
		"two":            errors.Join(said(shared.ReasonRateLimited), said(shared.ReasonBudgetSpent)),
		"causes":         said(shared.ReasonInternal).Wrap(errors.Join(said(shared.ReasonRateLimited), said(shared.ReasonBudgetSpent))),
		"over the wire":  shared.FromStatus(shared.ToStatus(errors.Join(said(shared.ReasonRateLimited), said(shared.ReasonBudgetSpent)))),
		"of one refresh": &shared.RefreshError{Err: errors.Join(said(shared.ReasonInternal).Wrap(said(shared.ReasonInternal)))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var secrets redact.Redactor
			secrets.Learn("71402938")
			text := shared.ErrorChain(redactError(&secrets, err))
			assert.Contains(t, text, redact.Mask)
			assert.NotContains(t, text, "jane")
			redacttest.NotIn(t, text, "71402938")
		})
	}
}
