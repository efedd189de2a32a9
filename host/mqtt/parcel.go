package mqtt

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// together is how many messages of a page enter the way, and leave it.
const together = 8

// parcel is some messages of a page that are on their way together.
type parcel struct {
	messages []outgoing
	receipts []Receipt
	at       time.Time
}

// publish publishes messages of a page and waits until all are acknowledged.
func (w *writer) publish(ctx context.Context, p *page, batch []outgoing, at version, lost <-chan struct{}) error {
	batch = w.fitting(p, batch, at)
	under, done := make(chan parcel, len(batch)/together+1), make(chan error, 1)
	go func() { done <- w.settle(ctx, p, under, at, lost) }()
	all := true
	for messages := range slices.Chunk(batch, together) {
		at, ok := w.flow.enter(ctx, lost, len(messages), false)
		if all = ok; !ok {
			break
		}
		receipts := make([]Receipt, len(messages))
		for n, m := range messages {
			receipts[n] = w.client.Publish(Message{Topic: p.prefix + m.topic, Payload: m.body, QoS: 1, Retained: m.retained})
		}
		under <- parcel{messages, receipts, at}
	}
	close(under)
	err := <-done
	if err == nil && !all {
		return ErrUnacknowledged
	}
	return err
}

// fitting leaves out the messages of a page that are longer than the broker takes.
func (w *writer) fitting(p *page, batch []outgoing, at version) []outgoing {
	longest := w.longest()
	return slices.DeleteFunc(batch, func(m outgoing) bool {
		tooLong := p.length(m) > longest
		if tooLong {
			p.acknowledged(m, at)
		}
		return tooLong
	})
}

// settle waits for the acknowledgements of messages of a page.
func (w *writer) settle(ctx context.Context, p *page, under <-chan parcel, at version, lost <-chan struct{}) error {
	var first error
	acked, open := 0, 0 // the longest of each
	for parcel := range under {
		whole := true
		// A broker acknowledges in order, so that mostly only the last one is waited for.
		for n, m := range slices.Backward(parcel.messages) {
			switch err := settled(ctx, parcel.receipts[n], lost); {
			case errors.Is(err, ErrPublishRefused):
				w.refused(err)
				p.acknowledged(m, at) // it is left out
			case err != nil:
				whole, open, first = false, max(open, p.length(m)), cmp.Or(first, err)
			default:
				acked = max(acked, p.length(m))
				p.acknowledged(m, at)
			}
		}
		w.flow.leave(parcel.at, len(parcel.messages), whole)
	}
	w.judge(acked, open, ended(lost))
	return first
}

// settled waits for a receipt.
func settled(ctx context.Context, r Receipt, lost <-chan struct{}) error {
	select {
	case <-r.Done():
		return r.Error()
	default:
	}
	select {
	case <-r.Done():
		return r.Error()
	case <-lost:
	case <-ctx.Done():
	}
	return ErrUnacknowledged
}
