package traffic

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Dir is what a plugin that records while it serves calls the directory of its
// recordings, in its own.
const Dir = "recordings"

const (
	seriesBegin, seriesEnd = "traffic-", ".jsonl"
	seriesTime             = "20060102T150405.000Z"
	seriesKept             = 3
)

// NextFile names the file of a recording that begins now, in dir, which it makes if
// needed. Of earlier ones only the two newest stay.
func NextFile(dir string, now time.Time) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("recording: %w", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("recording: %w", err)
	}

	var earlier []string
	for _, file := range files {
		if strings.HasPrefix(file.Name(), seriesBegin) && strings.HasSuffix(file.Name(), seriesEnd) {
			earlier = append(earlier, file.Name())
		}
	}
	slices.Sort(earlier) // by time
	for _, name := range earlier[:max(0, len(earlier)-seriesKept+1)] {
		_ = os.Remove(filepath.Join(dir, name)) // what cannot be removed stays
	}
	return filepath.Join(dir, seriesBegin+now.UTC().Format(seriesTime)+seriesEnd), nil
}
