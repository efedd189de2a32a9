package gate

import (
	"errors"
	"fmt"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// ErrRefused is in the chain of what our own rules refuse; the vendor was not asked.
var ErrRefused = errors.New("refused by the plugin's own limits")

// ErrReserve is ErrRefused for what nobody waits for: the rest of the day's calls is
// for people.
var ErrReserve = fmt.Errorf("%w, for what nobody waits for", ErrRefused)

// errNoEnd is how a call came out that ended its goroutine.
var errNoEnd = errors.New("the call ended its goroutine")

// Refusal is the error of a decision that allows nothing.
func (g *Gate) Refusal(r Request, d Decision) *shared.APIError {
	var e *shared.APIError
	switch d.Rule {
	case VendorRefused:
		e = d.said.refusal()
	case CircuitOpen:
		e = shared.NewError(shared.ReasonCircuitOpen)
	default:
		by := ErrRefused
		if r.Background && d.Rule == CallsPerDay {
			by = ErrReserve
		}
		e = shared.Errorf(reasonOf(d.Rule), "%s", sentenceOf(d.Rule)).Wrap(fmt.Errorf("%w: %s", by, d.Rule))
		e.VehicleID = r.Vehicle
	}
	e.Rule = string(d.Rule)
	if !d.Until.IsZero() {
		e.RetryAfter = max(time.Second, d.Until.Sub(g.o.Now()))
	}
	return e
}

func reasonOf(rule Rule) shared.Reason {
	switch rule {
	case QuietHours, AuxBattery, AuxTrend:
		return shared.ReasonGuardRefused
	case NoRecord:
		return shared.ReasonConfigInvalid
	default:
		return shared.ReasonBudgetSpent
	}
}

func sentenceOf(rule Rule) string {
	switch rule {
	case QuietHours:
		return "These are quiet hours of your settings; the car is left alone until they end."
	case AuxBattery:
		return "The car's 12 V battery is low, and each wake costs it charge. Drive the car or charge that battery; a cached read then sees it."
	case AuxTrend:
		return "The car's 12 V battery has lost charge day by day and would be low tomorrow, so the car is left alone. Drive it or charge that battery."
	case WakeInterval:
		return "The car was woken a short time ago. Each wake costs charge of its 12 V battery, so the next one waits."
	case WakesPerDay:
		return "The car's wakes of today are spent. Each costs charge of its 12 V battery; the limit is in the plugin's settings."
	case NoRecord:
		return "The plugin cannot write its state directory, so it wakes no car: it would not know of it after a restart. Check its permissions and free space."
	case LoginsPerDay:
		return "The logins of today are spent. More could lock the account; the plugin tries again tomorrow."
	default:
		return "The account's calls of today are spent. The vendor would close it for everybody, also for your app; the limit is in the plugin's settings."
	}
}
