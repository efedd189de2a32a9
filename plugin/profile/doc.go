// Package profile holds what differs between brands and regions: hosts, ids,
// header values, keys, paths and zones, as data. A versioned JSON file for each
// brand is built in; a user may replace any value by an object of the same form,
// because vendors move their servers. Sources are named in
// docs/protocol-europe.md, section "Constants".
package profile
