package sdk

// Waiting is how many jobs wait for a worker.
func (e *Engine) Waiting() int { return e.lanes.Stats().Waiting }
