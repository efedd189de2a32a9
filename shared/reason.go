package shared

import (
	"strings"

	"google.golang.org/grpc/codes"
)

// Reason is the stable code of a failure. It is an error itself, so that
//
//	errors.Is(err, shared.ReasonQueueFull)
//
// holds on both sides of the process boundary.
type Reason string

// The reasons.
const (
	ReasonAuthFailed         Reason = "auth_failed"
	ReasonOTPRequired        Reason = "otp_required"
	ReasonConsentRequired    Reason = "consent_required"
	ReasonCaptchaRequired    Reason = "captcha_required"
	ReasonTokenRejected      Reason = "token_rejected"
	ReasonAccountLocked      Reason = "account_locked"
	ReasonPINRejected        Reason = "pin_rejected"
	ReasonRateLimited        Reason = "rate_limited"
	ReasonBudgetSpent        Reason = "budget_spent"
	ReasonGuardRefused       Reason = "guard_refused"
	ReasonCircuitOpen        Reason = "circuit_open"
	ReasonVehicleUnreachable Reason = "vehicle_unreachable"
	ReasonVehicleBusy        Reason = "vehicle_busy"
	ReasonVendorUnavailable  Reason = "vendor_unavailable"
	ReasonVendorTimeout      Reason = "vendor_timeout"
	ReasonVendorBlocked      Reason = "vendor_blocked"
	ReasonVendorChanged      Reason = "vendor_changed"
	ReasonInvalidResponse    Reason = "invalid_response"
	ReasonUnsupported        Reason = "unsupported"
	ReasonUnknownVehicle     Reason = "unknown_vehicle"
	ReasonQueueFull          Reason = "queue_full"
	ReasonDraining           Reason = "draining"
	ReasonPluginDown         Reason = "plugin_down"
	ReasonPluginQuarantined  Reason = "plugin_quarantined"
	ReasonPluginUntrusted    Reason = "plugin_untrusted"
	ReasonIncompatible       Reason = "incompatible"
	ReasonConfigInvalid      Reason = "config_invalid"
	ReasonInvalidCommand     Reason = "invalid_command"
	// The caller's own time ran out, or the caller went away.
	ReasonDeadlineExceeded Reason = "deadline_exceeded"
	ReasonCanceled         Reason = "canceled"
	// A fault of this software, for example a contained panic.
	ReasonInternal Reason = "internal_error"
)

// CircuitBreakerOpenError is the name under which the breaker's refusal is
// known from the service this plugin replaces.
const CircuitBreakerOpenError = ReasonCircuitOpen

// Error makes a Reason usable as the target of errors.Is.
func (r Reason) Error() string { return string(r) }

// Source says whose failure it is.
type Source string

// The sources.
const (
	SourceHost    Source = "host"
	SourcePlugin  Source = "plugin"
	SourceVendor  Source = "vendor"
	SourceVehicle Source = "vehicle"
)

// traits is what is true of a reason unless an error says otherwise.
type traits struct {
	code      codes.Code
	source    Source
	temporary bool
	sentence  string
}

// Reasons lists every reason, in the order of docs/errors.md.
func Reasons() []Reason {
	all := make([]Reason, 0, len(reasonTable))
	for _, row := range reasonTable {
		all = append(all, row.reason)
	}
	return all
}

// Sentence tells a user what the reason means and what to do.
func (r Reason) Sentence() string { return r.traits().sentence }

// Source says whose failure the reason usually is.
func (r Reason) Source() Source { return r.traits().source }

// Temporary says whether the same call may succeed later without anybody acting.
func (r Reason) Temporary() bool { return r.traits().temporary }

// Code is the canonical gRPC code of the reason.
func (r Reason) Code() codes.Code { return r.traits().code }

func (r Reason) traits() traits {
	for _, row := range reasonTable {
		if row.reason == r {
			return row.traits
		}
	}
	return traits{code: codes.Unknown, source: SourcePlugin, sentence: "The plugin failed: " + string(r) + "."}
}

func (r Reason) wire() string { return strings.ToUpper(string(r)) }

// reasonFromWire reads a reason of the wire. One that this build does not know
// degrades to the reason that its gRPC code stands for.
func reasonFromWire(text string, code codes.Code) Reason {
	r := Reason(strings.ToLower(text))
	for _, row := range reasonTable {
		if row.reason == r {
			return r
		}
	}
	return reasonFromCode(code)
}

func reasonFromCode(code codes.Code) Reason {
	switch code {
	case codes.Canceled:
		return ReasonCanceled
	case codes.DeadlineExceeded:
		return ReasonDeadlineExceeded
	case codes.Unauthenticated, codes.PermissionDenied:
		return ReasonAuthFailed
	case codes.NotFound:
		return ReasonUnknownVehicle
	case codes.InvalidArgument, codes.OutOfRange:
		return ReasonInvalidCommand
	case codes.Unimplemented:
		return ReasonUnsupported
	case codes.ResourceExhausted:
		return ReasonRateLimited
	case codes.FailedPrecondition:
		return ReasonGuardRefused
	case codes.Aborted:
		return ReasonVehicleBusy
	case codes.Unavailable:
		return ReasonVendorUnavailable
	case codes.DataLoss:
		return ReasonInvalidResponse
	default:
		return ReasonInternal
	}
}

