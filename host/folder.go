package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
)

// readFolder reads the plugins of a folder. A file that is wrong costs its own
// plugin only.
func readFolder(dir string, anyoneMayWrite bool) ([]PluginSpec, error) {
	if err := launch.CheckFolder(dir); err != nil && !anyoneMayWrite {
		return nil, fmt.Errorf("host: folder of plugins: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("host: folder of plugins: %w", err)
	}
	var specs []PluginSpec
	for _, e := range entries {
		name, isSpec := strings.CutSuffix(e.Name(), ".json")
		if !isSpec || e.IsDir() || !pluginName.MatchString(name) {
			continue
		}
		spec, err := readSpec(filepath.Join(dir, e.Name()), anyoneMayWrite)
		spec.Name, spec.invalid = name, err
		if !filepath.IsAbs(spec.Path) {
			spec.Path = filepath.Join(dir, spec.Path)
		}
		if spec.DigestFile != "" && !filepath.IsAbs(spec.DigestFile) {
			spec.DigestFile = filepath.Join(dir, spec.DigestFile)
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

func readSpec(path string, anyoneMayWrite bool) (PluginSpec, error) {
	var spec PluginSpec
	body, err := readSmall(path, anyoneMayWrite)
	if err != nil {
		return spec, err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err = d.Decode(&spec)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		return PluginSpec{}, fmt.Errorf("%s is not understood: %w", path, err)
	}
	if spec.Path == "" {
		return spec, fmt.Errorf("%s names no path", path)
	}
	return spec, nil
}

// maxSpec bounds the file that names a plugin.
const maxSpec = 1 << 20

// readSmall reads a file that is one, and no larger than it may be.
func readSmall(path string, anyoneMayWrite bool) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxSpec:
		return nil, fmt.Errorf("%s is no file of settings: %w", path, fs.ErrInvalid)
	case launch.WritableByOthers(info) && !anyoneMayWrite:
		return nil, fmt.Errorf("%s: %w; take that right away (chmod o-w)", path, launch.ErrUnsafe)
	}
	return os.ReadFile(path)
}
