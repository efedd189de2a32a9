package main

import (
	"cmp"
	"context"
	"log"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic"
)

// replay is a cloud that answers as a recording says, until ctx ends. A recording that
// holds no login gets that of the scripted cloud.
func replay(ctx context.Context, file string, o options, t terminal) error {
	recording, err := traffic.OpenReplay(file)
	if err != nil {
		return err
	}
	account := cloudsim.DemoAccount()
	account.Brand = cmp.Or(profile.Brand(recording.Header().Brand), account.Brand)

	lines := log.New(t.out, "", 0) // calls come side by side
	cloud, err := cloudsim.New(cloudsim.Options{
		Accounts: []cloudsim.Account{account}, Answers: recording, OnCall: func(c cloudsim.Call) { lines.Print(c) },
	})
	if err != nil {
		return err
	}
	if err := cloud.Start(o.listen); err != nil {
		return err
	}
	lines.Printf("The cloud of %s, recorded on %s, answers at %s\n\n%s\n\n",
		file, recording.Header().Started.Format(time.RFC1123), cloud.URL(), account.Environment(cloud.URL()))

	<-ctx.Done()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	return cloud.Close(closing)
}