var reasonTable = []struct {
	reason Reason
	traits
}{
	{ReasonAuthFailed, traits{
		codes.Unauthenticated, SourceVendor, false,
		"The vendor's cloud refused the login. Check user name and password in the vendor's app, then correct the settings.",
	}},
	{ReasonOTPRequired, traits{
		codes.Unauthenticated, SourceVendor, false,
		"The vendor asks for a one-time code. Complete the login with the code it sent.",
	}},
	{ReasonConsentRequired, traits{
		codes.Unauthenticated, SourceVendor, false,
		"The vendor has new terms. Log in once in its app or web page and accept them; then run the plugin's login command, or change the settings.",
	}},
	{ReasonCaptchaRequired, traits{
		codes.Unauthenticated, SourceVendor, false,
		"The vendor asks for a captcha, which only a person can solve. Use a refresh token as password, or run the plugin's login command in some hours.",
	}},
	{ReasonTokenRejected, traits{
		codes.Unauthenticated, SourceVendor, false,
		"The vendor refused the refresh token. It has ended or was revoked: get a new one, or use the account's password.",
	}},
	{ReasonAccountLocked, traits{
		codes.Unauthenticated, SourceVendor, true,
		"The vendor has locked the account after failed logins. Nothing is tried until the lock ends. Check the password in the vendor's app.",
	}},
	{ReasonPINRejected, traits{
		codes.PermissionDenied, SourceVendor, false,
		"The vendor refused the PIN. It will not be tried again until the PIN in the settings changes.",
	}},
	{ReasonRateLimited, traits{
		codes.ResourceExhausted, SourceVendor, true,
		"The vendor's daily limit for this account is reached. It answers again after the limit resets.",
	}},
	{ReasonBudgetSpent, traits{
		codes.ResourceExhausted, SourcePlugin, true,
		"The plugin's own budget of calls is spent for today, to keep the account below the vendor's limit.",
	}},
	{ReasonGuardRefused, traits{
		codes.FailedPrecondition, SourcePlugin, true,
		"The car was not woken, to protect its 12 V battery or because of quiet hours.",
	}},
	{ReasonCircuitOpen, traits{
		codes.Unavailable, SourcePlugin, true,
		"The vendor's cloud failed several times in a row. Calls pause until it has had time to recover.",
	}},
	{ReasonVehicleUnreachable, traits{
		codes.Unavailable, SourceVehicle, true,
		"The car did not answer. It may be out of mobile coverage or deep asleep.",
	}},
	{ReasonVehicleBusy, traits{
		codes.Aborted, SourceVehicle, true,
		"The car is still working on an earlier request. Try again in a minute.",
	}},
	{ReasonVendorUnavailable, traits{
		codes.Unavailable, SourceVendor, true,
		"The vendor's cloud is not available. Nothing to do but wait.",
	}},
	{ReasonVendorTimeout, traits{
		codes.DeadlineExceeded, SourceVendor, true,
		"The vendor's cloud did not answer in time.",
	}},
	{ReasonVendorBlocked, traits{
		codes.Unavailable, SourceVendor, true,
		"The vendor's firewall blocks this address or client for now. Nothing is tried for some hours; that ends most blocks.",
	}},
	{ReasonVendorChanged, traits{
		codes.DataLoss, SourceVendor, false,
		"The vendor has changed its protocol, and this plugin does not know the new one. Look for an update of the plugin.",
	}},
	{ReasonInvalidResponse, traits{
		codes.DataLoss, SourceVendor, true,
		"The vendor's cloud answered something that is not understood. If it stays so, the vendor changed its protocol: look for an update of the plugin.",
	}},
	{ReasonUnsupported, traits{
		codes.Unimplemented, SourceVehicle, false,
		"The car or the plugin does not support this.",
	}},
	{ReasonUnknownVehicle, traits{
		codes.NotFound, SourcePlugin, false,
		"There is no such vehicle in the account. Check the id in the topic.",
	}},
	{ReasonQueueFull, traits{
		codes.ResourceExhausted, SourcePlugin, true,
		"Too many commands are waiting. Send fewer, or try again shortly.",
	}},
	{ReasonDraining, traits{
		codes.Unavailable, SourcePlugin, true,
		"The plugin is shutting down and takes no new commands.",
	}},
	{ReasonPluginDown, traits{
		codes.Unavailable, SourceHost, true,
		"The plugin process is not running. It is being restarted.",
	}},
	{ReasonPluginQuarantined, traits{
		codes.FailedPrecondition, SourceHost, false,
		"The plugin crashed too often and is not restarted any more. Look at its log, then restart it by hand.",
	}},
	{ReasonPluginUntrusted, traits{
		codes.FailedPrecondition, SourceHost, false,
		"The plugin's program is not the one that is trusted, so it is not started. If you replaced it, accept the new one.",
	}},
	{ReasonIncompatible, traits{
		codes.FailedPrecondition, SourceHost, false,
		"Host and plugin do not speak a common version of the protocol. Update the older one.",
	}},
	{ReasonConfigInvalid, traits{
		codes.InvalidArgument, SourcePlugin, false,
		"The plugin's settings are not valid.",
	}},
	{ReasonInvalidCommand, traits{
		codes.InvalidArgument, SourceHost, false,
		"The command was not understood. Use cached, force, smart or smart:SECONDS.",
	}},
	{ReasonDeadlineExceeded, traits{
		codes.DeadlineExceeded, SourceHost, true,
		"There was no answer within the time that the command allows.",
	}},
	{ReasonCanceled, traits{
		codes.Canceled, SourceHost, true,
		"The command was cancelled before it was answered.",
	}},
	{ReasonInternal, traits{
		codes.Internal, SourcePlugin, false,
		"The plugin met a fault of its own. Its log has the details; please report it.",
	}},
}
