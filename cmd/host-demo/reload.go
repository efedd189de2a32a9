package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/config"
	"github.com/hyundai-mqtt/hyundai-plugin/host"
)

// reloader takes up settings that have changed, while everything runs. One goroutine uses it.
type reloader struct {
	// started are the settings of the start, inForce those that the plugins have.
	started setup
	inForce map[string]config.Account
	hub     *host.Host
	level   *slog.LevelVar
}

func newReloader(s setup, hub *host.Host, level *slog.LevelVar) *reloader {
	r := &reloader{started: s, inForce: map[string]config.Account{}, hub: hub, level: level}
	for _, a := range s.Accounts {
		r.inForce[a.Name] = a
	}
	return r
}

// reload reads the settings again and gives the plugins what is new. It returns a sentence
// for each thing that has changed. If the settings are wrong everything stays as it is.
func (r *reloader) reload(ctx context.Context) (changes []string, err error) {
	if r.started.demo {
		return nil, nil
	}
	after, err := setupFrom(r.started.options, r.started.from)
	if err != nil {
		return nil, fmt.Errorf("the settings are wrong, and those of before go on: %w", err)
	}
	if after.level != r.level.Level() {
		r.level.Set(after.level)
		changes = append(changes, "The log's level is "+after.level.String()+".")
	}
	var wrong []error
	for _, a := range after.Accounts {
		now, runs := r.inForce[a.Name]
		if !runs || string(now.Settings()) == string(a.Settings()) {
			continue
		}
		if err := r.hub.Reconfigure(ctx, a.Name, a.Settings()); err != nil {
			wrong = append(wrong, fmt.Errorf("account %s goes on with its settings of before: %w", a.Name, err))
			continue
		}
		r.inForce[a.Name] = a
		changes = append(changes, "Account "+a.Name+" has new settings.")
	}
	return append(changes, r.atNextStart(after)...), errors.Join(wrong...)
}

// atNextStart says what has changed and counts from the next start only.
func (r *reloader) atNextStart(after setup) []string {
	stays := map[string]bool{}
	for _, a := range after.Accounts {
		_, stays[a.Name] = r.inForce[a.Name]
	}
	var keys []string
	for _, key := range config.Changes(r.started.Config, after.Config) {
		account := ""
		if parts := strings.Split(key, "."); len(parts) > 2 {
			account = parts[1]
		}
		if key == "log.level" || config.ForPlugin(key) && stays[account] {
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil
	}
	return []string{"Changed, from the next start on: " + strings.Join(keys, ", ") + "."}
}
