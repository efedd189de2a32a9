// Package run is one run of a plugin: a process, the connection to it, what is
// known of it while it lives, and its end.
//
// An [Instance] watches nothing by itself. Whoever started it follows it with
// KeepAlive, WatchHealth and WatchUpdates, each in a goroutine that ends with the
// process, and calls Discard once when it is done with it.
package run
