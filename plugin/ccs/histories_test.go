package ccs

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

func TestNameOfTheHistory(t *testing.T) {
	t.Parallel()
	const one, other = "car-1", "car-2"
	of := func(b profile.Brand) *histories {
		o := Options{Profile: profile.Profile{Brand: b, Region: "europe"}, Username: "somebody@example.com"}
		return newHistories(o, o.accountName())
	}
	kia, hyundai := of(profile.Kia), of(profile.Hyundai)
	assert.Regexp(t, `^history-[0-9a-f]{12}$`, kia.name(one))
	assert.NotEqual(t, kia.name(one), kia.name(other))
	assert.NotEqual(t, kia.name(one), hyundai.name(one))
}

// TestAccountNames: a session of one account is none of another's, in whichever
// region that is.
func TestAccountNames(t *testing.T) {
	t.Parallel()
	seen := map[string]Options{}
	for _, o := range []Options{
		{Profile: profile.Profile{Brand: profile.Kia, Region: "europe"}, Username: "a"},
		{Profile: profile.Profile{Brand: profile.Kia, Region: "europe"}, Username: "b"},
		{Profile: profile.Profile{Brand: profile.Hyundai, Region: "europe"}, Username: "a"},
		{Profile: profile.Profile{Brand: profile.Kia, Region: "elsewhere"}, Username: "a"},
		{Profile: profile.Profile{Brand: profile.Kia, Region: "europe"}, Username: "a", AccountKey: "token"},
	} {
		name := o.accountName()
		assert.NotContains(t, seen, name)
		seen[name] = o
		assert.Len(t, name, 64)
	}
}
