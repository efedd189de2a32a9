package sdk

import "sync"

// wakes are the calls that wake a car and have not ended. Safe for concurrent use.
type wakes struct {
	mu  sync.Mutex
	all map[string]int
}

// begin notes that a car is being woken, until end is called.
func (w *wakes) begin(vehicleID string) (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[string]int{}
	}
	w.all[vehicleID]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.all[vehicleID]--; w.all[vehicleID] == 0 {
			delete(w.all, vehicleID)
		}
	}
}

// underWay says whether a car is being woken.
func (w *wakes) underWay(vehicleID string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all[vehicleID] > 0
}
