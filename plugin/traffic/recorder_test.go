package traffic_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic"
)

func newRecorder(t *testing.T, change ...func(*traffic.RecorderOptions)) (*traffic.Recorder, string) {
	t.Helper()
	o := traffic.RecorderOptions{File: filepath.Join(t.TempDir(), "traffic.jsonl"), Brand: "kia", Secrets: []string{"canary.person@example.org", "canary-Pa55word-q7"}}
	for _, f := range change {
		f(&o)
	}
	r, err := traffic.NewRecorder(o)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	return r, o.File
}

type tripFunc func(*http.Request) (*http.Response, error)

func (f tripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// echo answers with what was sent.
func echo(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(body))), Request: r}, err
}

func post(t *testing.T, via http.RoundTripper, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://host.example/api/v1/spa/vehicles", strings.NewReader(body))
	require.NoError(t, err)
	resp, err := via.RoundTrip(req)
	require.NoError(t, err)
	defer func() { assert.NoError(t, resp.Body.Close()) }()
	got, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(got)
}

func TestRecordingChangesNothing(t *testing.T) {
	r, file := newRecorder(t, func(o *traffic.RecorderOptions) { o.MaxBody = 100 })
	via := r.Wrap(tripFunc(echo))
	long := `{"a":"` + strings.Repeat("x", 200) + `"}`
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			assert.Equal(t, long, post(t, via, long))
			assert.Equal(t, `{"a":1}`, post(t, via, `{"a":1}`))
		})
	}
	all.Wait()
	body, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, 41, strings.Count(string(body), "\n"))
	assert.Contains(t, string(body), "[body of 208 bytes removed]")
	assert.Contains(t, string(body), `"response":{"json":{"a":1}}`)
}

func TestRecordingMayEnd(t *testing.T) {
	r, file := newRecorder(t, func(o *traffic.RecorderOptions) { o.MaxFile = 600 })
	via := r.Wrap(tripFunc(echo))
	for range 20 {
		assert.Equal(t, `{"a":1}`, post(t, via, `{"a":1}`))
	}
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.LessOrEqual(t, info.Size(), int64(600))
	require.NoError(t, r.Close())
	assert.Equal(t, `{}`, post(t, via, `{}`), "after the end")
	_, err = traffic.NewRecorder(traffic.RecorderOptions{File: file})
	require.ErrorIs(t, err, os.ErrExist)
}

func TestErrorsAreRecordedWithoutTheirText(t *testing.T) {
	r, file := newRecorder(t)
	secret := errors.New("dial maria.example.net")
	via := r.Wrap(tripFunc(func(*http.Request) (*http.Response, error) { return nil, secret }))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://host.example/Maria?code=abc", nil)
	require.NoError(t, err)
	_, err = via.RoundTrip(req) //nolint:bodyclose // there is none
	require.ErrorIs(t, err, secret)
	body, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.NotContains(t, strings.ToLower(string(body)), "maria")
	assert.Contains(t, string(body), `"error":"broken connection"`)
}

func TestReplayRefusesWhatIsNoRecording(t *testing.T) {
	for _, text := range []string{
		``, `x`, `{"version":2}`, "{\"version\":1}\nx", "{\"version\":1}\n{\"method\":\"GET\"}",
		"{\"version\":1}\n{\"method\":\"GET\",\"path\":\"/\",\"status\":7}",
	} {
		_, err := traffic.NewReplay(strings.NewReader(text))
		require.Error(t, err, text)
	}
}
