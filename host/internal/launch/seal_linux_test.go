package launch

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestSealedMemoryCannotBeChanged by whoever has it open or opens it anew, root
// or not.
func TestSealedMemoryCannotBeChanged(t *testing.T) {
	c, path := newImages(t), install(t, variant(t, "AAAA"))
	i := load(t, c, path)
	defer c.Release(i)
	require.NotNil(t, i.sealed, "this system can")
	assert.Empty(t, i.copy)
	files := []*os.File{i.sealed}
	again, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", i.sealed.Fd()), os.O_RDWR, 0)
	if err == nil {
		files = append(files, again)
	} else {
		require.ErrorIs(t, err, os.ErrPermission) // the mode keeps ordinary users from it
	}
	for _, f := range files {
		_, err := f.WriteAt([]byte("x"), 0)
		require.ErrorIs(t, err, unix.EPERM, "write")
		info, err := f.Stat()
		require.NoError(t, err)
		_, err = f.WriteAt([]byte("x"), info.Size())
		require.ErrorIs(t, err, unix.EPERM, "append")
		require.ErrorIs(t, f.Truncate(0), unix.EPERM, "ftruncate")
		require.ErrorIs(t, f.Truncate(info.Size()+1), unix.EPERM, "grow")
		_, err = unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		require.ErrorIs(t, err, unix.EPERM, "map")
		require.Error(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 4096), "punch a hole")
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_FUTURE_WRITE)
		require.ErrorIs(t, err, unix.EPERM, "the seals themselves")
	}
	_ = again.Close() // the system runs nothing that is open to be written; nil does no harm
	assert.Equal(t, "program AAAA", runs(t, i))
}

// TestProgramCannotChangeItself: a process has its own program at hand.
func TestProgramCannotChangeItself(t *testing.T) {
	c := newImages(t)
	i := load(t, c, "/bin/sh")
	defer c.Release(i)
	_, says := launched(t, Spec{Image: i, Args: []string{"-c", `
		{ echo x > /proc/self/fd/3; } 2>/dev/null && echo written >&2
		{ echo x > /proc/$$/exe; } 2>/dev/null && echo written >&2
		echo tried >&2`}})
	assert.Equal(t, "tried\n", says())
	again := load(t, c, "/bin/sh")
	defer c.Release(again)
	b, err := os.ReadFile("/bin/sh")
	require.NoError(t, err)
	assert.Equal(t, digest(b), again.Digest)
	memory, err := os.ReadFile(fmt.Sprintf("/proc/self/fd/%d", again.sealed.Fd()))
	require.NoError(t, err)
	assert.Equal(t, b, memory)
}
