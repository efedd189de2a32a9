package redact

import (
	"fmt"
	"log/slog"
)

// Secret is a text that no log may have: whatever prints it prints three stars. Its
// JSON form is the text, because settings are handed over as JSON.
type Secret string

var (
	_ fmt.Formatter  = Secret("")
	_ slog.LogValuer = Secret("")
)

// Stars stand for a secret.
const Stars = "***"

// Format implements fmt.Formatter for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Stars)) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Stars) }

// Reveal is the text.
func (s Secret) Reveal() string { return string(s) }
