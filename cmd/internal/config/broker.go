package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// Broker is the MQTT broker, and how the hub is known there.
type Broker struct {
	// URL is complete; empty: an embedded one.
	URL string `koanf:"url"`
	// Host, Port and TLS made the URL, if it was not given.
	Host string `koanf:"host"`
	Port int    `koanf:"port"`
	TLS  bool   `koanf:"tls"`
	// Username and Password are used if both are set.
	Username string        `koanf:"username"`
	Password redact.Secret `koanf:"password"`
	// CAFile, CertFile and KeyFile are PEM files.
	CAFile   string `koanf:"ca_file"`
	CertFile string `koanf:"cert_file"`
	KeyFile  string `koanf:"key_file"`
	// BaseTopic is where the hub's topics begin.
	BaseTopic string `koanf:"base_topic"`
	// ClientID is empty for a random one.
	ClientID string `koanf:"client_id"`
	// Version of MQTT: 3, 3.1.1 or 5.
	Version string `koanf:"version"`
	// ProbeInterval is 0 for the bridge's default, negative for never.
	ProbeInterval time.Duration `koanf:"probe_interval"`
	// TLSConfig is nil for the system's certificates, and without TLS.
	TLSConfig *tls.Config `koanf:"-"`
}

// Login is the user's name and password, if both are set.
func (b Broker) Login() (user, password string) {
	if b.Username == "" || b.Password == "" {
		return "", ""
	}
	return b.Username, b.Password.Reveal()
}

// complete makes the URL, and loads what TLS needs. A URL and a host exclude each other;
// what lies in a higher layer counts.
func (b *Broker) complete(c *Config) error {
	fromURL, urlHeight := c.origin("broker.url")
	_, hostHeight := c.origin("broker.host")
	switch {
	case urlHeight >= 0 && urlHeight == hostHeight:
		return fmt.Errorf("%s is there beside broker.host: leave one of them out", fromURL)
	case urlHeight > hostHeight:
		if err := CheckBrokerURL(b.URL); err != nil {
			return fmt.Errorf("%s %w", fromURL, err)
		}
	case b.Host != "":
		scheme := "tcp"
		if b.TLS {
			scheme = "ssl"
		}
		b.URL = scheme + "://" + net.JoinHostPort(b.Host, strconv.Itoa(b.Port))
	}
	return b.loadTLS(c)
}

// CheckBrokerURL says what is wrong with the URL of a broker, as the end of a sentence about it.
func CheckBrokerURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return errors.New("is no URL of a broker: use tcp://HOST:PORT, or ssl://HOST:PORT for TLS")
	}
	if _, known := brokerScheme(u.Scheme); !known {
		return fmt.Errorf("begins with %q, which is not known: use tcp, ssl, ws or wss", u.Scheme)
	}
	return nil
}

// brokerScheme reports whether the scheme of a broker's URL is known, and whether it is
// one with TLS.
func brokerScheme(scheme string) (encrypted, known bool) {
	switch scheme {
	case "tcp", "mqtt", "ws":
		return false, true
	case "ssl", "tls", "mqtts", "wss":
		return true, true
	}
	return false, false
}

// loadTLS loads what TLS to the broker needs beyond the system's certificates.
func (b *Broker) loadTLS(c *Config) error {
	scheme, _, _ := strings.Cut(b.URL, "://")
	encrypted, _ := brokerScheme(scheme)
	authority, cert, key := c.name("broker.ca_file"), c.name("broker.cert_file"), c.name("broker.key_file")
	switch {
	case b.CAFile == "" && b.CertFile == "" && b.KeyFile == "":
		return nil
	case !encrypted:
		return fmt.Errorf("%s, %s and %s are for a broker with TLS: set %s, or use ssl:// in the broker's URL", authority, cert, key, c.name("broker.tls"))
	case (b.CertFile == "") != (b.KeyFile == ""):
		return fmt.Errorf("%s and %s are needed together", cert, key)
	}

	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if b.CAFile != "" {
		pem, err := os.ReadFile(b.CAFile)
		if err != nil {
			return fmt.Errorf("%s: %w", authority, err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s: there is no certificate in %s: it has to be in PEM form", authority, b.CAFile)
		}
	}
	if b.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(b.CertFile, b.KeyFile)
		if err != nil {
			return fmt.Errorf("%s and %s: %w", cert, key, err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	b.TLSConfig = t
	return nil
}
