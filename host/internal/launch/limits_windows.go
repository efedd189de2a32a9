package launch

import "os/exec"

// command runs a program; there are no limits here.
func (Limits) command(path string, args []string) *exec.Cmd {
	return exec.Command(path, args...) //nolint:gosec,noctx // the operator names the plugin; its life is not a call's
}
