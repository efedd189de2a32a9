package host

import (
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// digestLine is what sha256sum writes: the digest, and the file's name if it likes.
var digestLine = regexp.MustCompile(`^([0-9a-fA-F]{64})([ \t].*)?$`)

// pinShipped returns the spec with the pin of its digest file, if it has one and nothing else
// is pinned.
func (p *programs) pinShipped(spec PluginSpec) (PluginSpec, error) {
	if spec.DigestFile == "" || spec.SHA256 != "" {
		spec.DigestFile = ""
		return spec, nil
	}
	body, err := readSmall(spec.DigestFile, p.images.AnyoneMayWrite)
	if err == nil && !p.images.AnyoneMayWrite {
		err = launch.CheckFolder(filepath.Dir(spec.DigestFile))
	}
	digest := digestLine.FindStringSubmatch(strings.TrimSpace(string(body)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		spec.DigestFile = ""
		return spec, nil
	case err == nil && digest == nil:
		err = errors.New("it has to be one line of sha256sum's")
	}
	if err != nil {
		return spec, shared.Errorf(shared.ReasonPluginUntrusted, "Plugin %s is not started: the digest in %s cannot be used: %v.", spec.Name, spec.DigestFile, err).Wrap(err)
	}
	spec.SHA256 = digest[1]
	return spec, nil
}
