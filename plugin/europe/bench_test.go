package europe

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// BenchmarkCached is a reading of the cloud's copy: two calls over HTTP, and the
// parser.
func BenchmarkCached(b *testing.B) {
	a := account(profile.Kia)
	a.Cars = cloudsim.Fleet(1000)
	sim, err := cloudsim.New(cloudsim.Options{Accounts: []cloudsim.Account{a}})
	require.NoError(b, err)
	require.NoError(b, sim.Start("127.0.0.1:0"))
	defer func() { _ = sim.Close(b.Context()) }()
	client, err := New(ccs.Options{Profile: brandProfile(b, profile.Kia, sim.URL()), Username: a.Email, Password: a.Password, Store: openStore(b, ""), HistoryEvery: -1, Limits: unlimited()})
	require.NoError(b, err)
	require.NoError(b, client.Login(b.Context()))
	_, err = client.Vehicles(b.Context())
	require.NoError(b, err)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		_, err := client.Cached(b.Context(), a.Cars[n%1000].ID)
		require.NoError(b, err)
		n++
	}
}
