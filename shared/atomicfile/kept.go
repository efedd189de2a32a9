package atomicfile

import (
	"errors"
	"io/fs"
	"os"
)

// Kept is a file that is written when what it holds has changed. An empty path keeps
// nothing. Not safe for concurrent use.
type Kept struct {
	Path  string
	saved string
}

// Read returns what the file holds; nil: it is not there.
func (k *Kept) Read() ([]byte, error) {
	if k.Path == "" {
		return nil, nil
	}
	body, err := os.ReadFile(k.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return body, err
}

// Write is [WriteUnsynced], unless the same was written last.
func (k *Kept) Write(body []byte) error {
	if k.Path == "" || string(body) == k.saved {
		return nil
	}
	if err := WriteUnsynced(k.Path, body); err != nil {
		return err
	}
	k.saved = string(body)
	return nil
}
