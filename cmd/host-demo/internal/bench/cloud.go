package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// cloudSettings are those of the scripted cloud. It has a process of its own so that
// whoever measures does not wait for a processor behind it.
type cloudSettings struct {
	Cars     int
	Sleepers int
	// Latency of a call, ForceDelay of a sleeper's wake.
	Latency, ForceDelay time.Duration
	Script              string
}

// ServeCloud is the process of the scripted cloud. It says on out where it is, and ends
// with ctx.
func ServeCloud(ctx context.Context, lookup func(string) string, out io.Writer) error {
	var s cloudSettings
	if err := partSettings(lookup, &s); err != nil {
		return err
	}
	cars := cloudsim.Fleet(s.Cars)
	for i := range cars[:s.Sleepers] {
		cars[i].ForceDelay = s.ForceDelay
	}
	cloud, err := cloudsim.New(cloudsim.Options{
		Accounts: []cloudsim.Account{{Brand: profile.Kia, Email: email, Password: password, Cars: cars}},
		Latency:  s.Latency, ForceDelay: 10 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	if s.Script != "" {
		script, err := cloudsim.ParseScript(strings.NewReader(s.Script))
		if err != nil {
			return err
		}
		if _, err := cloud.Play(script); err != nil {
			return err
		}
	}
	if err := cloud.Start("127.0.0.1:0"); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, cloud.URL())
	<-ctx.Done()
	closing, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = cloud.Close(closing) // calls that hang are cut off
	return nil
}

// cloudProcess is a scripted cloud that runs.
type cloudProcess struct {
	cmd *exec.Cmd
	url string
}

// startCloud starts the scripted cloud.
func (o *Options) startCloud(s cloudSettings) (*cloudProcess, error) {
	cmd, err := o.part("cloud", s)
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &cloudProcess{cmd: cmd}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(errors.New("the scripted cloud does not start"), c.stop())
	}
	c.url = strings.TrimSpace(line)
	return c, nil
}

func (c *cloudProcess) stop() error {
	_ = c.cmd.Process.Signal(os.Interrupt) // it may have ended
	return c.cmd.Wait()
}

// wakes is how many the cloud has taken.
func (c *cloudProcess) wakes(ctx context.Context) (int, error) {
	body, err := get(ctx, c.url+"/_cloud/")
	if err != nil {
		return 0, err
	}
	defer func() { _ = body.Close() }()
	var state cloudsim.State
	err = json.NewDecoder(body).Decode(&state)
	return state.Calls[cloudsim.Wake].Taken, err
}
