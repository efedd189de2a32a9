package cloudsim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// steer calls the control of a running cloud.
func steer(t *testing.T, c *Cloud, method, path, body string, header ...string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.URL()+"/_cloud/"+path, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(answer)
}

func TestControl(t *testing.T) {
	c, _ := serve(t, Options{})
	p := owner(t, c)
	status, text := steer(t, c, http.MethodPost, "scripts", story)
	assert.Equal(t, 201, status)
	assert.JSONEq(t, `{"id":1}`, text)
	status, text = steer(t, c, http.MethodPost, "scripts", `{"steps":[{"fault":"down"}]}`)
	assert.Equal(t, 201, status)
	assert.JSONEq(t, `{"id":2}`, text)
	assert.Equal(t, outage, said(p.get("vehicles")))

	status, text = steer(t, c, http.MethodGet, "scripts", "")
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `[{"id":1,"name":"a bad morning","step":1,"steps":3,"fault":"status","met":0},{"id":2,"step":2,"steps":1,"met":0}]`, text)
	status, _ = steer(t, c, http.MethodDelete, "scripts/2", "")
	assert.Equal(t, 204, status)
	assert.Equal(t, fine, said(p.get("vehicles")))
	for _, id := range []string{"2", "x", "-1"} {
		status, _ = steer(t, c, http.MethodDelete, "scripts/"+id, "")
		assert.Equal(t, 404, status, id)
	}

	status, text = steer(t, c, http.MethodPost, "clock", `{"advance":"90m"}`)
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"clock":"2026-07-01T11:30:00Z","rate":1}`, text)
	for _, body := range []string{``, `{}`, `{"advance":"-1h"}`, `{"advance":5}`, `{"back":"1h"}`, `{"rate":-1}`, `{"rate":"fast"}`} {
		status, _ = steer(t, c, http.MethodPost, "clock", body)
		assert.Equal(t, 400, status, body)
	}

	status, text = steer(t, c, http.MethodGet, "", "")
	assert.Equal(t, 200, status)
	var state State
	require.NoError(t, json.Unmarshal([]byte(text), &state))
	assert.Equal(t, start.Add(90*time.Minute), state.Clock.UTC())
	assert.Equal(t, CallCount{2, 1}, state.Calls[List])
	require.Len(t, state.Cars, 2)
	assert.Equal(t, "Tucson", state.Cars[1].Name)
	assert.Len(t, state.Scripts, 1)

	status, text = steer(t, c, http.MethodPost, "scripts", `steps: [{fault: hang, fro: 3}]`)
	assert.Equal(t, 400, status)
	assert.Contains(t, text, "field fro not found")
	status, _ = steer(t, c, http.MethodGet, "other", "")
	assert.Equal(t, 404, status)
	assert.Zero(t, c.Attempts(Other), "what steers is no call")
}

// Neither a page of a browser nor a name that leads here can steer the cloud.
func TestControlIsForProgramsOfThisMachine(t *testing.T) {
	c, _ := serve(t, Options{})
	for name, header := range map[string][]string{
		"other origin":   {"Origin", "https://example.com"},
		"other site":     {"Sec-Fetch-Site", "cross-site"},
		"a name":         {"Host", "rebound.example.com"},
		"other address":  {"Host", "192.168.1.5:80"},
		"name with port": {"Host", "rebound.example.com:80"},
	} {
		status, _ := steer(t, c, http.MethodPost, "scripts", `steps: [{fault: down}]`, header...)
		assert.Equal(t, http.StatusForbidden, status, name)
	}
	status, _ := steer(t, c, http.MethodGet, "", "", "Host", "rebound.example.com")
	assert.Equal(t, http.StatusForbidden, status)
	assert.Empty(t, c.Playing())
	for _, host := range []string{"localhost", "localhost:99", "127.0.0.1", "[::1]:80", "[::1]"} {
		status, _ := steer(t, c, http.MethodGet, "", "", "Host", host)
		assert.Equal(t, 200, status, host)
	}
}

// Time that is moved ahead ends what has an end, for everybody.
func TestAdvance(t *testing.T) {
	ccs2, _ := demoCars()
	c, _ := serve(t, Options{ForceDelay: time.Minute, TokenLife: time.Hour, Quota: 4})
	p := owner(t, c)
	trigger := "vehicles/" + ccs2 + "/ccs2/carstatus"
	require.Equal(t, fine, said(p.get(trigger)))
	c.Advance(time.Minute)
	assert.Equal(t, fmt.Sprint(start.Add(time.Minute).UnixMilli()), p.get(trigger+"/latest").at("resMsg.lastUpdateTime"))
	c.Advance(-time.Hour) // never back
	c.Advance(59 * time.Minute)
	assert.Equal(t, 401, p.get(trigger+"/latest").status, "the token has ended")
	p.login()
	p.get("vehicles")
	p.get("vehicles")
	assert.Equal(t, "509 5091", said(p.get("vehicles")))
	c.Advance(24 * time.Hour)
	p.login()
	assert.Equal(t, fine, said(p.get("vehicles")), "a new day")
}
