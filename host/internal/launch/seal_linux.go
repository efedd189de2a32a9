package launch

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// sealedPath is where a process finds its own program: as the first file after
// the standard ones.
const sealedPath = "/proc/self/fd/3"

// seal copies src into anonymous memory that nobody can change any more, and
// digests what lies there.
func seal(src *os.File, name string) (f *os.File, digest []byte, err error) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		return nil, nil, err // it could not be executed
	}
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // an older kernel, where all of them may be executed
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("memfd: %w", err)
	}
	f = os.NewFile(uintptr(fd), name)

	err = send(f, src)
	if err == nil {
		err = f.Chmod(0o555)
	}
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	}
	if err == nil {
		digest, err = digestSealed(f)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("memfd: %w", err)
	}
	return f, digest, nil
}

// send copies a file without moving its bytes through this process.
func send(dst, src *os.File) error {
	for left := maxProgram; left > 0; {
		n, err := unix.Sendfile(int(dst.Fd()), int(src.Fd()), nil, left)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("sendfile: %w", err)
		case n == 0:
			return nil
		}
		left -= max(n, 0)
	}
	return nil
}

// digestSealed is the SHA-256 of sealed memory, which is read where it lies: it
// cannot shrink under its reader.
func digestSealed(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		empty := sha256.Sum256(nil)
		return empty[:], err
	}
	memory, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Munmap(memory) }()
	sum := sha256.Sum256(memory)
	return sum[:], nil
}
