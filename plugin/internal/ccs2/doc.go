// Package ccs2 parses the status document of newer head units (ccOS, ccNC): one
// nested object, "Vehicle". It is a pure function of its input.
//
// The paths and their meaning are described in docs/protocol-europe.md, section
// "CCS2 status".
package ccs2
