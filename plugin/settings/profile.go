package settings

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// overrides reports whether there is an override at all.
func (s Settings) overrides() bool { return len(s.Profile) > 0 && string(s.Profile) != "null" }

// ResolveProfile is the profile of region and brand, with override and endpoints put
// in.
func (s Settings) ResolveProfile() (profile.Profile, error) {
	if err := s.region(); err != nil {
		return profile.Profile{}, err
	}
	brand, err := s.brand()
	if err != nil {
		return profile.Profile{}, err
	}
	p, err := profile.Europe(brand)
	if err != nil {
		return profile.Profile{}, err
	}
	if s.overrides() {
		if p, err = p.Override(s.Profile); err != nil {
			return profile.Profile{}, fmt.Errorf("profile: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	switch s.DriverSide {
	case "":
	case profile.Left, profile.Right:
		p.Protocol.DriverSide = s.DriverSide
	default:
		return profile.Profile{}, errors.New("driver_side is neither left nor right (HYUNDAI_DRIVER_SIDE)")
	}
	for _, e := range []struct {
		name, value string
		target      *string
	}{
		{"endpoints.login", s.Endpoints.Login, &p.LoginURL},
		{"endpoints.cci", s.Endpoints.CCI, &p.CCIURL},
		{"endpoints.api", s.Endpoints.API, &p.APIURL},
	} {
		if e.value == "" {
			continue
		}
		if *e.target, err = profile.BaseURL(e.value); err != nil {
			return profile.Profile{}, fmt.Errorf("%s %w", e.name, err)
		}
	}
	return p, nil
}

// regions by the numbers that users know; only Europe is built.
func (s Settings) region() error {
	switch word := strings.ToLower(strings.TrimSpace(string(s.Region))); word {
	case "", "1", "europe", "eu":
		return nil
	case "2", "canada", "ca", "3", "usa", "us", "4", "china", "cn", "5", "australia", "au",
		"6", "india", "in", "7", "new zealand", "nz", "8", "brazil", "br":
		return fmt.Errorf("region %q is not supported yet, only Europe is", word)
	default:
		return fmt.Errorf("region %q is not known: use 1 or europe", word)
	}
}

// brand by the numbers of the vendor library that users' settings come from.
func (s Settings) brand() (profile.Brand, error) {
	switch word := strings.ToLower(strings.TrimSpace(string(s.Brand))); word {
	case "", "1", "kia":
		return profile.Kia, nil
	case "2", "hyundai":
		return profile.Hyundai, nil
	case "3", "genesis":
		return profile.Genesis, nil
	default:
		return "", fmt.Errorf("brand %q is not known: use kia, hyundai or genesis (or 1, 2, 3)", word)
	}
}

// BrandByNumber reports whether the brand was given as a number, whose meaning
// many descriptions have wrong.
func (s Settings) BrandByNumber() bool {
	word := strings.TrimSpace(string(s.Brand))
	return word == "" || strings.Trim(word, "0123456789") == ""
}
