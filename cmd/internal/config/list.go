package config

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteTable prints every setting there is, for a terminal.
func WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, err := fmt.Fprintln(table, "IN THE FILE\tVARIABLE\tDEFAULT\tABOUT")
	for _, s := range Settings() {
		_, lineErr := fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.inFile(), s.variable(), s.Default, s.Help)
		err = errors.Join(err, lineErr)
	}
	return errors.Join(err, table.Flush())
}

// inFile is the setting's key, as people write it: with NAME for an account's name.
func (s Setting) inFile() string { return strings.Replace(s.Key, ".*.", ".NAME.", 1) }

// variable is its name in the environment, with what may follow it.
func (s Setting) variable() string {
	if s.File && s.Env != "" {
		return s.Env + "[" + fileSuffix + "]"
	}
	return s.Env
}

const markdownHead = `# Settings

Made by ` + "`make generate`" + ` of the table of settings (cmd/internal/config); ` + "`hyundai-hub config list`" + ` prints the same.

A hub's settings are in a file, in the environment and on the command line; the command line goes before the environment, and that before the
file. A file ` + "`.env`" + ` in the working directory, with lines NAME=VALUE, lies between: it goes before the file, and the environment
before it. The file is the one of ` + "`--config`" + `, else of ` + "`HYUNDAI_CONFIG`" + `, else ` + "`hub.yaml`" + ` in ` + "`~/.config/hyundai-plugin`" + ` or ` + "`/etc/hyundai-plugin`" + `.
` + "`hyundai-hub init`" + ` writes it, ` + "`hyundai-hub config check`" + ` says what is wrong with it, with the line and what to do, and ` + "`hyundai-hub config show`" + ` what is in force and where
each value is from.

` + "```yaml" + `
# yaml-language-server: $schema=hub.schema.json
broker:
  url: ssl://broker.example:8883
  username: hub
  password_file: broker-password
accounts:
  home:
    username: me@example.com
    password_file: home-password
    brand: hyundai
    schedule: recommended
  parents:
    username: they@example.com
    password_file: parents-password
    brand: kia
  acme:
    plugin: /usr/local/lib/acme-plugin
    settings: {token: 0123456789}
` + "```" + `

- Each account has a plugin process of its own, and a name that you give it: letters, digits, _ and -. The name is that of its directory in the
  state, so keep it. A variable of an account's is for the only account; with several of them it is an error.
- A value that is marked [_FILE] may be in a file of its own: ` + "`password_file: PATH`" + `, or ` + "`HYUNDAI_PASSWORD_FILE=PATH`" + `. A relative path is one in
  systemd's ` + "`CREDENTIALS_DIRECTORY`" + ` if there is such a file, else beside hub.yaml.
- Relative paths in the file are beside the file.
- A text stays as it is written: a PIN or password of digits needs no quotes, whatever it begins with.
- [hub.schema.json](hub.schema.json) is for editors: they complete names and show what is wrong while you write.

`

// WriteMarkdown prints the page about the settings.
func WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString(markdownHead + "| In the file | Variable | Value | Default | |\n|---|---|---|---|---|\n")
	for _, s := range Settings() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.inFile(), code(s.variable()), s.kind.want, s.Default, s.Help)
	}
	b.WriteString("\nVariables of the service of before that have no effect are told at the start, as are names that are misspelt.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func code(name string) string {
	if name == "" {
		return ""
	}
	return "`" + name + "`"
}
