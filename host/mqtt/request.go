package mqtt

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// requestTimeout is how long a request other than for a refresh is good for: after that
// it is not carried out any more.
const requestTimeout = 30 * time.Second

// request is what somebody asks of the bridge.
type request struct {
	kind      requestKind
	requestID string
	// transaction is the sender's name for it, which the answer has; empty: none.
	transaction string
	// vehicle and plugin that it is about; empty: not said.
	vehicle, plugin string
	// cmd is the refresh that it is about, if it is about one.
	cmd     Command
	message message
}

// answer to a request. Data is an object, empty if there is nothing to say.
type answer struct {
	Data        any    `json:"data"`
	Status      string `json:"status"`
	Transaction string `json:"transaction,omitempty"`
	RequestID   string `json:"request_id"`
	failure
	Timestamp string `json:"timestamp"`
}

// The statuses of an answer.
const (
	statusOK    = "ok"
	statusError = "error"
)

// request serves a request from its topic to its answer.
func (b *Bridge) request(m message, kind requestKind) {
	r := &request{kind: kind, requestID: newRequestID(), message: m}
	err := r.parse()
	if unfit := m.unfit(); unfit != nil {
		err = unfit
	}
	if err != nil {
		b.answer(r, nil, err)
		return
	}
	if kind.serve == nil { // it is answered where the command ends
		b.refresh(r)
		return
	}
	if !m.young(requestTimeout) {
		b.answer(r, nil, shared.Errorf(shared.ReasonDeadlineExceeded, "The request waited at the broker while the hub was away, for too long. Send it again."))
		return
	}

	ctx := shared.WithCallInfo(b.ctx, shared.CallInfo{RequestID: r.requestID, Override: r.cmd.Override})
	data, err := kind.serve(b, ctx, r)
	b.answer(r, data, err)
}

func (b *Bridge) ping(context.Context, *request) (any, error) { return nil, nil }

func (b *Bridge) health(context.Context, *request) (any, error) { return b.overview.health(), nil }

// refresh makes a request a command, as if it had come to the car.
func (b *Bridge) refresh(r *request) {
	o := &order{
		Served: Served{Vehicle: r.vehicle, Command: r.cmd.String(), RequestID: r.requestID, ID: r.cmd.ID}, kind: commandRefresh,
		message: r.message.unreplied(), cmd: r.cmd, request: r,
	}
	b.carryOutCommand(o)
}

// answer sends the answer to a request.
func (b *Bridge) answer(r *request, data any, err error) {
	if data == nil {
		data = struct{}{}
	}
	a := answer{Data: data}
	a.explain(err)
	b.sendAnswer(r, a, b.writer.sendFirst)
}

// answerRefresh sends the last answer of a command, which is given in both forms, also to
// whoever asked the bridge for the command.
func (b *Bridge) answerRefresh(r *request, last *response, encoded []byte) {
	b.sendAnswer(r, answer{Data: json.RawMessage(encoded), failure: last.failure}, b.writer.send)
}

// sendAnswer completes an answer and sends it in one of the writer's two ways.
func (b *Bridge) sendAnswer(r *request, a answer, send func(Message) *letter) {
	a.Status, a.Transaction, a.RequestID, a.Timestamp = statusOK, r.transaction, r.requestID, timeText(b.opts.Now())
	if a.Reason != "" {
		a.Status = statusError
		b.log.Warn("request failed", "request", r.kind.name, "request_id", r.requestID, "reason", a.Reason, "error", a.Error)
	}
	body, _ := json.Marshal(a) // plain fields, or JSON
	reply(send, r.message, b.publisher.self.prefix+levelResponse+r.kind.name, body)
}
