package cloudsim

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// controlPrefix of the paths by which a running cloud is steered.
const controlPrefix = "/_cloud/"

// State of the cloud, as GET /_cloud/ answers it.
type State struct {
	Clock time.Time `json:"clock"`
	// Rate of the clock: see [Options].
	Rate float64 `json:"rate"`
	// Calls by class, of which at least one came.
	Calls   map[Class]CallCount `json:"calls"`
	Cars    []CarState          `json:"cars"`
	Scripts []Playing           `json:"scripts"`
}

// CallCount of a class: see [Cloud.Attempts] and [Cloud.Calls].
type CallCount struct {
	Attempts int `json:"attempts"`
	Taken    int `json:"taken"`
}

// CarState is what a car is like now, whatever the cloud's copy says.
type CarState struct {
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	CCS2       bool    `json:"ccs2"`
	Doing      string  `json:"doing"`
	SoC        float64 `json:"soc_percent"`
	AuxSoC     float64 `json:"aux_soc_percent"`
	OdometerKM float64 `json:"odometer_km"`
	Wakes      int     `json:"wakes"`
	Silent     bool    `json:"silent"`
	// Reported is when the cloud's copy is from.
	Reported time.Time `json:"reported"`
}

// State is how everything stands now.
func (c *Cloud) State() State {
	c.player.settle()
	s := State{Clock: c.now(), Rate: c.clock.pace(), Calls: map[Class]CallCount{}, Scripts: c.Playing()}
	c.mu.Lock()
	for _, class := range Classes() {
		if n := c.attempts[class]; n > 0 {
			s.Calls[class] = CallCount{n, c.counts[class]}
		}
	}
	c.mu.Unlock()
	for _, a := range c.accounts {
		for _, car := range a.cars {
			s.Cars = append(s.Cars, car.report())
		}
	}
	return s
}

// controlRoutes are the calls that steer the cloud. No page of a browser can use
// them: other origins are refused, and so are names that only lead here.
func (c *Cloud) controlRoutes() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_cloud/{$}", func(w http.ResponseWriter, _ *http.Request) { writeIndented(w, http.StatusOK, c.State()) })
	mux.HandleFunc("GET /_cloud/scripts", func(w http.ResponseWriter, _ *http.Request) { writeIndented(w, http.StatusOK, c.Playing()) })
	mux.HandleFunc("POST /_cloud/scripts", c.controlPlay)
	mux.HandleFunc("DELETE /_cloud/scripts/{id}", c.controlStop)
	mux.HandleFunc("POST /_cloud/clock", c.controlClock)
	guard := http.NewCrossOriginProtection()
	c.control = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !atLoopback(r.Host) || guard.Check(r) != nil {
			http.Error(w, "only programs of this machine may steer the cloud", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// atLoopback says whether a call's host is an address of this machine, and not
// a name that somebody has let lead here.
func atLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (c *Cloud) controlPlay(w http.ResponseWriter, r *http.Request) {
	script, err := ParseScript(r.Body)
	id := 0
	if err == nil {
		id, err = c.Play(script)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeIndented(w, http.StatusCreated, object{"id": id})
}

func (c *Cloud) controlStop(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || !c.Stop(id) {
		http.Error(w, "there is no script of this number", http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (c *Cloud) controlClock(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Advance string   `json:"advance"`
		Rate    *float64 `json:"rate"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&body)

	var ahead time.Duration
	if err == nil && body.Advance != "" {
		ahead, err = time.ParseDuration(body.Advance)
	}
	if err != nil || ahead < 0 || body.Rate != nil && *body.Rate < 0 || body.Advance == "" && body.Rate == nil {
		http.Error(w, `a time to advance by or a rate is needed, for example {"advance":"1h"} or {"rate":60}`, http.StatusBadRequest)
		return
	}

	c.clock.change(ahead, body.Rate)
	writeIndented(w, http.StatusOK, object{"clock": c.now(), "rate": c.clock.pace()})
}

func writeIndented(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	_ = out.Encode(v) // the client may have gone
}
