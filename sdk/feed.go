package sdk

import (
	"context"
	"sync"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// feed hands snapshots to whoever watches. Who is slow gets only the newest of each
// car. Safe for concurrent use.
type feed struct {
	mu       sync.Mutex
	watchers map[*feedWatcher]bool
}

// feedWatcher is one who watches; the feed's lock guards it.
type feedWatcher struct {
	// pending by car, and the cars in the order in which they came.
	pending map[string]*vehiclev1.VehicleData
	order   []string
	wake    chan struct{}
}

func newFeed() *feed { return &feed{watchers: map[*feedWatcher]bool{}} }

// put takes a snapshot, which is not changed any more.
func (f *feed) put(d *vehiclev1.VehicleData) {
	id := d.GetVehicle().GetId()
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.watchers {
		if w.pending[id] == nil {
			w.order = append(w.order, id)
		}
		w.pending[id] = d
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// watch calls report with each snapshot until ctx ends or report fails.
func (f *feed) watch(ctx context.Context, report func(*vehiclev1.VehicleData) error) error {
	w := &feedWatcher{pending: map[string]*vehiclev1.VehicleData{}, wake: make(chan struct{}, 1)}
	f.mu.Lock()
	f.watchers[w] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watchers, w)
	}()
	for {
		if d := f.take(w); d != nil {
			if err := report(d); err != nil {
				return err
			}
			continue
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *feed) take(w *feedWatcher) *vehiclev1.VehicleData {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(w.order) == 0 {
		return nil
	}
	id := w.order[0]
	w.order = w.order[1:]
	d := w.pending[id]
	delete(w.pending, id)
	return d
}
