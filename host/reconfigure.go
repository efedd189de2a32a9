package host

import (
	"context"
	"encoding/json"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// Reconfigure gives a plugin other settings. The process that runs takes them up without a
// gap, and so does every later one; if it does not accept them, it goes on with those it
// has, and the error says why. A plugin that cannot be started now has them at its next
// start. Nothing is stored: the hub keeps the settings.
func (h *Host) Reconfigure(ctx context.Context, plugin string, settings json.RawMessage) error {
	s, err := h.supervisor(plugin)
	if err != nil {
		return err
	}
	if s.keepIfDown(settings) {
		return nil
	}
	_, err = remote{s: s}.Initialize(ctx, shared.Config{Settings: settings})
	return err
}

// keepIfDown keeps settings for the next process, if there is none now and something keeps
// one from starting.
func (s *supervisor) keepIfDown(settings json.RawMessage) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	down := s.runs.current == nil && s.trouble != nil
	if down {
		s.redactor.Learn(redact.Secrets(settings)...)
		s.spec.Settings = settings
	}
	return down
}
