package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
)

// profilesPath is where the profiles are.
const profilesPath = "/debug/pprof/"

// addProfiles adds what go tool pprof reads of the hub: where its time and memory go. The
// command line is left out, for it may hold a broker's password.
func addProfiles(mux *http.ServeMux) {
	mux.HandleFunc("GET "+profilesPath, pprof.Index)
	mux.HandleFunc("GET "+profilesPath+"profile", pprof.Profile)
	mux.HandleFunc("GET "+profilesPath+"trace", pprof.Trace)
}

// checkProfiles says whether profiles can be had at an address, which is complete or
// empty: they slow the hub down, and are nobody else's business.
func checkProfiles(address string) error {
	if address == "" {
		return errors.New("--profiles needs --http PORT, where they are served")
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("--profiles: %s can be reached from other machines: use --http PORT or 127.0.0.1:PORT", address)
	}
	return nil
}
