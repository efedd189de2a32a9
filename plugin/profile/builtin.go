package profile

import (
	"embed"
	"fmt"
	"slices"
	"sync"
)

//go:embed europe/*.json
var files embed.FS

// builtin reads the embedded profiles, once.
var builtin = sync.OnceValues(func() ([]Profile, error) {
	var all []Profile
	for _, brand := range []Brand{Hyundai, Kia, Genesis} {
		body, err := files.ReadFile("europe/" + string(brand) + ".json")
		if err != nil {
			return nil, err
		}
		p, err := parse(Profile{}, body)
		if err != nil {
			return nil, fmt.Errorf("built-in profile of %s: %w", brand, err)
		}
		if p.Brand != brand {
			return nil, fmt.Errorf("built-in profile of %s is of %s", brand, p.Brand)
		}
		all = append(all, p)
	}
	return all, nil
})

// Europe returns the built-in profile of a brand in Europe.
func Europe(b Brand) (Profile, error) {
	all, err := builtin()
	if err != nil {
		return Profile{}, err
	}
	for _, p := range all {
		if p.Brand == b {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("no brand %q in Europe: use hyundai, kia or genesis", b)
}

// Brands of Europe, for servers that serve them all. The files are part of the
// program, and a test reads them, so that they cannot fail here.
func Brands() []Profile {
	all, _ := builtin()
	return slices.Clone(all)
}
