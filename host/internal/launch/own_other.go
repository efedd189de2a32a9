//go:build !linux

package launch

// own starts the process and stays with it until its end. There is no
// parent-death signal here; the plugin ends itself when its stdin closes.
func (p *Process) own(started chan<- error) {
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	lowerPriority(p.cmd.Process)
	defer close(p.exited)
	p.exitErr = p.cmd.Wait()
	p.killGroup()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaped = true
}
