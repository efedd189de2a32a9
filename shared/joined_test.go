package shared_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// reasonsOf lists the reasons of a tree of errors, as errors.Is finds them.
func reasonsOf(err error) (found []shared.Reason) {
	for _, r := range shared.Reasons() {
		if errors.Is(err, r) {
			found = append(found, r)
		}
	}
	return found
}

// everyReason joins an error of each reason.
func everyReason() error {
	var all []error
	for _, r := range shared.Reasons() {
		all = append(all, shared.NewError(r))
	}
	return errors.Join(all...)
}

func TestATreeOfErrorsSurvives(t *testing.T) {
	t.Parallel()
	limited := shared.Errorf(shared.ReasonRateLimited, "Too many calls.")
	spent := shared.Errorf(shared.ReasonBudgetSpent, "No calls left.")
	busy := shared.NewError(shared.ReasonVehicleBusy)
	refresh := func(cause error) error {
		return &shared.RefreshError{Mode: shared.ModeForce, VehicleID: "car1", Err: cause}
	}

	for name, tc := range map[string]struct {
		err   error
		first shared.Reason
	}{
		"two reasons":                {errors.Join(limited, spent), shared.ReasonRateLimited},
		"the other way round":        {errors.Join(spent, limited), shared.ReasonBudgetSpent},
		"a text with two errors":     {fmt.Errorf("%w, then %w", spent, limited), shared.ReasonBudgetSpent},
		"a list of one":              {errors.Join(spent), shared.ReasonBudgetSpent},
		"a list as the cause":        {shared.NewError(shared.ReasonCircuitOpen).Wrap(errors.Join(limited, spent)), shared.ReasonCircuitOpen},
		"a failed refresh of two":    {refresh(fmt.Errorf("both: %w", errors.Join(limited, spent))), shared.ReasonRateLimited},
		"causes in both":             {errors.Join(shared.NewError(shared.ReasonDraining).Wrap(busy), shared.NewError(shared.ReasonQueueFull).Wrap(spent)), shared.ReasonDraining},
		"a list in a list":           {errors.Join(errors.Join(busy, limited), errors.Join(spent)), shared.ReasonVehicleBusy},
		"others' errors between":     {errors.Join(errors.New("raw text"), limited, errors.New("raw text"), spent), shared.ReasonRateLimited},
		"a refresh of others' first": {errors.Join(refresh(errors.New("raw text")), spent), shared.ReasonBudgetSpent},
		"only others' errors":        {errors.Join(errors.New("raw text"), errors.New("raw text")), shared.ReasonInternal},
		"a deadline among others'":   {errors.Join(errors.New("raw text"), context.DeadlineExceeded), shared.ReasonDeadlineExceeded},
		"refreshes of others' only":  {errors.Join(refresh(errors.New("raw text")), refresh(errors.New("raw text"))), shared.ReasonInternal},
		"every reason":               {everyReason(), shared.ReasonAuthFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := reasonsOf(tc.err)
			if want == nil {
				want = []shared.Reason{tc.first} // made of an error that has none
			}

			wire := shared.ToStatus(tc.err)
			assert.NotContains(t, fmt.Sprint(status.Convert(wire).Proto()), "raw text")
			got := shared.FromStatus(wire)

			assert.Equal(t, want, reasonsOf(got))
			var api *shared.APIError
			require.ErrorAs(t, got, &api)
			assert.Equal(t, tc.first, api.Reason)
			assert.Equal(t, shared.AsAPIError(tc.err).Message, api.Message)
			assert.Equal(t, errors.As(tc.err, new(*shared.RefreshError)), errors.As(got, new(*shared.RefreshError)))
			assert.Equal(t, got.Error(), shared.FromStatus(shared.ToStatus(got)).Error(), "a second boundary changes nothing")
		})
	}
}

// TestTheShapeOfATreeSurvives: a cause stays with the error that it is the cause of.
func TestTheShapeOfATreeSurvives(t *testing.T) {
	t.Parallel()
	first := shared.NewError(shared.ReasonDraining).Wrap(shared.NewError(shared.ReasonVehicleBusy))
	second := shared.NewError(shared.ReasonQueueFull).Wrap(shared.NewError(shared.ReasonBudgetSpent))
	got := shared.FromStatus(shared.ToStatus(errors.Join(first, second)))

	var joined interface{ Unwrap() []error }
	require.ErrorAs(t, got, &joined)
	list := joined.Unwrap()
	require.Len(t, list, 2)
	assert.Equal(t, reasonsOf(first), reasonsOf(list[0]))
	assert.Equal(t, reasonsOf(second), reasonsOf(list[1]))
}

