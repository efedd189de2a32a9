package launch

import (
	"io/fs"
	"time"
)

// Windows keeps rights in access lists, which a mode does not show.
func executable(fs.FileInfo) bool { return true }

// WritableByOthers says whether every user of the system may write to a file.
func WritableByOthers(fs.FileInfo) bool { return false }

func changed(info fs.FileInfo) time.Time { return info.ModTime() }
