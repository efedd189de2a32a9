package mosquittotest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Authority is a certificate authority of the test's own, whose files lie in a directory.
type Authority struct {
	tb   testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes one.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	a := &Authority{tb: tb, dir: tb.TempDir()}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	a.key = a.newKey()
	a.write("ca", a.cert, a.cert, a.key)
	return a
}

// Issue makes a certificate for a name, which is valid for localhost as well, and returns
// the files of the certificate and of its key.
func (a *Authority) Issue(name string) (certFile, keyFile string) {
	a.tb.Helper()
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	a.write(name, cert, a.cert, a.newKey())
	return a.file(name + ".pem"), a.file(name + ".key")
}

// File is that of the authority's own certificate.
func (a *Authority) File() string { return a.file("ca.pem") }

// Server is the configuration of a broker with a certificate of the authority, which
// demands one of its clients, too.
func (a *Authority) Server() []string {
	a.tb.Helper()
	cert, key := a.Issue("broker")
	return []string{"cafile " + a.File(), "certfile " + cert, "keyfile " + key, "require_certificate true"}
}

func (a *Authority) file(name string) string { return filepath.Join(a.dir, name) }

func (a *Authority) newKey() *ecdsa.PrivateKey {
	a.tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.tb, err)
	return key
}

// write writes a certificate that the issuer signs, and its key.
func (a *Authority) write(name string, cert, issuer *x509.Certificate, key *ecdsa.PrivateKey) {
	a.tb.Helper()
	signed, err := x509.CreateCertificate(rand.Reader, cert, issuer, key.Public(), a.key)
	require.NoError(a.tb, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.tb, err)
	for file, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: signed}, ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		require.NoError(a.tb, os.WriteFile(a.file(name+file), pem.EncodeToMemory(block), 0o600))
	}
}
