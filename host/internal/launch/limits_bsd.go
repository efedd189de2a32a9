//go:build unix && !linux

package launch

// rlimitProcesses has this number on all BSDs, which the library leaves out.
const rlimitProcesses = 7
