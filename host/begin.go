package host

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// The steps of a start, each in the background of run.

func (s *supervisor) verified(image *launch.Image, err error) {
	switch {
	case err == nil:
		s.send(message{in: inVerified, image: image})
	case errors.Is(err, errQuarantined):
		s.send(message{in: inStillQuarantine, err: err})
	default:
		s.send(message{in: inVerifyFailed, err: err})
	}
}

func (s *supervisor) launch(plan blueprint) {
	if plan.after != nil {
		<-plan.after
	}
	i, err := startInstance(s.life, plan)
	s.release(plan.image)
	if err != nil {
		s.distrust(plan.image)
		s.send(message{in: inLaunchFailed, instance: i, err: err})
		return
	}
	s.send(message{in: inLaunched, instance: i})
}

// distrust lets the next start read the program anew: what has run from the image
// may have done something to it that keeps it from being executed.
func (s *supervisor) distrust(image *launch.Image) {
	if image != nil {
		s.images.Forget(image)
	}
}

func (s *supervisor) release(image *launch.Image) {
	if image != nil {
		s.images.Release(image)
	}
}

func (s *supervisor) initialize(i *instance, settings json.RawMessage) {
	vehicles, err := s.handOver(context.Background(), i, settings)
	switch {
	case err == nil:
		s.send(message{in: inInitialized, instance: i, vehicles: vehicles})
	case errors.Is(err, shared.ReasonPluginDown):
		// The end of the process tells the rest.
		s.lost(i)
	case shared.AsAPIError(err).Temporary:
		s.send(message{in: inInitPostponed, instance: i, err: err})
	default:
		s.send(message{in: inInitRefused, instance: i, err: err})
	}
}

// handOver gives a run its settings and gets the cars.
func (s *supervisor) handOver(ctx context.Context, i *instance, settings json.RawMessage) ([]*vehiclev1.Vehicle, error) {
	ctx, cancel := bounded(ctx, s.opts.InitializeTimeout)
	defer cancel()
	id := shared.CallInfoFrom(ctx).RequestID
	i.begin(id)
	vehicles, err := i.remote.Initialize(named(ctx, 1), shared.Config{Settings: settings, StateDir: s.dirs.state})
	i.finish(id, errors.Is(err, shared.ReasonPluginDown))
	if errors.Is(err, shared.ReasonDeadlineExceeded) {
		i.doubt()
	}
	return vehicles, s.clean(err)
}
