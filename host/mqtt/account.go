package mqtt

import (
	"encoding/json"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// account is what {base}/bridge/account/{plugin} says of a plugin's account. Every key is
// there each time.
type account struct {
	// State of the plugin, see [host.State].
	State string `json:"state"`
	// NeedsHuman: nothing is renewed until somebody does what Message says.
	NeedsHuman bool `json:"needs_human"`
	// Reason and Message say what is wrong; null: nothing.
	Reason  *string `json:"reason"`
	Message *string `json:"message"`
	// Breaker of the account: closed, open or half-open; null: not known.
	Breaker *string `json:"breaker"`
	// BudgetLeft and BudgetLeftBackground are how many of the vendor's requests are left
	// of the day, for people's commands and for what comes by itself; null: there is no
	// limit, or it is not known.
	BudgetLeft           *int64 `json:"budget_left"`
	BudgetLeftBackground *int64 `json:"budget_left_background"`
	// BudgetResetAt is when the day's requests begin anew; null: not known.
	BudgetResetAt *string `json:"budget_reset_at"`
	Vehicles      int     `json:"vehicles"`
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
		State: string(st.State), NeedsHuman: st.NeedsHuman(), Reason: text(st.Reason), Message: text(st.Message), Breaker: text(st.Breaker),
		BudgetLeft: budget(shared.FigurePeople), BudgetLeftBackground: budget(shared.FigureBackground), Vehicles: st.Vehicles,
	}
	if at := gauges[shared.GaugeBudgetResetAt]; at > 0 {
		a.BudgetResetAt = text(timeText(time.Unix(at, 0)))
	}
	return a
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
