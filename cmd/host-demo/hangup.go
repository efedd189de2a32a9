package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// onHangup calls upgrade for each SIGHUP until ctx ends; signals that come
// meanwhile count as one. If the signal comes because the terminal is gone, it
// calls stop instead: nobody wants a program to stay behind that nobody sees.
// Systems without SIGHUP never send it. The result waits for the end.
func onHangup(ctx context.Context, upgrade func(context.Context), stop func()) (wait func(context.Context) error) {
	if signal.Ignored(syscall.SIGHUP) {
		return func(context.Context) error { return nil } // started with nohup
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	hadTerminal := hasTerminal()
	done := make(chan struct{})
	go func() { // ends with ctx
		defer close(done)
		defer signal.Stop(signals)
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
			}
			if hadTerminal && !hasTerminal() {
				stop()
				return
			}
			upgrade(ctx)
		}
	}()
	return endOf(done)
}

// hasTerminal says whether somebody's terminal controls this process.
func hasTerminal() bool {
	f, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}
