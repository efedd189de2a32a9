package redact_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	const word = "correct horse"
	account := struct {
		Name     string        `json:"name"`
		Password redact.Secret `json:"password"`
	}{"a", word}
	var lines bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&lines, nil))
	log.Info("one", "password", account.Password)
	slog.New(slog.NewTextHandler(&lines, nil)).Info("two", "password", account.Password, "account", fmt.Sprint(account))
	for _, verb := range []string{"%s", "%q", "%v", "%+v", "%#v", "%x", "%d", "%T"} {
		_, _ = fmt.Fprintf(&lines, verb+" "+verb+"\n", account.Password, account)
	}
	_, _ = fmt.Fprintln(&lines, account.Password, &account, []redact.Secret{word}, errors.Join(fmt.Errorf("of %v", account.Password)))
	redacttest.NotIn(t, lines.String(), word)
	assert.Contains(t, lines.String(), redact.Stars)

	body, err := json.Marshal(account)
	require.NoError(t, err)
	assert.JSONEq(t, `{"name":"a","password":"correct horse"}`, string(body))
	assert.Equal(t, word, account.Password.Reveal())
}
