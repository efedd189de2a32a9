package sdk_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// errGone is what the calls of a process get that is no more.
var errGone = errors.New("the process has ended")

// cloud is a vendor in the bubble's time. It outlives the plugin's processes.
type cloud struct {
	mu   sync.Mutex
	rng  *rand.Rand
	rec  *record
	did  *tally
	cars map[string]*liveCar
	ids  []string
	// good is the session that calls may have, renewable the one that can be renewed,
	// issued the last one.
	good, renewable, issued int

	// wrong is what may go wrong with a call of a class, as often as it is named;
	// mishaps is how often something does. In a spell it is always the same.
	wrong    map[string][]string
	mishaps  float64
	spell    string
	spellEnd time.Time
	// due has, in an order that chance gives, what of wrong must still happen to a
	// class; it comes before anything happens by chance. sure happens to the next call.
	due  map[string][]string
	sure map[string]string
	// asleep cars take minutes to wake, and then perhaps have a mishap.
	asleep map[string]string
	// kills is how often a call ends its process, graves gets the state directory
	// that is left.
	kills  float64
	graves chan string

	// entered counts the calls of an instant by class and car.
	instant time.Time
	entered map[string]int
}

func mishapsByClass() map[string][]string {
	return map[string][]string{
		loginCall:   strings.Fields("auth_failed lost slow vendor_unavailable vendor_unavailable vendor_timeout deaf"),
		renewalCall: strings.Fields("vendor_unavailable vendor_timeout slow expired expired"),
		listCall:    strings.Fields("vendor_unavailable vendor_timeout invalid_response slow expired revoked rate_limited"),
		readCall: strings.Fields(`rate_limited vehicle_busy vendor_unavailable vendor_timeout invalid_response nothing slow slow slow
			vehicle_unreachable vehicle_unreachable deaf expired expired expired revoked
			aux_0 aux_0 aux_255 aux_none aux_none soc_0 odometer timeless older older future empty`),
		wakeCall: strings.Fields(`rate_limited vehicle_busy vehicle_busy vendor_unavailable vendor_timeout invalid_response nothing slow slow
			vehicle_unreachable deaf expired expired expired silent silent aux_0 aux_none older`),
	}
}

// allDue lets everything happen to classes that can.
func (c *cloud) allDue(classes ...string) {
	c.due = map[string][]string{}
	for _, class := range classes {
		due := slices.Clone(c.wrong[class])
		c.rng.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
		c.due[class] = due
	}
}

// stillDue says whether something must still happen.
func (c *cloud) stillDue() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, due := range c.due {
		if len(due) > 0 {
			return true
		}
	}
	return false
}

// next is what goes wrong with a call of a class. kept: its session does not end.
func (c *cloud) next(class string, kept bool) string {
	for i, mishap := range c.due[class] {
		if !kept || !ends(mishap) {
			c.due[class] = slices.Delete(c.due[class], i, i+1)
			return mishap
		}
	}
	if mishap := c.wrong[class][c.rng.IntN(len(c.wrong[class]))]; !kept || !ends(mishap) {
		return mishap
	}
	return ""
}

// ends says whether a mishap is the end of a session.
func ends(mishap string) bool { return mishap == "expired" || mishap == "revoked" }

// client is the Vendor of one process.
type client struct {
	*cloud
	config  sdk.VendorConfig
	dir     string
	person  bool
	session int
	gone    chan struct{} // closed when ended
	ended   bool
	killed  bool
	// killedAt is when.
	killedAt time.Time
	// again are the calls that were told that their session has ended.
	again map[repetition]bool
}

// repetition is a call that may come a second time, which is with the same logger.
type repetition struct {
	log   *slog.Logger
	class string
}

var (
	_ sdk.Limited   = (*client)(nil)
	_ sdk.Scheduled = (*client)(nil)
	_ sdk.Renewer   = (*client)(nil)
	_ sdk.Recaller  = (*client)(nil)
)

func (c *client) Limits() sdk.Limits          { return c.rec.limits }
func (c *client) Schedule() sdk.Schedule      { return sdk.RecommendedSchedule() }
func (c *client) Recall([]*vehiclev1.Vehicle) {}

// plugin is one with this client.
func (c *client) plugin() sdk.Plugin {
	p := sdktest.Plugin(nil)
	p.New = func(config sdk.VendorConfig) (sdk.Vendor, error) {
		c.config = config
		_, err := config.Store.Get("session", &c.session)
		return c, err
	}
	return p
}

// end lets no more calls through, and ends those that do not hear. Called with the
// lock held.
func (c *client) end() {
	if !c.ended {
		c.ended = true
		close(c.gone)
	}
}

// kill ends the process as kill -9 does: what it has put on disk so far is all
// that there is. Called with the lock held, so that no call goes out meanwhile.
func (c *client) kill() {
	if c.ended {
		return
	}
	dir, err := copyState(c.dir)
	if err != nil {
		c.rec.broken("test", "the state cannot be copied: %v", err)
	}
	c.did.add("kill")
	c.rec.lost += 2 * c.rec.limits.Workers * c.rec.limits.Prices.Login
	c.killed, c.killedAt = true, time.Now()
	c.end()
	c.graves <- dir
}

func (c *client) isKilled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.killed
}

// copyState copies a state directory as it is, with what is half written.
func copyState(from string) (string, error) {
	to, err := os.MkdirTemp(filepath.Dir(from), "state")
	if err != nil {
		return "", err
	}
	return to, filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil || entry.IsDir() {
			return errors.Join(err, os.MkdirAll(filepath.Join(to, name), 0o700))
		}
		body, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(entry.Name(), ".") {
			return nil // it has just got its name
		}
		return errors.Join(err, os.WriteFile(filepath.Join(to, name), body, 0o600))
	})
}
