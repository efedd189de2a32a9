package mqtt

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// payload is the JSON object of one topic, see [encoder.payload], which adds a timestamp:
// when the value was true by the car's own time, and for topics about the refresh itself
// the time of the refresh.
type payload struct {
	Value any
	// State and Level are words beside a number, of windows and seats. Empty ones are left
	// out, as are an empty Mode and Unit.
	State, Level, Mode, Unit string
}

// derive gives a value the shape of a topic that says it in another way, at a time.
func derive(a shared.Attribute, as vehiclev1.Derivation, value any, at time.Time) payload {
	switch as {
	case vehiclev1.Derivation_DERIVATION_OPPOSITE:
		if v, ok := value.(bool); ok {
			return payload{Value: !v}
		}
		return payload{}
	case vehiclev1.Derivation_DERIVATION_UNIT:
		if value != nil {
			return payload{Value: a.Info.GetUnit()}
		}
		return payload{}
	case vehiclev1.Derivation_DERIVATION_PER_100_KM:
		p := payload{Unit: "kWh/100km"}
		if v, ok := value.(float64); ok {
			p.Value = math.Round(v*10) / 100
		}
		return p
	case vehiclev1.Derivation_DERIVATION_AGE:
		p := payload{Unit: "min"}
		if v, ok := value.(time.Time); ok {
			p.Value = ageOf(v, at)
		}
		return p
	default:
		return form(a, value)
	}
}

// windowVented is the number of a window that is open by a gap; 0 is closed, 1 open.
const windowVented = 2

// form gives a value the shape that its quantity has on MQTT.
func form(a shared.Attribute, value any) payload {
	p := payload{Unit: a.Info.GetUnit()}
	switch v := value.(type) {
	case bool:
		return truth(a.Info.GetQuantity(), v)
	case shared.Choice:
		if a.Info.GetQuantity() == vehiclev1.Quantity_QUANTITY_SEAT_CLIMATE {
			return seat(vehiclev1.SeatClimate(v.Number))
		}
	}
	p.Value = value
	return p
}

// truth gives a truth value the words that its quantity is known by.
func truth(q vehiclev1.Quantity, v bool) payload {
	word := func(yes, no string) payload {
		if v {
			return payload{Value: yes}
		}
		return payload{Value: no}
	}
	switch q {
	case vehiclev1.Quantity_QUANTITY_CHARGING:
		return word("charging", "not_charging")
	case vehiclev1.Quantity_QUANTITY_PLUG:
		return word("connected", "disconnected")
	case vehiclev1.Quantity_QUANTITY_WINDOW:
		if v {
			return payload{Value: 1, State: "OPEN"}
		}
		return payload{Value: 0, State: "CLOSED"}
	}
	return payload{Value: v}
}

// seat is the vendors' number with what it means.
func seat(s vehiclev1.SeatClimate) payload {
	words := strings.Fields(strings.ToUpper(shared.Word(s)))
	p := payload{Value: int(s)}
	switch s {
	case vehiclev1.SeatClimate_SEAT_CLIMATE_OFF:
		return payload{Value: 0, Level: "OFF", Mode: "off"}
	case vehiclev1.SeatClimate_SEAT_CLIMATE_ON:
		return payload{Value: 1, Level: "UNKNOWN", Mode: "on"}
	}
	if len(words) == 2 {
		p.Level, p.Mode = words[0], strings.ToLower(words[1])
		if p.Level == "MEDIUM" {
			p.Level = "MED"
		}
	}
	return p
}

// failurePayload is what status/error holds. The fields stand at the top and,
// for who reads every topic the same way, under value as well.
type failurePayload struct {
	Value *failureFields `json:"value"`
	failureFields
}

type failureFields struct {
	// A sentence for people; null: the last command succeeded
	Error *string `json:"error"`
	// Name of the kind of error, as it has always been
	ErrorType string `json:"error_type,omitempty"`
	// As in docs/errors.md
	Reason      string `json:"reason,omitempty"`
	CommandType string `json:"command_type,omitempty"`
	RequestID   string `json:"request_id,omitempty"`
	// What of docs/gate.md refused the command
	Rule string `json:"rule,omitempty"`
	// Seconds
	RetryAfter int    `json:"retry_after,omitempty"`
	Timestamp  string `json:"timestamp"`
}

func encodeFailure(s Served, at time.Time) []byte {
	api := shared.AsAPIError(s.Err)
	text := s.Err.Error()
	command, _, _ := strings.Cut(s.Command, ":")
	fields := failureFields{
		Error: &text, ErrorType: errorType(command, api.Reason), Reason: string(api.Reason), CommandType: command, RequestID: s.RequestID,
		Rule: api.Rule, RetryAfter: int(api.Wait().Seconds()), Timestamp: timeText(at),
	}
	b, _ := json.Marshal(failurePayload{Value: &fields, failureFields: fields}) // plain fields
	return b
}

// encodeNoFailure says that the last command succeeded.
func encodeNoFailure(at time.Time) []byte {
	b, _ := json.Marshal(failurePayload{failureFields: failureFields{Timestamp: timeText(at)}}) // plain fields
	return b
}

// errorType is the class name by which listeners know an error.
func errorType(command string, r shared.Reason) string {
	switch {
	case r == shared.ReasonInvalidCommand, command == commandSchedule:
		return "CommandError"
	case r == shared.ReasonConfigInvalid:
		return "ConfigurationError"
	default:
		return "RefreshError"
	}
}
