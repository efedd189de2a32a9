package sdk

import (
	"context"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

type classKey struct{}

// withClass marks what a call of the Vendor is for. The gate has let it through.
func withClass(ctx context.Context, class gate.Class) context.Context {
	return context.WithValue(ctx, classKey{}, class)
}

// requested counts a request under the class of the call that it belongs to. One of no
// call has not passed the gate, and must not go out.
func (a *account) requested(ctx context.Context) error {
	class, passed := ctx.Value(classKey{}).(gate.Class)
	if !passed {
		return shared.Errorf(shared.ReasonInternal, "The plugin has tried to ask the vendor for something past its own limits. Look for an update of the plugin.")
	}
	a.health.count(shared.CounterRequests, string(class))
	a.gate.Requested()
	return nil
}
