package mqtt

import (
	"slices"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Key is one that a JSON object to the bridge may have.
type Key struct {
	Name  string
	Title string
	// Kind is [shared.KindText], [shared.KindInteger] or [shared.KindFlag].
	Kind shared.Kind
	// Words that a text is one of; nil: any text.
	Words []string
	// Pattern that a text matches; empty: any.
	Pattern string
	// Least and Most bound an integer, or how many bytes a text has.
	Least, Most int64
	Required    bool
}

// Names of keys.
const (
	keyMode        = "mode"
	keyMaxAge      = "max_age"
	keyOverride    = "override"
	keyID          = "id"
	keyTimeout     = "timeout"
	keyTransaction = "transaction"
	keyVehicle     = "vehicle"
	keyPlugin      = "plugin"
)

// commandKeys are those of a command, in the order in which they are told.
func commandKeys() []Key {
	return append(previewKeys(),
		Key{Name: keyID, Title: "The sender's own name for the command; it acts once", Kind: shared.KindText, Least: 1, Most: maxID},
		Key{Name: keyTimeout, Title: "After so many seconds the command has expired", Kind: shared.KindInteger, Least: minTimeout, Most: maxTimeout})
}

// previewKeys are those of a command that say what it would do.
func previewKeys() []Key {
	return []Key{
		{Name: keyMode, Title: "How to refresh", Kind: shared.KindText, Words: modeWords(), Required: true},
		{Name: keyMaxAge, Title: "Of smart: how old the data may be, in seconds", Kind: shared.KindInteger, Least: minAge, Most: maxAge},
		{Name: keyOverride, Title: "Of force: wake the car in spite of the plugin's own limits", Kind: shared.KindFlag},
	}
}

func modeWords() []string {
	return []string{string(shared.ModeCached), string(shared.ModeForce), string(shared.ModeSmart)}
}

// transactionKey is the one that each request may have.
func transactionKey() Key {
	return Key{Name: keyTransaction, Title: "The sender's own name for the request", Kind: shared.KindText, Least: 1, Most: maxID}
}

func vehicleKey() Key {
	return Key{Name: keyVehicle, Title: "Id of the car", Kind: shared.KindText, Pattern: vehicleID.String(), Required: true}
}

func pluginKey() Key {
	return Key{Name: keyPlugin, Title: "Name of the plugin; may be left out if there is only one", Kind: shared.KindText}
}

// has says whether a key is among those that an object may have.
func has(keys []Key, name string) bool {
	return slices.ContainsFunc(keys, func(k Key) bool { return k.Name == name })
}
