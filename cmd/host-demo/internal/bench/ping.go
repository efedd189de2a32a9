package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// pingPause is between an answer of the bridge and the next ping.
const pingPause = 5 * time.Millisecond

// pingBeside gives n commands at once, and pings the bridge until all are answered. The
// result is that of the pings.
func pingBeside(n int) func(context.Context, *Options, *rig, *load) (Result, error) {
	return func(ctx context.Context, _ *Options, r *rig, l *load) (Result, error) {
		p, err := newPinger(r.broker.url)
		if err != nil {
			return Result{}, err
		}
		defer p.client.Disconnect(100)

		begun := time.Now()
		commands := make([]*command, n)
		for i := range commands {
			commands[i] = l.give(r.ids[i], "cached")
		}
		answered := make(chan int, 1)
		go func() { answered <- wait(ctx, 3*time.Minute, commands) }()
		var pings []*command
		for number := 0; ; number++ {
			select {
			case lost := <-answered:
				took := time.Since(begun)
				result := outcome(pings, 0, took)
				of := outcome(commands, lost, took)
				result.Lost, result.Failed = of.Lost, of.Failed
				result.Note = fmt.Sprintf("%d commands were answered in %.1f s meanwhile", n-lost, took.Seconds())
				return result, nil
			case <-time.After(pingPause):
			}
			c, err := p.ping(ctx, number)
			if err != nil {
				return Result{}, err
			}
			pings = append(pings, c)
		}
	}
}

// pinger asks the bridge whether it is there.
type pinger struct {
	client  paho.Client
	answers chan string
}

func newPinger(url string) (*pinger, error) {
	p := &pinger{answers: make(chan string, 1)}
	p.client = paho.NewClient(paho.NewClientOptions().AddBroker(url).SetClientID("bench-ping"))
	return p, inTurn(
		p.client.Connect,
		func() paho.Token {
			return p.client.Subscribe(base+"/bridge/response/ping", 1, func(_ paho.Client, m paho.Message) {
				var answer struct {
					Transaction string `json:"transaction"`
				}
				if json.Unmarshal(m.Payload(), &answer) == nil {
					p.answers <- answer.Transaction
				}
			})
		},
	)
}

// ping pings once.
func (p *pinger) ping(ctx context.Context, number int) (*command, error) {
	c := &command{sent: time.Now(), done: make(chan struct{})}
	transaction := fmt.Sprint(number)
	p.client.Publish(base+"/bridge/request/ping", 1, false, fmt.Sprintf(`{"transaction":%q}`, transaction))
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		select {
		case got := <-p.answers:
			if got != transaction {
				continue // QoS 1 may bring one twice
			}
			c.took = time.Since(c.sent)
			close(c.done)
			return c, nil
		case <-ctx.Done():
			return nil, errors.New("the bridge does not answer a ping")
		}
	}
}
