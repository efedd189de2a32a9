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

// maxLast bounds the data that an error carries, in bytes, and maxInfos the
// reasons: both travel in a header, see maxHeaders.
const (
	maxLast  = 64 << 10
	maxInfos = 64 << 10
)

// What bounds a tree of errors that crosses the boundary or goes into a log.
const (
	// maxChain is how many errors deep it may be.
	maxChain = 8
	// maxErrors is how many errors it may hold in all.
	maxErrors = 32
	// maxWalk is how many errors are looked at, those of other packages included.
	maxWalk = 1024
)

const refreshErrorReason = "REFRESH_ERROR"

// Keys of ErrorInfo.metadata.
const (
	keySource     = "source"
	keyMessage    = "message"
	keyTemporary  = "temporary"
	keyHappened   = "may_have_happened"
	keyRetry      = "retry_after"
	keyVendorCode = "vendor_code"
	keyRule       = "rule"
	keyVehicle    = "vehicle_id"
	keyMode       = "mode"
	// keyDepth is how many of the errors that are sent wrap this one. It is left out where
	// the error is the cause of the one before it, as all are in a single chain.
	keyDepth = "depth"
)

// ToStatus turns an error into a gRPC status error: the canonical code of the
// first APIError that errors.As finds, an ErrorInfo for each error of ours in the
// tree, in the order of errors.Is, and a RetryInfo if a time to retry is known.
func ToStatus(err error) error {
	if err == nil {
		return nil
	}
	api := AsAPIError(err)
	infos, last := flatten(err, api)

	var details []protoadapt.MessageV1
	for _, info := range infos {
		details = append(details, info)
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

// flatten lists what crosses the boundary of a tree of errors, depth first, and
// the first data that a RefreshError in it holds. If the walk meets no APIError,
// api is added as the cause of the last one.
func flatten(err error, api *APIError) (infos []*errdetails.ErrorInfo, last *vehiclev1.VehicleData) {
	next, size, sawAPIError := 0, 0, false // next is the depth of a cause of the last one
	add := func(info *errdetails.ErrorInfo, depth int) {
		if depth != next {
			info.Metadata[keyDepth] = strconv.Itoa(depth)
		}
		infos, next, size = append(infos, info), depth+1, size+proto.Size(info)
	}

	w := errorWalk{left: maxWalk, visit: func(e error, depth int) int {
		if len(infos) == maxErrors || size >= maxInfos {
			return maxChain // no causes either
		}
		switch e := e.(type) { //nolint:errorlint // the tree is walked link by link
		case *RefreshError:
			if e.Last != nil && last == nil {
				last = e.Last
			}
			add(refreshInfo(e), depth)
		case *APIError:
			sawAPIError = true
			add(errorInfo(e), depth)
		default:
			return depth // of another package: its causes take its place
		}
		return depth + 1
	}}
	w.from(err, 0)

	if !sawAPIError {
		add(errorInfo(api), min(next, maxChain-1))
	}
	return infos, last
}

func refreshInfo(e *RefreshError) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{
		Reason: refreshErrorReason, Domain: errorDomain,
		Metadata: map[string]string{keyMode: clean(string(e.Mode)), keyVehicle: clean(e.VehicleID)},
	}
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
	if e.Rule != "" {
		m[keyRule] = clean(e.Rule)
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

// FromStatus rebuilds the tree of errors that ToStatus took apart. A status
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
			if d.GetDomain() == errorDomain && len(infos) < maxErrors {
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
	tree := rebuild(infos, st.Code(), retry)
	var refresh *RefreshError
	if last != nil && errors.As(tree, &refresh) && untrue(refresh.VehicleID, last) == "" {
		Normalize(last)
		refresh.Last = last
	}
	return tree
}

// rebuild makes the tree of errors that flatten has listed.
func rebuild(infos []*errdetails.ErrorInfo, code codes.Code, retry time.Duration) error {
	b := builder{rest: place(infos), code: code}
	b.chain = isChain(b.rest)
	tree := b.branches(0)

	var outer *APIError
	if b.sawAPIError && errors.As(tree, &outer) && outer.RetryAfter == 0 {
		outer.RetryAfter = retry
	}
	return tree
}

// placed is an error of the wire with its place in the tree.
type placed struct {
	info  *errdetails.ErrorInfo
	depth int
}

// place reads the depths. A depth that cannot be is the nearest that can, and what
// lies too deep is left out.
func place(infos []*errdetails.ErrorInfo) []placed {
	var list []placed
	next := 0
	for _, info := range infos {
		depth, err := strconv.Atoi(info.GetMetadata()[keyDepth])
		if err != nil {
			depth = next
		}
		depth = min(max(0, depth), next)

		if depth < maxChain {
			list = append(list, placed{info, depth})
			next = depth + 1
		}
	}
	return list
}

// isChain reports whether each error is the cause of the one before it.
func isChain(list []placed) bool {
	for i, p := range list {
		if p.depth != i {
			return false
		}
	}
	return true
}

// builder makes a tree of errors of a list.
type builder struct {
	rest        []placed
	code        codes.Code
	chain       bool
	sawAPIError bool
}

// branches takes the errors of a depth from the list, each with its causes.
func (b *builder) branches(depth int) error {
	var list []error
	for len(b.rest) > 0 && b.rest[0].depth == depth {
		info := b.rest[0].info
		b.rest = b.rest[1:]

		cause := b.branches(depth + 1)
		if info.GetReason() == refreshErrorReason {
			list = append(list, b.refreshError(info, cause))
			continue
		}
		b.sawAPIError = true
		list = append(list, apiError(info, b.code, cause))
	}

	if len(list) == 1 {
		return list[0]
	}
	return errors.Join(list...)
}

// refreshError gives a RefreshError whose cause stayed behind another one. In a
// tree that is only a sentence: errors.As must find the reasons that were sent.
func (b *builder) refreshError(info *errdetails.ErrorInfo, cause error) error {
	switch {
	case cause == nil && b.chain:
		cause = NewError(reasonFromCode(b.code))
	case cause == nil:
		cause = errors.New(ReasonInternal.Sentence())
	}
	m := info.GetMetadata()
	return &RefreshError{Mode: Mode(m[keyMode]), VehicleID: m[keyVehicle], Err: cause}
}

func apiError(info *errdetails.ErrorInfo, code codes.Code, cause error) error {
	m, r := info.GetMetadata(), reasonFromWire(info.GetReason(), code)
	t := r.traits()
	e := &APIError{
		Reason: r, Source: Source(m[keySource]), Message: m[keyMessage],
		VendorCode: m[keyVendorCode], Rule: m[keyRule], VehicleID: m[keyVehicle], Err: cause,
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

	if cause == nil {
		e.Err = contextCause(r)
	}
	return e
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
