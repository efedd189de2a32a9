package config

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
)

// hidden stands for a value that is not shown.
const hidden = "***"

// Show prints what is in force, and where each value was found. Private values are not
// shown.
func (c *Config) Show(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "SETTING\tVALUE\tFROM") // Flush says what goes wrong
	made := c.made()
	for _, s := range c.settings {
		_, ofAccount := s.ofAccount()
		_, set := c.value(s.Key)
		switch {
		case ofAccount:
		case set:
			c.showOne(table, s, s.Key)
		case made[s.Key] != "":
			_, _ = fmt.Fprintf(table, "%s\t%s\tworked out\n", s.Key, made[s.Key])
		case s.Default != "":
			_, _ = fmt.Fprintf(table, "%s\t%s\tdefault\n", s.Key, s.Default)
		}
	}
	for _, a := range c.Accounts {
		for _, s := range c.settings {
			own, ofAccount := s.ofAccount()
			if _, set := c.value(accountKey(a.Name, own)); set && ofAccount {
				c.showOne(table, s, accountKey(a.Name, own))
			}
		}
	}
	return table.Flush()
}

// made are values that are worked out or of the user's surroundings, by key.
func (c *Config) made() map[string]string {
	made := map[string]string{}
	if dir, err := c.StateDir(); err == nil {
		made["state"] = dir
	}
	if _, height := c.origin("broker.url"); height < 0 && c.Broker.URL != "" {
		made["broker.url"] = c.Broker.URL
	}
	return made
}

// showOne prints a value that is set.
func (c *Config) showOne(w io.Writer, s Setting, key string) {
	value, _ := c.value(key)
	where, _ := c.origin(key)
	where = strings.TrimSuffix(where, ": "+key)
	_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", key, shown(s, value), where)
}

// value of a key, as the layers say it.
func (c *Config) value(key string) (any, bool) {
	for _, l := range slices.Backward(c.layers) {
		if v, ok := l.values[key]; ok {
			return v, true
		}
	}
	return nil, false
}

// shown is a value as it may be seen, in one line.
func shown(s Setting, v any) string {
	if s.hidden() {
		return hidden
	}
	switch v := v.(type) {
	case json.RawMessage:
		return string(v)
	case []string:
		return strings.Join(v, " ")
	case string:
		if u, err := url.Parse(v); err == nil && u.User != nil {
			return u.Redacted()
		}
		return v
	}
	return fmt.Sprint(v)
}
