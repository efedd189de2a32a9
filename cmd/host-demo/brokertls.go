package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
)

// brokerTLS returns what TLS to the broker needs beyond the system's certificates; nil:
// nothing. broker is its URL, which was checked.
func brokerTLS(env settings.Lookup, broker string) (*tls.Config, error) {
	scheme, _, _ := strings.Cut(broker, "://")
	encrypted, _ := brokerScheme(scheme)
	authority, cert, key := env.Or("MQTT_CA_FILE", ""), env.Or("MQTT_CERT_FILE", ""), env.Or("MQTT_KEY_FILE", "")
	switch {
	case authority == "" && cert == "" && key == "":
		return nil, nil
	case !encrypted:
		return nil, errors.New("MQTT_CA_FILE, MQTT_CERT_FILE and MQTT_KEY_FILE are for a broker with TLS: set MQTT_USE_TLS=true, or use ssl:// in --broker")
	case (cert == "") != (key == ""):
		return nil, errors.New("MQTT_CERT_FILE and MQTT_KEY_FILE are needed together")
	}

	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if authority != "" {
		pem, err := os.ReadFile(authority)
		if err != nil {
			return nil, fmt.Errorf("MQTT_CA_FILE: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("MQTT_CA_FILE: there is no certificate in %s: it has to be in PEM form", authority)
		}
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("MQTT_CERT_FILE and MQTT_KEY_FILE: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
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
