package launch

// Limits of a process. Zero is no limit. Core dumps are always off, for they hold
// secrets.
type Limits struct {
	// Memory in bytes that the process may write to.
	Memory uint64
	// Files that it may have open.
	Files uint64
	// Processes and threads of its user; only for a user of its own.
	Processes uint64
	// FileSize in bytes of the largest file that it may write.
	FileSize uint64
}
