package europe

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// pasted is a token of the form that is taken, 48 characters.
const pasted = "Q7WX2M4T9KZB1D8RC5NVH3JPLY6GA0FSE2UQ7WX2M4T9KZB1"

func TestWhatPeoplePasteAsPassword(t *testing.T) {
	t.Parallel()
	require.Len(t, pasted, 48)
	opaque := strings.Repeat("aB3_", 22) // 88
	jwt := "eyJhbGciOiJSUzI1NiJ9." + strings.Repeat("eyJ1aWQi", 20) + "." + strings.Repeat("c2ln", 30)
	for name, tc := range map[string]struct {
		text string
		want credential // none: refused
	}{
		"the token":                  {pasted, credential{refreshToken: pasted}},
		"a line end":                 {pasted + "\n", credential{refreshToken: pasted}},
		"a line end of Windows":      {pasted + "\r\n", credential{refreshToken: pasted}},
		"blanks around it":           {"  " + pasted + "\t", credential{refreshToken: pasted}},
		"wrapped":                    {pasted[:24] + "\n" + pasted[24:], credential{refreshToken: pasted}},
		"a byte order mark":          {"\ufeff" + pasted, credential{refreshToken: pasted}},
		"in quotes":                  {`"` + pasted + `"`, credential{refreshToken: pasted}},
		"of a form":                  {"refresh_token=" + pasted, credential{refreshToken: pasted}},
		"of a JSON document":         {`{"refresh_token": "` + pasted + `"}`, credential{refreshToken: pasted}},
		"of a header":                {"Authorization: Bearer " + pasted, credential{refreshToken: pasted}},
		"Bearer":                     {"Bearer " + pasted, credential{refreshToken: pasted}},
		"lower case":                 {strings.ToLower(pasted), credential{refreshToken: pasted}},
		"lower case, named":          {"refreshToken:" + strings.ToLower(pasted), credential{refreshToken: pasted}},
		"capitals alone, named":      {"refresh_token=" + strings.Repeat("ABCDEF", 8), credential{refreshToken: strings.Repeat("ABCDEF", 8)}},
		"a JWT":                      {jwt, credential{}},
		"a JWT, with Bearer":         {"Bearer " + jwt, credential{}},
		"a JWT, wrapped":             {jwt[:60] + "\n" + jwt[60:], credential{}},
		"a short JWT":                {"eyJhIjoxfQ.eyJiIjoyfQ.c2ln", credential{}},
		"an opaque token":            {opaque, credential{}},
		"an opaque token, named":     {"refresh_token=" + opaque[:30], credential{}},
		"a token of mixed case":      {strings.Repeat("aB3x", 12), credential{}},
		"more than the key encrypts": {strings.Repeat("long words ", 30), credential{}},
		"a password":                 {"correct horse battery", credential{password: "correct horse battery"}},
		"a password, a line end":     {"secret-1\n", credential{password: "secret-1"}},
		"a password with blanks":     {" secret 1 ", credential{password: " secret 1 "}},
		"a password like a name":     {"bear", credential{password: "bear"}},
		"a long sentence":            {"My grandmother bought 3 white Kias in 1999, and sold two of them!", credential{password: "My grandmother bought 3 white Kias in 1999, and sold two of them!"}},
		"a password of a program":    {"xK4!vQ9#mL2$wR7%tB5^nH8&jD3*cF6(gP1)", credential{password: "xK4!vQ9#mL2$wR7%tB5^nH8&jD3*cF6(gP1)"}},
		"a password of letters":      {"abcdefghijklmnopqrstuvwxyz", credential{password: "abcdefghijklmnopqrstuvwxyz"}},
		"too short for a token":      {strings.Repeat("A", 39), credential{password: strings.Repeat("A", 39)}},
		"the shortest":               {strings.Repeat("A", 40), credential{refreshToken: strings.Repeat("A", 40)}},
		"the longest":                {strings.Repeat("A", 60), credential{refreshToken: strings.Repeat("A", 60)}},
		"no digit, a line end":       {strings.Repeat("A", 48) + "\n", credential{refreshToken: strings.Repeat("A", 48)}},
		"too long for a token":       {strings.Repeat("A", 61), credential{}},
		"no digit, lower case":       {strings.Repeat("a", 48), credential{}},
		"a special character":        {strings.Repeat("A", 47) + "-", credential{password: strings.Repeat("A", 47) + "-"}},
		"another letter":             {strings.Repeat("A", 24) + "ä", credential{password: strings.Repeat("A", 24) + "ä"}},
		"a sentence in capitals":     {"THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG AGAIN", credential{password: "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG AGAIN"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := credentialOf(tc.text)
			assert.Equal(t, tc.want, got)
			if tc.want != (credential{}) {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, shared.ReasonConfigInvalid)
			assert.Contains(t, err.Error(), "It was not sent")
			assert.NotContains(t, err.Error(), tc.text)

			_, err = New(ccs.Options{Profile: brandProfile(t, profile.Kia, "http://127.0.0.1:1"), Username: "a@example.com", Password: tc.text, Store: openStore(t, "")})
			require.ErrorIs(t, err, shared.ReasonConfigInvalid)
		})
	}
}

// The same token is the same account, however it was pasted.
func TestPastedTokenLogsIn(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	token := account(profile.Kia).RefreshToken
	var accounts []string
	for _, text := range []string{token, " " + token + "\n", "refresh_token=" + strings.ToLower(token)} {
		client := c.client(t, profile.Kia, withPassword(text))
		require.NoError(t, client.Login(t.Context()))
		accounts = append(accounts, client.Account().Session().Account)
	}
	assert.Equal(t, accounts[0], accounts[1])
	assert.Equal(t, accounts[0], accounts[2])
	assert.Zero(t, c.seen(signInPath), "no password was sent")
}

func FuzzCredential(f *testing.F) {
	for _, text := range []string{pasted, "Bearer x", `{"refresh_token":"x"}`, "eyJ.a.b", "", "\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := credentialOf(text)
		switch {
		case err != nil:
			require.Equal(t, credential{}, got)
			require.ErrorIs(t, err, shared.ReasonConfigInvalid)
		case got.refreshToken != "":
			require.Empty(t, got.password)
			require.Regexp(t, refreshTokenForm, got.refreshToken)
			again, err := credentialOf(got.refreshToken)
			require.NoError(t, err)
			require.Equal(t, got, again)
		default:
			require.LessOrEqual(t, len(got.password), longestPassword)
		}
	})
}
