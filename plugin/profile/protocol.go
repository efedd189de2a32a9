package profile

import (
	"errors"
	"fmt"
	"slices"
)

// Protocol is how one region's cloud is spoken to, where the regions differ. The
// paths in it are dotted and below resMsg; an empty one is resMsg itself.
type Protocol struct {
	// Stamps says which calls carry a stamp: [All], [Tokens] or [None].
	Stamps string `json:"stamps"`
	// DialectHeader says what calls about a car send as Ccuccs2protocolsupport:
	// the [Flag] of the vehicle list, [Zero], or [None].
	DialectHeader string `json:"dialect_header"`
	// Dialect that cars are read in: by the [Flag], or always [CCS1] or [CCS2].
	Dialect string `json:"dialect"`

	// Where a CCS1 car's status stands in the answer to a cached read and to a
	// forced one; and its odometer and position in that to a cached read.
	CCS1Status   string `json:"ccs1_status"`
	CCS1Answer   string `json:"ccs1_answer"`
	CCS1Odometer string `json:"ccs1_odometer"`
	CCS1Location string `json:"ccs1_location"`

	// TemperatureBase in °C is the first entry of the table of temperatures that
	// CCS1 cars count in, TemperatureEntries its length.
	TemperatureBase    float64 `json:"temperature_base"`
	TemperatureEntries int     `json:"temperature_entries"`
	// EnergyTotals is the list whose first entry sums up all energy used.
	EnergyTotals string `json:"energy_totals"`
	// DriverSide is where the driver of the region's cars sits, [Left] or [Right], unless
	// the user says otherwise.
	DriverSide string `json:"driver_side"`
	// Windows and Valet: cars of the region can be told to move their windows, and
	// have a valet mode.
	Windows bool `json:"windows"`
	Valet   bool `json:"valet"`
}

// Words of a Protocol.
const (
	All    = "all"
	Tokens = "tokens"
	None   = "none"
	Flag   = "flag"
	Zero   = "zero"
	CCS1   = "ccs1"
	CCS2   = "ccs2"
	Left   = "left"
	Right  = "right"
)

func (p *Protocol) check() error {
	var wrong []error
	for _, word := range []struct {
		key, value string
		allowed    []string
	}{
		{"stamps", p.Stamps, []string{All, Tokens, None}},
		{"dialect_header", p.DialectHeader, []string{Flag, Zero, None}},
		{"dialect", p.Dialect, []string{Flag, CCS1, CCS2}},
		{"driver_side", p.DriverSide, []string{Left, Right}},
	} {
		if !slices.Contains(word.allowed, word.value) {
			wrong = append(wrong, fmt.Errorf("protocol.%s is not one of %v", word.key, word.allowed))
		}
	}
	if p.TemperatureEntries < 1 || p.TemperatureEntries > 256 || !(p.TemperatureBase >= 0 && p.TemperatureBase <= 30) {
		wrong = append(wrong, errors.New("protocol.temperature_base and temperature_entries are no table of temperatures"))
	}
	if p.EnergyTotals == "" {
		wrong = append(wrong, errors.New("protocol.energy_totals is missing"))
	}
	return errors.Join(wrong...)
}
