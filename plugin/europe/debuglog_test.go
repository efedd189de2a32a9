package europe

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

// The debug log shows what was said, and no secret of it. No redactor is behind
// it here, so what is clean is clean by itself.
func TestDebugLogShowsBodiesWithoutSecrets(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	var lines bytes.Buffer
	ctx := sdk.WithLogger(t.Context(), slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug})))
	client := c.client(t, profile.Kia)
	secrets := []string{
		password, account(profile.Kia).Email, account(profile.Kia).RefreshToken, ccs2ID, ccs1ID, carCCS2(profile.Kia).VIN, carCCS1(profile.Kia).VIN,
		"52.516275", "13.377704", "48.137154", "11.576124", c.base,
	}
	learn := func(client *ccs.Client) {
		s := client.Account().Session()
		secrets = append(secrets, s.AccessToken)
		if s.DeviceID != "" { // the classic client's login needs none
			secrets = append(secrets, s.DeviceID)
		}
		if tokens, ok := tokensOf(s); ok {
			secrets = append(secrets, tokens.all()...)
		}
	}

	require.NoError(t, client.Login(ctx))
	learn(client)
	_, err := client.Vehicles(ctx)
	require.NoError(t, err)
	for _, id := range []string{ccs1ID, ccs2ID} {
		_, err = client.Cached(ctx, id)
		require.NoError(t, err)
		_, err = client.Force(ctx, id, c.clock.now())
		require.NoError(t, err)
	}
	require.NoError(t, client.Renew(ctx))
	learn(client)
	legacy := c.client(t, profile.Kia, withToken(profile.Kia))
	require.NoError(t, legacy.Login(ctx))
	learn(legacy)
	require.Error(t, c.client(t, profile.Kia, withPassword("wrong "+password)).Login(ctx))
	c.intercept(on(latestCCS1, text(http.StatusForbidden, "<html>abusing "+account(profile.Kia).Email+"</html>")))
	_, err = client.Cached(ctx, ccs1ID)
	require.Error(t, err)
	c.intercept(on(latestCCS1, text(http.StatusOK, `{"retCode":"F","resCode":"4003","resMsg":"`+strings.Repeat("Invalid values ", 1000)+`"}`)))
	_, err = client.Cached(ctx, ccs1ID)
	require.Error(t, err)

	log := lines.String()
	redacttest.NotIn(t, log, secrets...)
	for _, secret := range []string{`Blue\"`, `Red\"`, "code="} { // no time and no number looks like these
		assert.NotContains(t, log, secret)
	}
	for _, shown := range []string{`\"resCode\":\"0000\"`, "refresh_token", "it said: abusing", "odometer", "method=POST", "…"} {
		assert.Contains(t, log, shown)
	}
	for line := range strings.Lines(log) {
		assert.Less(t, len(line), 3*4<<10)
	}
}

func TestBodiesAreNotScrubbedForNobody(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	var lines bytes.Buffer
	ctx := sdk.WithLogger(t.Context(), slog.New(slog.NewTextHandler(&lines, nil)))
	require.NoError(t, c.client(t, profile.Kia).Login(ctx))
	assert.NotContains(t, lines.String(), "vendor answered")
}

// A transport of the user's sees every call, and the client behaves as ever.
func TestTransportSeesEveryCall(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	seen := make(chan string, 1000)
	client := c.ready(t, func(o *ccs.Options) {
		o.Transport = func(next http.RoundTripper) http.RoundTripper { return spy{next, seen} }
	})
	for _, id := range []string{ccs1ID, ccs2ID} {
		_, err := client.Force(t.Context(), id, c.clock.now())
		require.NoError(t, err)
	}
	assert.Len(t, seen, c.total())
}

type spy struct {
	http.RoundTripper
	seen chan<- string
}

func (s spy) RoundTrip(r *http.Request) (*http.Response, error) {
	s.seen <- r.URL.Path
	return s.RoundTripper.RoundTrip(r)
}

func (s spy) CloseIdleConnections() {
	if closer, ok := s.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
