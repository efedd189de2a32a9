package mqtt

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/atomicfile"
)

// leftovers is what the broker keeps of a former run, and of this one, that does not follow
// from the schema: the cars that there were, the topics that a plugin has named for them,
// and the plugins. With a directory it is a file there. Not safe for concurrent use, but
// for former, which does not change.
type leftovers struct {
	file   atomicfile.Kept
	former published
	// failed: it was said that the file cannot be written.
	failed bool
}

// published are retained topics beyond the schema's.
type published struct {
	// Cars by id, with the topics that a plugin has named.
	Cars map[string][]string `json:"cars"`
	// Plugins that have an account's topic.
	Plugins []string `json:"plugins"`
	// Gone is since when no plugin lists a car.
	Gone map[string]time.Time `json:"gone,omitempty"`
	// Announced is what a [Keeper] remembers, and Announcements are the topics of an
	// [Announcer]'s messages, by the id of the car; the hub has none.
	Announced     json.RawMessage   `json:"announced,omitempty"`
	Announcements map[string]string `json:"announcements,omitempty"`
	// Unwanted are topics of such messages that may still have to be taken off.
	Unwanted []string `json:"unwanted,omitempty"`
}

const (
	// leftoversFile is the file's name.
	leftoversFile = "mqtt-topics.json"
	// maxFormerCars bounds the cars that are remembered.
	maxFormerCars = 10_000
)

// newLeftovers reads what a former run has left. A file that is damaged says nothing.
func newLeftovers(dir string) (*leftovers, error) {
	l := &leftovers{}
	if dir == "" {
		return l, nil
	}
	l.file.Path = filepath.Join(dir, leftoversFile)
	body, err := l.file.Read()
	if err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	if json.Unmarshal(body, &l.former) != nil {
		l.former = published{}
	}
	maps.DeleteFunc(l.former.Cars, func(id string, topics []string) bool { return !mayServe(id) || len(topics) > maxExtra })
	maps.DeleteFunc(l.former.Announcements, func(id, topic string) bool { return id != "" && !mayServe(id) || !publishable(topic) })
	l.former.Unwanted = slices.DeleteFunc(l.former.Unwanted, func(topic string) bool { return !publishable(topic) })
	return l, nil
}

// clearLeftovers takes off what the plugins of a former run have said of themselves, and
// says of its cars that no plugin lists any more that they are lost, and at last that they
// are gone, once the plugins have had time to list them.
func (o *overview) clearLeftovers(plugins []host.PluginStatus, accounts map[string]account) {
	b := o.bridge
	for _, name := range b.leftovers.former.Plugins {
		if _, there := accounts[name]; !there {
			b.publisher.say(topicAccount+name, nil)
		}
	}
	if b.opts.Now().Sub(o.started) <= downPatience {
		return
	}
	listed := *b.cars.Load()
	for id := range b.leftovers.former.Cars {
		if !listed[id] {
			b.publisher.car(id)
		}
	}
	for id := range b.leftovers.former.Announcements {
		if id != "" && !listed[id] {
			b.publisher.car(id)
		}
	}
	b.announced.clearFormer()
	b.departures.look(plugins, listed)
}

// keepLeftovers remembers for a later run what the broker keeps.
func (o *overview) keepLeftovers(accounts map[string]account) {
	b := o.bridge
	if b.opts.StateDir == "" {
		return
	}
	now := published{Cars: b.publisher.named(), Plugins: slices.Sorted(maps.Keys(accounts))}
	if keeper, ok := b.opts.Announcer.(Keeper); ok {
		now.Announced = keeper.Keep()
	}
	var off map[string]bool
	now.Gone, off = b.departures.keep()
	now.Announcements, now.Unwanted = b.announced.keep()
	for id, topics := range b.leftovers.former.Cars {
		if _, there := now.Cars[id]; !there && !off[id] && len(now.Cars) < maxFormerCars {
			now.Cars[id] = topics
		}
	}
	body, _ := json.Marshal(now) // text
	if err := b.leftovers.file.Write(append(body, '\n')); err != nil && !b.leftovers.failed {
		b.leftovers.failed = true
		b.log.Warn("what is published cannot be remembered for a later run, which may leave old topics on the broker", "error", err)
	}
}
