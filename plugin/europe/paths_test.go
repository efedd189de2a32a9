package europe

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// Every path that the client asks for is the profile's: when the vendor moves
// them all, a profile is all that is needed.
func TestPathsAreTheProfiles(t *testing.T) {
	t.Parallel()
	for _, brand := range []profile.Brand{profile.Kia, profile.Genesis} {
		c := newCloud(t, cloudsim.Options{})
		moved := func(o *ccs.Options) {
			o.Profile.UserAgent, o.Profile.ClientVersion = "moved/1", "9.9.9"
			p := &o.Profile.Paths
			for _, path := range []*string{
				&p.Authorize, &p.LoginKey, &p.SignIn, &p.RefreshGrant, &p.Redeem, &p.Refresh, &p.Exchange, &p.APIRefreshGrant, &p.VehicleAPI,
			} {
				*path = "/moved" + *path
			}
			for _, path := range []*string{
				&p.Register, &p.Vehicles, &p.CCS1Status, &p.CCS1Wake, &p.CCS2Status, &p.CCS2Wake, &p.ParkLocation,
				&p.DrivingHistory, &p.Trips,
			} {
				*path = "moved/" + *path
			}
		}
		c.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
			path := r.URL.Path
			want := 1
			switch {
			case strings.HasPrefix(path, "/web/"): // a redirect of the cloud's own
				want = 0
			case strings.Contains(path, "/moved/vehicles/"):
				want = 3
			case strings.Contains(path, "/spa/"):
				want = 2
			}
			assert.Equal(t, want, strings.Count(path, "/moved"), path)
			if strings.Contains(path, "/moved/api/") || strings.Contains(path, "/domain/") {
				assert.Equal(t, "moved/1", r.UserAgent(), path)
			}
			r.URL.Path = strings.ReplaceAll(path, "/moved", "")
			return false
		})
		client := c.client(t, brand, moved)
		require.NoError(t, client.Login(t.Context()))
		cars, err := client.Vehicles(t.Context())
		require.NoError(t, err)
		for _, car := range cars {
			_, err = client.Cached(t.Context(), car.GetId())
			require.NoError(t, err)
			_, err = client.Force(t.Context(), car.GetId(), c.clock.now())
			require.NoError(t, err)
		}
		require.NoError(t, client.Renew(t.Context()))
		require.NoError(t, c.client(t, brand, moved, withToken(brand)).Login(t.Context()))
	}
}
