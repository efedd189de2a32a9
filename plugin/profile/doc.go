// Package profile holds what differs between brands and regions: hosts, ids,
// keys and zones, as data. Sources are named in docs/protocol-europe.md, section
// "Constants".
package profile
