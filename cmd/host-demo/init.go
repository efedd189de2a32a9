package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/cli"
	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/config"
	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/prompt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/atomicfile"
)

// initFile is what init writes: of the settings those that everybody has to say.
type initFile struct {
	Broker        *initBroker            `yaml:"broker,omitempty"`
	HomeAssistant initSwitch             `yaml:"home_assistant"`
	Accounts      map[string]initAccount `yaml:"accounts"`
}

type initBroker struct {
	URL      string `yaml:"url"`
	Username string `yaml:"username,omitempty"`
	Password string `yaml:"password,omitempty"`
}

type initSwitch struct {
	Enabled bool `yaml:"enabled"`
}

type initAccount struct {
	Brand    string `yaml:"brand"`
	Username string `yaml:"username"`
	Password string `yaml:"password"`
	Schedule string `yaml:"schedule"`
}

const initHead = `# Settings of the hub. "hyundai-hub config list" names all that there are, docs/settings.md explains them.
# This file holds passwords: keep it to yourself.
`

// initCommand asks a few questions and writes the file.
func initCommand() *cobra.Command {
	var force bool
	c := &cobra.Command{Use: "init", Short: "Ask a few questions, and write the file with the settings", Args: cobra.NoArgs}
	c.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	c.RunE = func(c *cobra.Command, _ []string) error {
		path, _ := c.Flags().GetString("config") // it is a flag of every command's
		if path == "" {
			path = config.NewFile(config.ProcessEnvironment(), os.Geteuid())
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) && !force {
			return cli.UsageError{Err: fmt.Errorf("%s is there already: edit it, or replace it with --force", path)}
		}
		person, ok := prompt.At(os.Stdin, c.OutOrStdout())
		if !ok {
			return cli.UsageError{Err: errors.New("init asks questions, and nobody sits at a terminal here: write the file by hand, see docs/settings.md")}
		}
		ctx, stop := untilStopped(c.Context(), 0)
		defer stop()
		file, err := questions(ctx, person)
		if err != nil {
			return err
		}
		if err := file.write(path); err != nil {
			return err
		}
		person.Say("\n%s is written, for you alone.\nNext: hyundai-plugin login checks the account, %s config check the file, and %s runs it.\n", path, c.Root().Name(), c.Root().Name())
		return nil
	}
	return c
}

// questions to the person.
func questions(ctx context.Context, person *prompt.Person) (f initFile, err error) {
	person.Say("The account at Hyundai, Kia or Genesis, as in the vendor's app:\n")
	var a prompt.Account
	person.Account(ctx, &a)

	person.Say("\nThe MQTT broker of your home automation. Without one the hub brings a broker of its own, which forgets everything at its end.\n")
	if host := person.Question(ctx, "Host of the broker, with :PORT if it is not 1883, or ssl://HOST:PORT for TLS [none]: ", brokerAnswer); host != "" {
		f.Broker = &initBroker{URL: host}
		f.Broker.Username = person.Question(ctx, "User name at the broker [none]: ", anything)
		if f.Broker.Username != "" {
			f.Broker.Password = person.Secret(ctx, "Password at the broker (it is not shown): ", prompt.NotEmpty)
		}
	}
	f.HomeAssistant.Enabled = person.Question(ctx, "Announce the cars to Home Assistant? (yes or no) [yes]: ", prompt.OneOf("yes", "no")) == "yes"

	person.Say("\nThe hub can read the cars by itself, often while something happens, seldom while they stand. That wakes no car.\n")
	schedule := "off"
	if person.Question(ctx, "Read the cars by the recommended schedule? (yes or no) [yes]: ", prompt.OneOf("yes", "no")) == "yes" {
		schedule = "recommended"
	}
	f.Accounts = map[string]initAccount{config.DefaultAccount: {Brand: a.Brand, Username: a.Username, Password: a.Password, Schedule: schedule}}
	return f, person.Err()
}

func anything(text string) (string, error) { return text, nil }

// brokerAnswer makes a URL of what somebody types.
func brokerAnswer(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if !strings.Contains(text, "://") {
		if !strings.Contains(text, ":") {
			text += ":1883"
		}
		text = "tcp://" + text
	}
	if err := config.CheckBrokerURL(text); err != nil {
		return "", fmt.Errorf("%s %w", text, err)
	}
	return text, nil
}

// write writes the file for its owner alone.
func (f initFile) write(path string) error {
	body, err := yaml.Marshal(f)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(path, append([]byte(initHead), body...))
}
