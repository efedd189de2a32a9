package shared

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// errorDomain marks the ErrorInfo details that are ours.
const errorDomain = "vehicle.hyundai-mqtt"

// maxLast bounds the data that an error carries: it travels in a header.
const maxLast = 64 << 10

// maxChain bounds how much of a chain of errors crosses the boundary.
const maxChain = 8

const refreshErrorReason = "REFRESH_ERROR"

// Keys of ErrorInfo.metadata.
const (
	keySource     = "source"
	keyMessage    = "message"
	keyTemporary  = "temporary"
	keyHappened   = "may_have_happened"
	keyRetry      = "retry_after"
	keyVendorCode = "vendor_code"
	keyVehicle    = "vehicle_id"
	keyMode       = "mode"
)

// ToStatus turns an error into a gRPC status error: the canonical code of the
// outermost APIError, an ErrorInfo for each error of ours in the chain,
// outermost first, and a RetryInfo if a time to retry is known.
func ToStatus(err error) error {
	if err == nil {
		return nil
	}
	api := AsAPIError(err)
	var details []protoadapt.MessageV1
	var last *vehiclev1.VehicleData
	for e := err; e != nil && len(details) < maxChain; e = errors.Unwrap(e) {
		switch e := e.(type) { //nolint:errorlint // the chain is walked link by link
		case *RefreshError:
			details = append(details, &errdetails.ErrorInfo{
				Reason: refreshErrorReason, Domain: errorDomain,
				Metadata: map[string]string{keyMode: clean(string(e.Mode)), keyVehicle: clean(e.VehicleID)},
			})
			if e.Last != nil && last == nil {
				last = e.Last
			}
		case *APIError:
			details = append(details, errorInfo(e))
		}
	}
	if !errors.As(err, new(*APIError)) {
		details = append(details, errorInfo(api))
	}
	if api.RetryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(api.RetryAfter)})
	}
	if last != nil && proto.Size(last) <= maxLast {
		details = append(details, protoadapt.MessageV1Of(last))
	}
	st := status.New(api.Reason.Code(), clean(api.Error()))
	if withDetails, err := st.WithDetails(details...); err == nil {
		st = withDetails
	}
	return st.Err()
}

func errorInfo(e *APIError) *errdetails.ErrorInfo {
	m := map[string]string{
		keySource:    clean(string(e.Source)),
		keyMessage:   clean(e.Error()),
		keyTemporary: strconv.FormatBool(e.Temporary),
		keyHappened:  strconv.FormatBool(e.MayHaveHappened),
	}
	if e.RetryAfter > 0 {
		m[keyRetry] = e.RetryAfter.String()
	}
	if e.VendorCode != "" {
		m[keyVendorCode] = clean(e.VendorCode)
	}
	if e.VehicleID != "" {
		m[keyVehicle] = clean(e.VehicleID)
	}
	return &errdetails.ErrorInfo{Reason: e.Reason.wire(), Domain: errorDomain, Metadata: m}
}

// clean makes text safe for protobuf, which refuses invalid UTF-8, and bounds it.
func clean(s string) string {
	const limit = 1024
	if len(s) > limit {
		s = s[:limit]
	}
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// FromStatus rebuilds the chain of errors that ToStatus took apart. A status
// without details of ours comes from the transport: the connection broke, the
// deadline passed, a message was too large. It returns nil for nil.
func FromStatus(err error) error {
	if err == nil {
		return nil
	}
	st, ok := status.FromError(err)
	if !ok {
		return AsAPIError(err)
	}
	var infos []*errdetails.ErrorInfo
	var retry time.Duration
	var last *vehiclev1.VehicleData
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() == errorDomain && len(infos) < maxChain {
				infos = append(infos, d)
			}
		case *errdetails.RetryInfo:
			retry = max(0, d.GetRetryDelay().AsDuration())
		case *vehiclev1.VehicleData:
			last = d
		}
	}
	if len(infos) == 0 {
		return transportError(st, err)
	}
	chain := rebuild(infos, st.Code(), retry)
	var refresh *RefreshError
	if last != nil && errors.As(chain, &refresh) && untrue(refresh.VehicleID, last) == "" {
		Normalize(last)
		refresh.Last = last
	}
	return chain
}

// rebuild makes the chain from the inside out.
func rebuild(infos []*errdetails.ErrorInfo, code codes.Code, retry time.Duration) error {
	var chain error
	sawAPIError := false
	for i := len(infos) - 1; i >= 0; i-- {
		m := infos[i].GetMetadata()
		if infos[i].GetReason() == refreshErrorReason {
			if chain == nil {
				chain = NewError(reasonFromCode(code))
			}
			chain = &RefreshError{Mode: Mode(m[keyMode]), VehicleID: m[keyVehicle], Err: chain}
			continue
		}
		r := reasonFromWire(infos[i].GetReason(), code)
		t := r.traits()
		e := &APIError{
			Reason: r, Source: Source(m[keySource]), Message: m[keyMessage],
			VendorCode: m[keyVendorCode], VehicleID: m[keyVehicle], Err: chain,
		}
		if e.Source == "" {
			e.Source = t.source
		}
		var bad error
		if e.Temporary, bad = strconv.ParseBool(m[keyTemporary]); bad != nil {
			e.Temporary = t.temporary
		}
		e.MayHaveHappened, _ = strconv.ParseBool(m[keyHappened])
		if d, err := time.ParseDuration(m[keyRetry]); err == nil && d > 0 {
			e.RetryAfter = d
		}
		if chain == nil {
			e.Err = contextCause(r)
		}
		chain, sawAPIError = e, true
	}
	var outer *APIError
	if sawAPIError && errors.As(chain, &outer) && outer.RetryAfter == 0 {
		outer.RetryAfter = retry
	}
	return chain
}

// contextCause lets errors.Is find the context's own errors across the boundary.
func contextCause(r Reason) error {
	switch r {
	case ReasonDeadlineExceeded:
		return context.DeadlineExceeded
	case ReasonCanceled:
		return context.Canceled
	default:
		return nil
	}
}

func transportError(st *status.Status, cause error) error {
	switch st.Code() {
	case codes.Unavailable:
		e := NewError(ReasonPluginDown).Wrap(cause)
		e.MayHaveHappened = true
		return e
	case codes.ResourceExhausted:
		e := Errorf(ReasonInvalidResponse, "The plugin's message was refused: it is larger than %d MiB.", MaxMessageSize>>20)
		e.Source = SourcePlugin
		return e.Wrap(cause)
	}
	r := reasonFromCode(st.Code())
	e := NewError(r)
	if ctx := contextCause(r); ctx != nil {
		// The handler may have been at work when the caller's time ran out.
		e.MayHaveHappened = true
		return e.Wrap(ctx)
	}
	e.Source = SourcePlugin
	return e.Wrap(cause)
}
