package session

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// disk keeps documents. read is called after each reading.
type disk struct {
	mu   sync.Mutex
	docs map[string][]byte
	read func()
}

func (d *disk) Get(name string, v any) (bool, error) {
	body, ok := d.docs[name]
	if read := d.read; read != nil {
		d.read = nil
		read()
	}
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(body, v)
}

func (d *disk) Put(name string, v any) (err error) {
	d.docs[name], err = json.Marshal(v)
	return err
}

func (d *disk) Delete(name string) error {
	delete(d.docs, name)
	return nil
}

func (d *disk) Lock() (unlock func()) {
	d.mu.Lock()
	return d.mu.Unlock
}

// another process of the account, whose logins come out like this.
func another(d *disk, login error) *Session {
	return Start(Options{
		Vendor: Vendor{Login: func(context.Context) error { return login }, List: func(context.Context) error { return ErrExpired }},
		Docs:   d, Account: "me", Build: "1",
		Exclusive: func(context.Context) (func(), error) { return func() {}, nil },
		Guard:     func(_ context.Context, call func() error) error { return call() },
		Admit:     func(context.Context, gate.Class) error { return nil },
		Locked:    func(*shared.APIError) {}, Waits: func(*shared.APIError) {},
		Logger: func(context.Context) *slog.Logger { return slog.New(slog.DiscardHandler) }, Log: slog.New(slog.DiscardHandler),
		Now: time.Now, Random: func() float64 { return 0 },
	})
}

// TestALockIsNotWrittenOver by a process that has read the record just before, and has
// something to say of it itself.
func TestALockIsNotWrittenOver(t *testing.T) {
	outage := shared.NewError(shared.ReasonVendorUnavailable)
	d := &disk{docs: map[string][]byte{}}
	require.ErrorIs(t, another(d, outage).Renew(t.Context(), 0), shared.ReasonVendorUnavailable)
	one := another(d, nil)
	d.read = func() {
		d.docs[docOf("me")], _ = json.Marshal(Record{Account: "me", Attempts: 2, Lock: Lock{Reason: shared.ReasonAuthFailed, Message: "no", Build: "1"}})
	}
	one.Accepted(0)

	for _, s := range []*Session{another(d, nil), one} {
		_, err := s.Generation()
		require.ErrorIs(t, err, shared.ReasonAuthFailed)
	}
}
