package sdk

import (
	"errors"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// typed gives an author's error the form that everything behind it understands.
// A bare [shared.Reason] is an error as well and the shortest way to name one; it
// gets what is usual for that reason. An error that says nothing of its kind is taken
// for a fault of the vendor's, as most are.
func typed(err error) error {
	var reason shared.Reason
	switch {
	case isKnown(err):
		return err
	case errors.As(err, &reason):
		return shared.NewError(reason).Wrap(err)
	}
	return shared.NewError(shared.ReasonVendorUnavailable).Wrap(err)
}

// isKnown says whether an error, or its absence, says all that is to be known.
func isKnown(err error) bool {
	return err == nil || errors.As(err, new(*shared.APIError)) || errors.Is(err, ErrSessionExpired) || isContext(err)
}

// uncertain is typed for what was begun and cannot be taken back: unless the author says
// that nothing was sent, it may have happened.
func uncertain(err error) error {
	if isKnown(err) {
		return err
	}
	api := *shared.AsAPIError(typed(err))
	api.MayHaveHappened = true
	return &api
}

// mayHaveHappened says whether a call that failed may have done what it was for.
func mayHaveHappened(err error) bool {
	var api *shared.APIError
	return errors.As(err, &api) && api.MayHaveHappened
}
