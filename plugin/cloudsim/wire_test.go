package cloudsim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// raw calls the vehicle list with a client of its own, so that no connection is
// taken from a test before.
func (p *phone) raw(ctx context.Context) (*http.Response, error) {
	p.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/api/v1/spa/vehicles", http.NoBody)
	require.NoError(p.t, err)
	req.Header = p.header.Clone()
	return client.Do(req)
}

func TestWireFaults(t *testing.T) {
	c, _ := serve(t, Options{})
	p := owner(t, c)
	resp, err := p.raw(t.Context())
	require.NoError(t, err)
	whole, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())

	t.Run("truncate", func(t *testing.T) {
		play(t, c, Step{Fault: Truncate})
		resp, err := p.raw(t.Context())
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		half, err := io.ReadAll(resp.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Equal(t, 200, resp.StatusCode)
		assert.Len(t, half, len(whole)/2)
	})
	t.Run("reset", func(t *testing.T) {
		play(t, c, Step{Fault: Reset})
		_, err := p.raw(t.Context()) //nolint:bodyclose // there is none
		require.ErrorIs(t, err, syscall.ECONNRESET)
	})
	t.Run("hang", func(t *testing.T) {
		id := play(t, c, Step{Fault: Hang})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			_, err := p.raw(ctx) //nolint:bodyclose // there is none
			ended <- err
		}()
		await.True(t, "the call meets the fault", func() bool {
			return slices.ContainsFunc(c.Playing(), func(p Playing) bool { return p.ID == id && p.Met == 1 })
		})
		cancel()
		require.ErrorIs(t, await.Value(t, "the end of the call", ended), context.Canceled)
	})
	t.Run("drip", func(t *testing.T) {
		play(t, c, Step{Fault: Drip, Delay: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := p.raw(ctx)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		n, err := resp.Body.Read(make([]byte, 100))
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		cancel()
		_, err = io.ReadAll(resp.Body)
		require.ErrorIs(t, err, context.Canceled)

		play(t, c, Step{Fault: Drip, Delay: time.Millisecond})
		resp, err = p.raw(t.Context())
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		slow, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Len(t, slow, len(whole), "all of it comes in the end")
	})
	t.Run("huge", func(t *testing.T) {
		play(t, c, Step{Fault: Huge})
		resp, err := p.raw(t.Context())
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		n, err := io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		assert.Equal(t, int64(50_000_000), n)

		play(t, c, Step{Fault: Huge, Bytes: 200})
		assert.Equal(t, fine, said(p.get("vehicles")), "it is an answer")
	})
	t.Run("bodies", func(t *testing.T) {
		for _, tc := range []struct {
			step   Step
			status int
			want   string
		}{
			{Step{Fault: Empty}, 200, ""},
			{Step{Fault: Empty, Status: 204}, 204, ""},
			{Step{Fault: Garbage}, 200, `{"retCode":"S","resMsg":{"vehicleStatus":[}`},
			{Step{Fault: Garbage, Status: 500, Text: "{]"}, 500, "{]"},
			{Step{Fault: Page}, 200, "<!DOCTYPE html>"},
			{Step{Fault: Page, Text: "closed"}, 200, "closed"},
			{Step{Fault: Blocked}, 403, "Abusing"},
			{Step{Fault: Blocked, Status: 200}, 200, "Abusing"},
			{Step{Fault: Status, Status: 502}, 502, ""},
			{Step{Fault: Status, Status: 429, Text: "slow down"}, 429, "slow down"},
			{Step{Fault: Refusal, Code: "4002"}, 400, "Invalid parameter"},
			{Step{Fault: Refusal, Code: "4002", Text: "Invalid deviceId."}, 400, "Invalid deviceId"},
			{Step{Fault: Refusal, Code: "5091", Status: 400}, 400, "Exceeds"},
		} {
			play(t, c, tc.step)
			resp, err := p.raw(t.Context())
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, errors.Join(err, resp.Body.Close()))
			assert.Equal(t, tc.status, resp.StatusCode, fmt.Sprint(tc.step))
			if tc.want == "" {
				assert.Empty(t, body, fmt.Sprint(tc.step))
			} else {
				assert.True(t, bytes.Contains(body, []byte(tc.want)), "%v gives %s", tc.step, body)
			}
		}
	})
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Options{Now: func() time.Time { return start }})
		require.NoError(t, err)
		p := owner(t, c)
		play(t, c, Step{Fault: Delay, Delay: time.Hour})

		began := time.Now()
		assert.Equal(t, fine, said(p.get("vehicles")))
		assert.Equal(t, time.Hour, time.Since(began))
		assert.Equal(t, fine, said(p.get("vehicles")))
		assert.Equal(t, time.Hour, time.Since(began), "only the first one was late")
	})
}

// Close does not wait for what hangs.
func TestCloseEndsWhatHangs(t *testing.T) {
	c, err := New(Options{})
	require.NoError(t, err)
	require.NoError(t, c.Start("127.0.0.1:0"))
	play(t, c, Step{Fault: Hang, Always: true})
	ended := make(chan error, 1)
	go func() {
		resp, err := http.PostForm(c.URL()+"/auth/account/signin", url.Values{"a": {"b"}})
		if err == nil {
			err = resp.Body.Close()
		}
		ended <- err
	}()
	await.True(t, "the call hangs", func() bool { return c.Attempts(Login) == 1 })
	require.NoError(t, c.Close(t.Context()))
	require.Error(t, await.Value(t, "the end of the call", ended))
	http.DefaultClient.CloseIdleConnections()
}

// The sign-in's failures look as those of real accounts do.
func TestSignInFaults(t *testing.T) {
	c, _ := serve(t, Options{})
	p := owner(t, c)
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for fault, want := range map[Fault]string{
		WrongPassword: "/auth/api/v2/user/oauth2/authorize?", Consent: "/web/v1/user/authorization?",
		Locked: p.brand.OneAppRedirect + "?error=access_denied", Captcha: "",
	} {
		play(t, c, Step{Fault: fault})
		resp, err := client.PostForm(c.URL()+"/auth/account/signin", url.Values{
			"client_id": {p.brand.OneAppClientID}, "redirect_uri": {p.brand.OneAppRedirect}, "username": {"x@example.com"}, "state": {"ccsp"},
		})
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, errors.Join(err, resp.Body.Close()))
		if fault == Captcha {
			assert.Contains(t, string(body), "captcha")
			continue
		}
		assert.Equal(t, http.StatusFound, resp.StatusCode, fault)
		assert.Contains(t, resp.Header.Get("Location"), want, fault)
		assert.Contains(t, resp.Header.Get("Location"), "state=ccsp", fault)
	}
	assert.Equal(t, 5, c.Attempts(Login))
	assert.Equal(t, 1, c.Calls(Login))
}
