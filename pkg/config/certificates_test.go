package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/config"
)

// certified is a folder with a certificate and its key.
func certified(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	for name, block := range map[string]pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&block), 0o600))
	}
	return dir
}

const anyJob = `
jobs: [{source: {dsn: "u:p@tcp(127.0.0.1:3306)/db", table: user, byColumn: number}, destinations: [{dsn: "u:p@tcp(127.0.0.1:3306)/db2", columns: [number], callback: off}]}]
`

func TestCertificatesAreReadBesideTheFile(t *testing.T) {
	t.Parallel()
	dir := certified(t)
	path := filepath.Join(dir, "cupid.yaml")
	require.NoError(t, os.WriteFile(path, []byte("redis: {addr: 127.0.0.1, caFile: cert.pem, certFile: cert.pem, keyFile: key.pem}"+anyJob), 0o600))
	c := load(t, config.Options{Path: path})
	require.True(t, c.Redis.TLS, "whoever names certificates wants them used")
	require.NotNil(t, c.Redis.Roots)
	require.NotNil(t, c.Redis.Certificate)
	text, err := config.Convert(c)
	require.NoError(t, err)
	require.Contains(t, string(text), "caFile: "+filepath.Join(dir, "cert.pem"))
}

func TestCertificateMistakes(t *testing.T) {
	t.Parallel()
	dir := certified(t)
	for redis, words := range map[string]string{
		"caFile: none.pem":                    "redis.caFile: the file cannot be read",
		"caFile: key.pem":                     "redis.caFile: the file holds no certificate",
		"certFile: cert.pem":                  "redis.keyFile: missing",
		"keyFile: key.pem":                    "redis.certFile: missing",
		"certFile: key.pem, keyFile: key.pem": "redis.certFile: it and redis.keyFile are no certificate and its key",
		"cluster: true, master: cupid":        "redis.cluster: found it besides redis.master",
		"cluster: true, db: 3":                "redis.db: found 3 for a cluster",
	} {
		path := filepath.Join(dir, "mistake.yaml")
		require.NoError(t, os.WriteFile(path, []byte("redis: {addr: 127.0.0.1, "+redis+"}"+anyJob), 0o600))
		_, err := config.Load(config.Options{Path: path})
		require.ErrorContains(t, err, words, redis)
	}
}
