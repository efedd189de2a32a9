package launch

import (
	"io/fs"
	"syscall"
	"time"
)

// changed is when the inode last changed; unlike the time of modification nobody
// can set it back.
func changed(info fs.FileInfo) time.Time {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(st.Ctim.Unix())
	}
	return time.Time{}
}
