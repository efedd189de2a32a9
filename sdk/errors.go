package sdk

import (
	"errors"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// typed gives an author's error the form that everything behind it understands.
// A bare [shared.Reason] is an error as well and the shortest way to name one; it
// gets what is usual for that reason.
func typed(err error) error {
	var reason shared.Reason
	if errors.As(err, new(*shared.APIError)) || !errors.As(err, &reason) {
		return err
	}
	return shared.NewError(reason).Wrap(err)
}
