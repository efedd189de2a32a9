//go:build linux

package host_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

// folder holds files that name plugins.
type folder string

func newFolder(t *testing.T) folder { t.Helper(); return folder(t.TempDir()) }

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

func (f folder) write(t *testing.T, name, body string) {
	t.Helper()
	require.NoError(t, os.WriteFile(f.path(name), []byte(body), 0o600))
}

// good names a program of the corpus that behaves.
func (f folder) good(t *testing.T, name string) {
	t.Helper()
	p := installed(t, name, "good")
	body, err := json.Marshal(p)
	require.NoError(t, err)
	f.write(t, name+".json", string(body))
}

func (f folder) use(o *host.Options) {
	soon(o)
	o.Folder = string(f)
}

func TestFolderNamesPlugins(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.good(t, "absolute")
	// A relative path is meant from the folder, wherever the hub was started.
	program := installed(t, "x", "good").Path
	require.NoError(t, os.Mkdir(f.path("bin"), 0o755))
	require.NoError(t, os.Rename(program, f.path("bin/program")))
	require.NoError(t, os.Symlink("bin/program", f.path("link")))
	f.write(t, "relative.json", `{"path": "bin/program", "args": ["good"], "same_user": true}`)
	f.write(t, "linked.json", `{"path": "./link", "args": ["good"], "same_user": true}`)
	f.write(t, "all-of-it.json", `{
		"path": "bin/program", "args": ["good"], "settings": {"username": "somebody@example.com", "password": "secret-2"},
		"env": ["A=b"], "sha256": "`+digestOf(t, f.path("bin/program"))+`", "accept_changes": true, "same_user": true,
		"user": {"uid": 1, "gid": 1}, "memory_limit": 536870912}`)
	// What is no plugin's.
	f.write(t, "README.md", "x")
	f.write(t, ".hidden.json", "x")
	f.write(t, "no name.json", "x")
	f.write(t, ".json", "x")
	require.NoError(t, os.Mkdir(f.path("folder.json"), 0o755))

	s := newStage(t)
	h := start(t, s, f.use, installed(t, "of-the-options", "good"))
	names := []string{}
	for _, st := range h.Status() {
		names = append(names, st.Name)
	}
	assert.ElementsMatch(t, []string{"of-the-options", "absolute", "relative", "linked", "all-of-it"}, names)
	for _, name := range names {
		h.reaches(name, host.Ready)
		_, err := read(h, name)
		require.NoError(t, err, name)
	}
	redacttest.NotIn(t, h.logged(), "secret-2")
	limits, err := os.ReadFile(filepath.Join("/proc", pidOf(h, "all-of-it"), "limits"))
	require.NoError(t, err)
	assert.Contains(t, string(limits), "536870912", "the file's values are in force")
	environ, err := os.ReadFile(filepath.Join("/proc", pidOf(h, "all-of-it"), "environ"))
	require.NoError(t, err)
	assert.Contains(t, string(environ), "A=b\x00")
}

func pidOf(h *hub, name string) string { return strconv.Itoa(h.status(name).PID) }

// TestFileThatIsWrong costs its own plugin, and nobody else's.
func TestFileThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, says string }{
		"empty":              {``, "is not understood"},
		"no JSON":            {`path = "/bin/x"`, "is not understood"},
		"cut off":            {`{"path": "/bin/true"`, "is not understood"},
		"more than one":      {`{"path": "/bin/true"} {"path": "/bin/false"}`, "is not understood"},
		"and then noise":     {`{"path": "/bin/true"}}`, "is not understood"},
		"no object":          {`["/bin/true"]`, "is not understood"},
		"unknown field":      {`{"path": "/bin/true", "pasword": "x"}`, "pasword"},
		"wrong type":         {`{"path": "/bin/true", "memory_limit": "1 GiB"}`, "memory_limit"},
		"no path":            {`{"args": ["x"]}`, "names no path"},
		"null":               {`null`, "names no path"},
		"name in it":         {`{"name": "other", "path": "/bin/true"}`, "name"},
		"a developer's only": {`{"reattach": "{}", "path": "/bin/true"}`, "reattach"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			f.write(t, "bad.json", tc.body)
			f.good(t, "good")
			h := start(t, newStage(t), f.use)
			h.eventually("it is told", func() bool { return h.status("bad").Reason != "" })
			st := h.status("bad")
			assert.Equal(t, string(shared.ReasonConfigInvalid), st.Reason)
			assert.Contains(t, st.Message, "Plugin bad cannot be started")
			assert.Contains(t, st.Message, f.path("bad.json"))
			assert.Contains(t, st.Message, tc.says)
			assert.Zero(t, st.PID)
			_, err := read(h, "bad")
			require.ErrorIs(t, err, shared.ReasonConfigInvalid)
			h.reaches("good", host.Ready)
			_, err = read(h, "good")
			require.NoError(t, err)
			require.ErrorIs(t, h.Upgrade(t.Context(), "bad"), shared.ReasonConfigInvalid)
			assert.Equal(t, 1, strings.Count(h.logged(), "plugin does not start"), "said once")
		})
	}
}

