package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// load gives commands over MQTT and waits for their answers: status/last_updated,
// which comes when all of a car's state has been published, or an error. A car has
// one command at a time.
type load struct {
	client paho.Client

	mu      sync.Mutex
	waiting map[string]*command
}

// command is one that was given.
type command struct {
	sent time.Time
	took time.Duration
	// failed is the reason code of a failure; empty for none.
	failed string
	done   chan struct{}
}

func connect(url string) (*load, error) {
	l := &load{waiting: map[string]*command{}}
	l.client = paho.NewClient(paho.NewClientOptions().AddBroker(url).SetClientID("bench-load").SetOrderMatters(true))
	return l, inTurn(
		l.client.Connect,
		func() paho.Token { return l.client.Subscribe(base+"/+/"+lastUpdated, 1, l.state) },
		func() paho.Token { return l.client.Subscribe(base+"/+/status/error", 1, l.failure) },
	)
}

// inTurn asks the broker for one thing after the other.
func inTurn(steps ...func() paho.Token) error {
	for _, step := range steps {
		if t := step(); !t.WaitTimeout(10*time.Second) || t.Error() != nil {
			return errors.Join(errors.New("the broker does not take it"), t.Error())
		}
	}
	return nil
}

func (l *load) close() { l.client.Disconnect(100) }

func carOf(topic string) string {
	return strings.Split(topic, "/")[1]
}

func (l *load) state(_ paho.Client, m paho.Message) {
	if !m.Retained() {
		l.answered(carOf(m.Topic()), "")
	}
}

func (l *load) failure(_ paho.Client, m paho.Message) {
	if _, rest, found := bytes.Cut(m.Payload(), []byte(`"reason":"`)); found && !m.Retained() {
		reason, _, _ := bytes.Cut(rest, []byte(`"`))
		l.answered(carOf(m.Topic()), string(reason))
	}
}

func (l *load) answered(car, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.waiting[car]
	if c == nil {
		return
	}
	delete(l.waiting, car)
	c.took, c.failed = time.Since(c.sent), reason
	close(c.done)
}

// give gives a command; nil if the car still has one.
func (l *load) give(car, payload string) *command {
	c := &command{done: make(chan struct{}), sent: time.Now()}
	l.mu.Lock()
	busy := l.waiting[car] != nil
	if !busy {
		l.waiting[car] = c
	}
	l.mu.Unlock()
	if busy {
		return nil
	}
	l.client.Publish(base+"/"+car+"/commands/refresh", 1, false, payload)
	return c
}

// expect waits for the cars' states without a command.
func (l *load) expect(cars []string) []*command {
	l.mu.Lock()
	defer l.mu.Unlock()
	commands := make([]*command, len(cars))
	for i, car := range cars {
		commands[i] = &command{done: make(chan struct{}), sent: time.Now()}
		l.waiting[car] = commands[i]
	}
	return commands
}

// wait waits for answers, and says how many have not come within the limit.
func wait(ctx context.Context, limit time.Duration, commands []*command) (lost int) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for _, c := range commands {
		select {
		case <-c.done:
		case <-ctx.Done():
			select {
			case <-c.done:
			default:
				lost++
			}
		}
	}
	return lost
}

// outcome sums up commands that are done.
func outcome(commands []*command, lost int, took time.Duration) Result {
	r := Result{Commands: len(commands), Lost: lost, Seconds: took.Seconds(), Failed: map[string]int{}}
	var times []time.Duration
	for _, c := range commands {
		select {
		case <-c.done:
			if c.failed != "" {
				r.Failed[c.failed]++
			}
			times = append(times, c.took)
		default:
		}
	}
	r.PerSecond = float64(len(times)) / took.Seconds()
	r.Latency = percentiles(times)
	return r
}

func sum(failed map[string]int) (n int) {
	for _, k := range failed {
		n += k
	}
	return n
}

// errLost says what is always a fault.
func errLost(r Result) error {
	if r.Lost > 0 {
		return fmt.Errorf("%s: %d commands were not answered", r.Name, r.Lost)
	}
	return nil
}