// TestASingleChainIsSentAsEver: a host of an earlier build reads it.
func TestASingleChainIsSentAsEver(t *testing.T) {
	t.Parallel()
	chain := shared.NewError(shared.ReasonCircuitOpen).Wrap(fmt.Errorf("x: %w", shared.NewError(shared.ReasonVendorTimeout)))
	details := status.Convert(shared.ToStatus(&shared.RefreshError{Mode: shared.ModeForce, Err: chain})).Details()
	require.Len(t, details, 3)
	for _, d := range details {
		info, ok := d.(*errdetails.ErrorInfo)
		require.True(t, ok)
		assert.NotContains(t, info.GetMetadata(), "depth")
	}
}

func TestATreeOfErrorsIsBounded(t *testing.T) {
	t.Parallel()
	long := func() error { return shared.Errorf(shared.ReasonBudgetSpent, "%s", strings.Repeat("\xffa", 10_000)) }
	var wide []error
	for range 5000 {
		wide = append(wide, long())
	}
	deep, twice := long(), long()
	for range 5000 {
		deep = errors.Join(shared.NewError(shared.ReasonQueueFull).Wrap(deep))
	}
	for range 12 {
		twice = shared.NewError(shared.ReasonQueueFull).Wrap(errors.Join(twice, twice))
	}

	for name, err := range map[string]error{"wide": errors.Join(wide...), "deep": deep, "twice": twice} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := shared.ToStatus(err)
			assert.Less(t, proto.Size(status.Convert(wire).Proto()), 96<<10)

			got, count := shared.FromStatus(wire), 0
			shared.EachError(got, func(error) { count++ })
			assert.Less(t, count, 100)
			assert.Equal(t, shared.AsAPIError(err).Reason, shared.AsAPIError(got).Reason)
			assert.LessOrEqual(t, strings.Count(shared.ErrorChain(got), "; ")+strings.Count(shared.ErrorChain(got), ": "), 32)
		})
	}
}

// TestATreeThatCannotBe: a plugin may send any depth.
func TestATreeThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, depths := range [][]string{
		{"-1", "-7"}, {"7", "9999999999999999999"}, {"x", ""}, {"1", "1", "1"}, {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "1"},
	} {
		st := status.New(codes.ResourceExhausted, "x")
		for _, depth := range depths {
			var err error
			st, err = st.WithDetails(&errdetails.ErrorInfo{
				Reason: "BUDGET_SPENT", Domain: "vehicle.hyundai-mqtt", Metadata: map[string]string{"depth": depth},
			})
			require.NoError(t, err)
		}
		assert.Equal(t, []shared.Reason{shared.ReasonBudgetSpent}, reasonsOf(shared.FromStatus(st.Err())), "%q", depths)
	}
}

func TestErrorChain(t *testing.T) {
	t.Parallel()
	a, b, c := errors.New("a"), errors.New("b"), errors.New("c")
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"none":                                 {nil, ""},
		"one":                                  {a, "a"},
		"a cause that is left out of the text": {shared.Errorf(shared.ReasonInternal, "Sorry.").Wrap(a), "Sorry.: a"},
		"the same text twice":                  {errors.Join(a), "a"},
		"two":                                  {errors.Join(a, b), "a; b"},
		"a cause in the first":                 {errors.Join(shared.Errorf(shared.ReasonInternal, "Sorry.").Wrap(a), b), "Sorry.: a; b"},
		"two causes":                           {shared.Errorf(shared.ReasonInternal, "Sorry.").Wrap(errors.Join(a, b)), "Sorry.: a; b"},
		"a list in a list":                     {errors.Join(a, errors.Join(b, c)), "a; b; c"},
		"a text with two":                      {fmt.Errorf("%w and %w", a, b), "a and b: a; b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tc.want, shared.ErrorChain(tc.err))
		})
	}
}
