package mqtt

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// TroubleKind is what is wrong with the connection to the broker.
type TroubleKind string

// Kinds of trouble.
const (
	TroubleConnecting  TroubleKind = "connecting"
	TroubleUnreachable TroubleKind = "unreachable"
	TroubleUnknownHost TroubleKind = "unknown_host"
	TroubleTLS         TroubleKind = "tls"
	TroubleCredentials TroubleKind = "credentials"
	TroubleNotAllowed  TroubleKind = "not_allowed"
	TroubleClientID    TroubleKind = "client_id"
	TroubleRefused     TroubleKind = "subscription_refused"
	TroubleHungUp      TroubleKind = "hung_up"
	TroubleLost        TroubleKind = "lost"
)

// Trouble is what keeps commands from reaching a bridge.
type Trouble struct {
	Kind TroubleKind
	// Message is a sentence for people, that says what to do.
	Message string
	// Err is the client's; nil if it has told none.
	Err error
}

// Error implements error.
func (t *Trouble) Error() string { return t.Message }

// Unwrap gives the client's error.
func (t *Trouble) Unwrap() error { return t.Err }

func kindOf(t *Trouble) TroubleKind {
	if t == nil {
		return ""
	}
	return t.Kind
}

// tlsAlert is the operation by which crypto/tls names what the other side refuses.
const tlsAlert = "remote error"

const hungUpMessage = "The MQTT broker ends the connection again and again, right after it was made. " +
	"Most often another client has the same client id: give each its own. Else the broker's log says why."

// troubleOf tells a client's error in words. A client may have done so itself.
func troubleOf(err error) *Trouble {
	var told *Trouble
	if errors.As(err, &told) {
		return told
	}
	kind, message := describe(err)
	return &Trouble{Kind: kind, Message: message, Err: err}
}

func describe(err error) (TroubleKind, string) {
	var (
		dns       *net.DNSError
		remote    *net.OpError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		verify    *tls.CertificateVerificationError
		handshake *handshakeError
		network   net.Error
	)
	switch {
	case errors.Is(err, ErrSubscriptionRefused):
		return TroubleRefused, "The MQTT broker does not let the hub read its commands. Allow it in the broker's access rules."
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword):
		return TroubleCredentials, "The MQTT broker refuses the user name or the password. Check both."
	case errors.Is(err, packets.ErrorRefusedNotAuthorised):
		return TroubleCredentials, "The MQTT broker does not let the hub in: user name or password are wrong or missing, or it may not connect."
	case errors.Is(err, packets.ErrorRefusedIDRejected):
		return TroubleClientID, "The MQTT broker refuses the client id. Choose another one."
	case errors.Is(err, packets.ErrorRefusedBadProtocolVersion):
		return TroubleNotAllowed, "The MQTT broker does not speak MQTT 3.1.1."
	case errors.Is(err, packets.ErrorRefusedServerUnavailable):
		return TroubleUnreachable, "The MQTT broker says that it is not available."
	case errors.As(err, &dns):
		return TroubleUnknownHost, "The MQTT broker's name cannot be resolved. Check the name and the hub's DNS."
	case errors.As(err, &authority):
		return TroubleTLS, "The MQTT broker's certificate is signed by an authority that the hub does not know. Give the hub that authority's certificate."
	case errors.As(err, &name):
		return TroubleTLS, "The MQTT broker's certificate is for another name. Use the name that is in the certificate."
	case errors.As(err, &verify):
		return TroubleTLS, "The MQTT broker's certificate is not valid, or not valid any more."
	case errors.As(err, &remote) && remote.Op == tlsAlert:
		return TroubleTLS, "The MQTT broker refuses the hub's side of TLS: most often it wants a client certificate that it knows."
	case errors.As(err, &handshake):
		return TroubleTLS, "The MQTT broker does not speak TLS on this port. Use its TLS port, or no TLS."
	case errors.Is(err, syscall.ECONNREFUSED):
		return TroubleUnreachable, "Nothing listens where the MQTT broker should be. Check its address and port, and that it runs."
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return TroubleUnreachable, "The MQTT broker does not answer. Check its address, and the network."
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return TroubleLost, "The MQTT broker has ended the connection. If that goes on: it may want TLS on this port, or its log says why."
	}
	return TroubleLost, "The MQTT broker is not connected."
}
