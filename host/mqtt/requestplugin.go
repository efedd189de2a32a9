package mqtt

import (
	"context"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// pluginTimeout bounds what a request does to a plugin: a restart, or a login.
const pluginTimeout = 150 * time.Second

// preview is what a refresh would do now, as it is answered.
type preview struct {
	// It would wake the car, unless it is refused
	Wakes bool `json:"wakes"`
	// Requests to the vendor that it would take
	Price int64 `json:"price"`
	// How many are left of the day; null: no limit
	Left *int64 `json:"left"`
	// What would refuse it; null: nothing
	Refusal *previewRefusal `json:"refusal"`
}

type previewRefusal struct {
	// As in docs/errors.md
	Reason string `json:"reason"`
	// Of docs/gate.md
	Rule    string `json:"rule,omitempty"`
	Message string `json:"message"`
	// When it would be allowed if nothing happens before
	AllowedAt string `json:"allowed_at,omitempty"`
}

func (b *Bridge) preview(ctx context.Context, r *request) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	previewer, err := findAs[shared.Previewer](ctx, b.opts.Fleet, r.vehicle)
	if err != nil {
		return nil, err
	}
	p, err := previewer.Preview(ctx, r.cmd.Mode, r.vehicle, r.cmd.MaxAge)
	if err != nil {
		return nil, err
	}
	return previewOf(p), nil
}

func previewOf(p *vehiclev1.Preview) preview {
	shown := preview{Wakes: p.GetWakes(), Price: p.GetPrice(), Left: p.Left}
	if refusal := p.GetRefusal(); refusal != nil {
		shown.Refusal = &previewRefusal{Reason: refusal.GetReason(), Rule: refusal.GetRule(), Message: refusal.GetSentence()}
		if at := refusal.GetAllowedAt(); at > 0 {
			shown.Refusal.AllowedAt = timeText(time.UnixMilli(at))
		}
	}
	return shown
}

// pluginDone is the answer to what was done to a plugin.
type pluginDone struct {
	Plugin string `json:"plugin"`
}

func (b *Bridge) restart(ctx context.Context, r *request) (any, error) {
	restarter, ok := b.opts.Fleet.(Restarter)
	if !ok {
		return nil, shared.NewError(shared.ReasonUnsupported)
	}
	return b.alone(ctx, r, func(ctx context.Context) error { return restarter.Restart(ctx, r.plugin) })
}

func (b *Bridge) unlock(ctx context.Context, r *request) (any, error) {
	return b.alone(ctx, r, func(ctx context.Context) error {
		unlocker, ok := b.overview.plugins.Plugin(r.plugin).(shared.Unlocker)
		if !ok {
			return shared.NewError(shared.ReasonUnsupported)
		}
		return unlocker.Unlock(ctx)
	})
}

// alone does something to the plugin that a request names, unless another request is
// doing something to it.
func (b *Bridge) alone(ctx context.Context, r *request, do func(context.Context) error) (any, error) {
	if err := b.choosePlugin(r); err != nil {
		return nil, err
	}
	if _, busy := b.treated.LoadOrStore(r.plugin, true); busy {
		return nil, shared.Errorf(shared.ReasonQueueFull, "Plugin %s is being restarted or unlocked already. Wait for the answer to that.", r.plugin)
	}
	defer b.treated.Delete(r.plugin)

	ctx, cancel := context.WithTimeout(ctx, pluginTimeout)
	defer cancel()
	if err := do(ctx); err != nil {
		return nil, err
	}
	b.log.Info("request carried out", "request", r.kind.name, "plugin", r.plugin, "request_id", r.requestID)
	return pluginDone{r.plugin}, nil
}

// choosePlugin completes a request with the only plugin, or checks the one that it names.
func (b *Bridge) choosePlugin(r *request) error {
	if b.overview.plugins == nil {
		return shared.NewError(shared.ReasonUnsupported)
	}
	var names []string
	for _, st := range b.overview.plugins.Status() {
		if st.Name == r.plugin {
			return nil
		}
		names = append(names, st.Name)
	}
	switch {
	case r.plugin != "" || len(names) == 0:
		return faulty(CodePlugin, "plugin", "There is no plugin %q.", shortened(r.plugin))
	case len(names) > 1:
		return faulty(CodeMissing, "plugin", `The request has no "plugin". There are %s.`, enumerate(names))
	}
	r.plugin = names[0]
	return nil
}
