package main

import (
	"context"
	"os"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/prompt"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// complete asks a person at a terminal for what the settings do not say of the account.
// Where nobody sits it leaves them as they are.
func complete(ctx context.Context, account *settings.Settings, stdin *os.File, t terminal) error {
	if account.Username != "" && account.Password != "" {
		return nil
	}
	person, ok := prompt.At(stdin, t.complaint)
	if !ok {
		return nil
	}
	a := prompt.Account{Brand: string(account.Brand), Username: account.Username, Password: account.Password.Reveal()}
	person.Account(ctx, &a)
	person.Say("\nGive the service the same account: HYUNDAI_USERNAME, HYUNDAI_PASSWORD and HYUNDAI_BRAND, or a file (hyundai-hub init writes it).\n")
	account.Brand, account.Username, account.Password = settings.Name(a.Brand), a.Username, redact.Secret(a.Password)
	return person.Err()
}
