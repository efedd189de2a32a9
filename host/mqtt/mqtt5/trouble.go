package mqtt5

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	paho3 "github.com/eclipse/paho.mqtt.golang"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
)

// troubleOf tells what a broker says that does not let the client in; other errors speak
// for themselves.
func troubleOf(err error) error {
	var refused *autopaho.ConnackError
	if !errors.As(err, &refused) {
		return err
	}
	t := &mqtt.Trouble{Kind: mqtt.TroubleNotAllowed, Message: fmt.Sprintf("The MQTT broker does not let the hub in (reason 0x%02X).", refused.ReasonCode), Err: err}
	switch refused.ReasonCode {
	case packets.ConnackUnsupportedProtocolVersion:
		t.Message = "The MQTT broker does not speak MQTT 5. Use the client for MQTT 3.1.1."
	case packets.ConnackInvalidClientID:
		t.Kind, t.Message = mqtt.TroubleClientID, "The MQTT broker refuses the client id. Choose another one."
	case packets.ConnackBadUsernameOrPassword:
		t.Kind, t.Message = mqtt.TroubleCredentials, "The MQTT broker refuses the user name or the password. Check both."
	case packets.ConnackNotAuthorized:
		t.Kind, t.Message = mqtt.TroubleCredentials, "The MQTT broker does not let the hub in: user name or password are wrong or missing, or it may not connect."
	case packets.ConnackServerUnavailable, packets.ConnackServerBusy:
		t.Kind, t.Message = mqtt.TroubleUnreachable, "The MQTT broker says that it is not available."
	}
	return t
}

// troubleOfDisconnect tells why the broker has ended the connection.
func troubleOfDisconnect(d *paho.Disconnect) error {
	err := fmt.Errorf("the broker has disconnected with reason 0x%02X", d.ReasonCode)
	t := &mqtt.Trouble{Kind: mqtt.TroubleLost, Message: fmt.Sprintf("The MQTT broker has ended the connection (reason 0x%02X).", d.ReasonCode), Err: err}
	switch d.ReasonCode {
	case packets.DisconnectSessionTakenOver:
		t.Kind, t.Message = mqtt.TroubleHungUp, "Another client with the same client id has connected to the MQTT broker: give each its own."
	case packets.DisconnectPacketTooLarge:
		t.Message = "The MQTT broker has ended the connection, for a message was too long for it: raise its packet limit."
	case packets.DisconnectNotAuthorized:
		t.Kind, t.Message = mqtt.TroubleNotAllowed, "The MQTT broker has ended the connection, for the hub may not do what it did: look at the broker's access rules."
	case packets.DisconnectServerShuttingDown:
		t.Message = "The MQTT broker has been shut down."
	}
	return t
}

// dial opens a connection as the client for MQTT 3.1.1 does. A packet is written in parts,
// between which none of another packet may come.
func dial(_ context.Context, c autopaho.ClientConfig, broker *url.URL) (net.Conn, error) {
	conn, err := mqtt.Dial(broker, paho3.ClientOptions{TLSConfig: c.TlsCfg, ConnectTimeout: c.ConnectTimeout})
	if err != nil {
		return nil, err
	}
	return packets.NewThreadSafeConn(conn), nil
}
