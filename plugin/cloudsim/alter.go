package cloudsim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// altered answers what is true but for what change does to the document.
func altered(change func(c *Cloud, s Step, document object)) func(*Cloud, Step, http.ResponseWriter, *http.Request) {
	return func(c *Cloud, s Step, w http.ResponseWriter, r *http.Request) {
		a := c.trueAnswer(r)
		var document object
		decoder := json.NewDecoder(bytes.NewReader(a.body.Bytes()))
		decoder.UseNumber()
		if decoder.Decode(&document) == nil {
			change(c, s, document)
			whole, _ := json.Marshal(document) // it came from JSON, and Check has seen what was set
			a.body.Reset()
			a.body.Write(whole)
		}

		a.writeHead(w)
		_, _ = w.Write(a.body.Bytes()) // the client may have gone
	}
}

// edit sets and removes members by their paths.
func edit(_ *Cloud, s Step, document object) {
	for _, path := range slices.Sorted(maps.Keys(s.Set)) {
		if in, name := parentOf(document, path); in != nil {
			in[name] = s.Set[path]
		}
	}
	for _, path := range s.Remove {
		if in, name := parentOf(document, path); in != nil {
			delete(in, name)
		}
	}
}

// age dates the car's report back, and leaves all other times as they are.
func age(c *Cloud, s Step, document object) {
	const compact = "20060102150405"
	by := cmp.Or(s.Age, 6*time.Hour)
	for _, at := range c.statesIn(document) {
		for _, name := range []string{"Date", "time"} {
			text, _ := at[name].(string)
			digits, fraction, _ := strings.Cut(text, ".")
			if t, err := time.Parse(compact, digits); err == nil {
				at[name] = strings.TrimSuffix(t.Add(-by).Format(compact)+"."+fraction, ".")
			}
		}
	}
}

// unflag takes the newer dialect's flag from every car of the list.
func unflag(_ *Cloud, _ Step, document object) {
	message, _ := document["resMsg"].(object)
	cars, _ := message["vehicles"].([]any)
	for _, car := range cars {
		if car, ok := car.(object); ok {
			delete(car, "ccuCCS2ProtocolSupport")
		}
	}
}

// empty takes everything out of a car's state.
func empty(c *Cloud, _ Step, document object) {
	for _, state := range c.statesIn(document) {
		clear(state)
	}
}

// forget puts the values in place that cars send while they know nothing: no
// range without a unit, charge limits of zero, an odometer of zero, the lowest
// temperature.
func forget(c *Cloud, _ Step, document object) {
	nothing := func() object { return object{"value": 0, "unit": 0} }
	for _, state := range c.statesIn(document) {
		for path, value := range map[string]any{
			"Drivetrain.Odometer":                      0,
			"Drivetrain.FuelSystem.DTE":                object{"Unit": 0, "Total": 0},
			"Green.ChargingInformation.TargetSoC":      object{"Standard": 0, "Quick": 0},
			"Cabin.HVAC.Row1.Driver.Temperature.Value": "14.0",
			"airTemp.value":                            "02H",
			"dte":                                      nothing(),
			"evStatus.drvDistance.0.rangeByFuel.totalAvailableRange":    nothing(),
			"evStatus.drvDistance.0.rangeByFuel.evModeRange":            nothing(),
			"evStatus.reservChargeInfos.targetSOClist.0.targetSOClevel": 0,
			"evStatus.reservChargeInfos.targetSOClist.1.targetSOClevel": 0,
		} {
			if in, name := parentOf(state, path); in != nil && in[name] != nil {
				in[name] = value
			}
		}
	}

	path := "resMsg." + c.opts.Profiles[0].Protocol.CCS1Odometer
	if in, name := parentOf(document, path); in != nil && in[name] != nil {
		in[name] = nothing()
	}
}

// statesIn are the car's states in an answer, of either dialect; mostly one, or
// none.
func (c *Cloud) statesIn(document object) (states []object) {
	message, _ := document["resMsg"].(object)
	if message == nil {
		return nil
	}
	protocol := c.opts.Profiles[0].Protocol
	for _, path := range []string{"state.Vehicle", protocol.CCS1Status, protocol.CCS1Answer} {
		state := message
		if path != "" {
			in, name := parentOf(message, path)
			state, _ = in[name].(object)
		} else if _, whole := message["doorLock"]; !whole {
			continue // an answer of another kind
		}
		if state != nil {
			states = append(states, state)
		}
	}
	return states
}

// parentOf is the object that has, or can get, the last member of a dotted path;
// nil if the way there is not in the document. A number leads into a list.
func parentOf(document object, path string) (in object, name string) {
	parts := strings.Split(path, ".")
	var at any = document
	for _, part := range parts[:len(parts)-1] {
		switch v := at.(type) {
		case object:
			at = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return nil, ""
			}
			at = v[i]
		default:
			return nil, ""
		}
	}
	in, _ = at.(object)
	return in, parts[len(parts)-1]
}
