package shared

import (
	"context"
	"strconv"

	"google.golang.org/grpc/metadata"
)

// Metadata keys of a call.
const (
	metadataRequestID = "x-request-id"
	metadataAttempt   = "x-attempt"
	// Present and "1", or absent.
	metadataBackground = "x-background"
	metadataOverride   = "x-override"
)

// CallInfo names a command on its way through both processes.
type CallInfo struct {
	// RequestID is the caller's name for the command, in every log line of it.
	RequestID string
	// Attempt counts from 1; a replay after a restart of the plugin is 2.
	Attempt int
	// Background: nobody waits for the answer, so the plugin keeps a reserve of
	// the vendor's calls from it.
	Background bool
	// Override: somebody wants the car woken in spite of the plugin's own limits.
	// What the vendor forbids stays forbidden.
	Override bool
}

type callInfoKey struct{}

// WithCallInfo returns a context that carries info to the plugin.
func WithCallInfo(ctx context.Context, info CallInfo) context.Context {
	return context.WithValue(ctx, callInfoKey{}, info)
}

// CallInfoFrom returns what ctx carries, or the zero CallInfo.
func CallInfoFrom(ctx context.Context) CallInfo {
	info, _ := ctx.Value(callInfoKey{}).(CallInfo)
	return info
}

// outgoing puts the call's info where gRPC sends it.
func outgoing(ctx context.Context) context.Context {
	info := CallInfoFrom(ctx)
	if info.RequestID != "" {
		ctx = metadata.AppendToOutgoingContext(ctx,
			metadataRequestID, info.RequestID, metadataAttempt, strconv.Itoa(max(1, info.Attempt)))
	}
	if info.Background {
		ctx = metadata.AppendToOutgoingContext(ctx, metadataBackground, "1")
	}
	if info.Override {
		ctx = metadata.AppendToOutgoingContext(ctx, metadataOverride, "1")
	}
	return ctx
}

// incoming restores the call's info in the plugin.
func incoming(ctx context.Context) context.Context {
	md, ok := metadata.FromIncomingContext(ctx)
	if !ok {
		return ctx
	}
	info := CallInfo{Attempt: 1}
	if v := md.Get(metadataRequestID); len(v) > 0 {
		info.RequestID = v[0]
	}
	if v := md.Get(metadataAttempt); len(v) > 0 {
		if n, err := strconv.Atoi(v[0]); err == nil && n > 0 {
			info.Attempt = n
		}
	}
	set := func(key string) bool {
		v := md.Get(key)
		return len(v) > 0 && v[0] == "1"
	}
	info.Background, info.Override = set(metadataBackground), set(metadataOverride)
	return WithCallInfo(ctx, info)
}
