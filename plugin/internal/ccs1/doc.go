// Package ccs1 parses the status document of older head units: a flat object
// "vehicleStatus" with "odometer" and "vehicleLocation" beside it. It is a pure
// function of its input.
//
// The paths and their meaning are described in docs/protocol-europe.md, section
// "CCS1 status".
package ccs1
