//go:build unix

package launch

import "io/fs"

func executable(info fs.FileInfo) bool { return info.Mode().Perm()&0o111 != 0 }

// WritableByOthers says whether every user of the system may write to a file.
func WritableByOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o002 != 0 }
