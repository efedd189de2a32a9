package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/cli"
	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/config"
)

// configCommand has what people ask about the settings.
func configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Look at the settings: check, show, list, schema", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return c.Help()
	}}
	c.AddCommand(
		&cobra.Command{
			Use: "check", Short: "Say what is wrong with the settings, and start nothing", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return checkConfig(c) },
		},
		&cobra.Command{
			Use: "show", Short: "Print the settings in force, and where each is from; secrets as ***", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				loaded, err := config.Load(sources(c, options{}))
				if err != nil {
					return cli.UsageError{Err: err}
				}
				return loaded.Show(c.OutOrStdout())
			},
		},
		listCommand(),
		&cobra.Command{
			Use: "schema", Short: "Print the JSON Schema of the file, for editors", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				_, err := c.OutOrStdout().Write(config.Schema())
				return err
			},
		},
	)
	return c
}

// checkConfig says what a start would say.
func checkConfig(c *cobra.Command) error {
	s, err := setupFrom(options{}, sources(c, options{}))
	if err != nil {
		return cli.UsageError{Err: err}
	}
	out := c.OutOrStdout()
	for _, note := range s.Notes {
		_, _ = fmt.Fprintln(out, "note:", note)
	}
	from := "the environment"
	if s.File != "" {
		from = s.File
	}
	if s.demo {
		_, err = fmt.Fprintln(out, "Nothing is set: it would be a demo, with invented cars.")
		return err
	}
	names := make([]string, 0, len(s.Accounts))
	for _, a := range s.Accounts {
		names = append(names, a.Name)
	}
	_, err = fmt.Fprintf(out, "The settings of %s are right. Accounts: %s.\n", from, strings.Join(names, ", "))
	return err
}

// listCommand prints every setting there is.
func listCommand() *cobra.Command {
	var markdown bool
	c := &cobra.Command{Use: "list", Short: "Print every setting there is, with its place in the file and its variable", Args: cobra.NoArgs}
	c.Flags().BoolVar(&markdown, "markdown", false, "print docs/settings.md")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if markdown {
			return config.WriteMarkdown(c.OutOrStdout())
		}
		return config.WriteTable(c.OutOrStdout())
	}
	return c
}
