package mqtt

import (
	"encoding/json"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// account is what {base}/bridge/account/{plugin} says of a plugin's account. Every key is
// there each time. The comments on fields stand in docs/asyncapi.yaml, here and in the
// other objects on the bridge's topics.
type account struct {
	// How the plugin is
	State host.State `json:"state"`
	// Nothing is renewed until somebody does what the message says
	NeedsHuman bool `json:"needs_human"`
	// What is wrong, as in docs/errors.md; null: nothing
	Reason *string `json:"reason"`
	// What to do about it; null: nothing
	Message *string `json:"message"`
	// Circuit breaker of the account: closed, open or half-open; null: not known
	Breaker *string `json:"breaker"`
	// Requests to the vendor that are left of the day for people's commands; null: there
	// is no limit, or it is not known
	BudgetLeft *int64 `json:"budget_left"`
	// The same for what comes by itself
	BudgetLeftBackground *int64 `json:"budget_left_background"`
	// When the day's requests begin anew; null: not known
	BudgetResetAt *string `json:"budget_reset_at"`
	// Cars of the plugin's
	Vehicles int `json:"vehicles"`
	// Program that runs: its version, and how its digest begins; null: none
	Program *string `json:"program"`
	// Program that lies at the plugin's path, which is another one if it was updated
	ProgramAtPath *string `json:"program_at_path"`
}

func accountOf(st host.PluginStatus) account {
	gauges := st.Figures.Gauges
	budget := func(label string) *int64 {
		left, ok := gauges[shared.FigureKey(shared.GaugeBudgetLeft, label)]
		if !ok || left < 0 {
			return nil
		}
		return &left
	}
	a := account{
		State: st.State, NeedsHuman: st.NeedsHuman(), Reason: text(st.Reason), Message: text(st.Message), Breaker: text(st.Breaker),
		BudgetLeft: budget(shared.FigurePeople), BudgetLeftBackground: budget(shared.FigureBackground), Vehicles: st.Vehicles,
	}
	if at := gauges[shared.GaugeBudgetResetAt]; at > 0 {
		a.BudgetResetAt = text(timeText(time.Unix(at, 0)))
	}
	a.Program = text(programText(host.Program{Digest: st.Digest, Version: st.Version}))
	if a.ProgramAtPath = a.Program; st.Available.Digest != "" {
		a.ProgramAtPath = text(programText(st.Available))
	}
	return a
}

// programText is a program's version and the beginning of its digest, which tells builds
// of the same version apart; empty for none.
func programText(p host.Program) string {
	if p.Digest == "" {
		return ""
	}
	begins := "(" + p.Digest[:min(8, len(p.Digest))] + ")"
	if p.Version == "" {
		return begins
	}
	return p.Version[:min(64, len(p.Version))] + " " + begins
}

// text is null if it is empty.
func text(t string) *string {
	if t == "" {
		return nil
	}
	return &t
}

func (a account) encode() []byte {
	b, _ := json.Marshal(a) // plain fields
	return b
}
