package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// profiled is how many seconds of a scenario the profile of the service is of.
const profiled = 5

// profile writes where the service's processor time goes to a file of the scenario's name,
// for go tool pprof, and returns what waits for its end. The yardsticks have none.
func (o *Options) profile(ctx context.Context, r *rig, scenario string) (wait func() error) {
	if o.Profiles == "" || r.loop || r.initial {
		return func() error { return nil }
	}
	name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(scenario, "-") + ".pprof"
	done := make(chan error, 1)
	go func() {
		done <- fetch(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", r.http, profiled), filepath.Join(o.Profiles, name))
	}()
	return func() error { return <-done }
}

// fetch writes what is found at a URL to a file.
func fetch(ctx context.Context, url, path string) error {
	body, err := get(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	return errors.Join(err, f.Close())
}