// TestFileThatIsNone: what only looks like one does not hold up the hub.
func TestFileThatIsNone(t *testing.T) {
	for name, create := range map[string]func(t *testing.T, path string){
		"link to nowhere":  func(t *testing.T, path string) { t.Helper(); require.NoError(t, os.Symlink("/nonexistent", path)) },
		"link to a folder": func(t *testing.T, path string) { t.Helper(); require.NoError(t, os.Symlink("/", path)) },
		"named pipe":       func(t *testing.T, path string) { t.Helper(); require.NoError(t, syscall.Mkfifo(path, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.good(t, "good")
			create(t, f.path("bad.json"))
			made := make(chan error, 1)
			go func() {
				_, err := host.New(host.Options{Folder: string(f)})
				made <- err
			}()
			require.NoError(t, await.Value(t, "New, which does not wait for what is no file", made))
			h := start(t, newStage(t), f.use)
			h.eventually("it is told", func() bool { return h.status("bad").Reason == string(shared.ReasonConfigInvalid) })
			h.reaches("good", host.Ready)
		})
	}
}

// TestFolderThatOthersMayWriteTo names programs of theirs, to be run as whoever
// the hub is.
func TestFolderThatOthersMayWriteTo(t *testing.T) {
	for name, mode := range map[string]struct{ folder, file fs.FileMode }{"folder": {0o777, 0o600}, "file": {0o755, 0o606}} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.good(t, "p")
			require.NoError(t, os.Chmod(string(f), mode.folder))
			require.NoError(t, os.Chmod(f.path("p.json"), mode.file))
			t.Cleanup(func() { _ = os.Chmod(string(f), 0o755) })
			_, err := host.New(host.Options{Folder: string(f)})
			if err != nil {
				return // refused as a whole
			}
			h := start(t, newStage(t), f.use)
			h.eventually("it is decided", func() bool { return h.status("p").Reason != "" || h.status("p").State == host.Ready })
			assert.Contains(t, []string{string(shared.ReasonConfigInvalid), string(shared.ReasonPluginUntrusted)}, h.status("p").Reason)
			assert.Zero(t, h.status("p").Starts)
		})
	}
}

func TestFolderAndOptions(t *testing.T) {
	f := newFolder(t)
	_, err := host.New(host.Options{Folder: f.path("nowhere")})
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = host.New(host.Options{Folder: string(f)})
	require.ErrorContains(t, err, "no plugin is named")
	_, err = host.New(host.Options{Folder: string(f), Plugins: []host.PluginSpec{{Name: "p", Path: "/x"}}})
	require.NoError(t, err, "an empty folder adds none")
	f.write(t, "p.json", `{"path": "/x"}`)
	_, err = host.New(host.Options{Folder: string(f)})
	require.NoError(t, err)
	plugins := make([]host.PluginSpec, 1, 8)
	plugins[0] = host.PluginSpec{Name: "p", Path: "/y"}
	_, err = host.New(host.Options{Folder: string(f), Plugins: plugins})
	require.ErrorContains(t, err, `two plugins are named "p"`)
	assert.Empty(t, plugins[:2][1].Name, "the caller's slice is the caller's")
}
