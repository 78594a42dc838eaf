package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/proctest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/job"
)

// leastUser makes the user of docs/redis.md on a server, for keys under prefix.
func leastUser(t *testing.T, on *redis.Client, prefix string, more ...string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/redis.md")
	require.NoError(t, err)
	line := regexp.MustCompile(`(?m)^ACL SETUSER cupid .*$`).FindString(string(text))
	require.NotEmpty(t, line)
	line = strings.NewReplacer("cupid:*", prefix+"*", "PASSWORD", "s3cr3t").Replace(line)
	var args []any
	for _, word := range append(strings.Fields(line), more...) {
		args = append(args, word)
	}
	require.NoError(t, on.Do(t.Context(), args...).Err())
}

// refusals is what a server refused to its users.
func refusals(t *testing.T, on *redis.Client) []string {
	t.Helper()
	log, err := on.ACLLog(t.Context(), 100).Result()
	require.NoError(t, err)
	var refused []string
	for _, entry := range log {
		refused = append(refused, entry.Reason+" "+entry.Object)
	}
	return refused
}

func TestTheUserWithTheLeastRightsIsEnough(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{AOF: true})
	w := onRedis(t, broker.Config{Addrs: []string{server.Addr}, Username: "cupid", Password: job.NewSecret("s3cr3t")}, server)
	leastUser(t, server.Client, w.prefix)
	w.fleetAtWork()
	require.Empty(t, refusals(t, server.Client))
}

func TestTheUserWithTheLeastRightsIsEnoughInACluster(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 2)
	w := onRedis(t, broker.Config{Addrs: c.Addrs(), Username: "cupid", Password: job.NewSecret("s3cr3t")}, c.Nodes[0])
	w.server = c.Nodes[c.Owner(t, w.key("cursor"))]
	for _, node := range c.Nodes {
		leastUser(t, node.Client, w.prefix, "+cluster|slots", "+cluster|shards", "+command", "+readonly")
	}
	w.fleetAtWork()
	for _, node := range c.Nodes {
		require.Empty(t, refusals(t, node.Client))
	}
}

// fleetAtWork has a fleet do what it does in a day: compare, call, be paused, give up
// and be asked how it is.
func (w *world) fleetAtWork() {
	w.t.Helper()
	w.job.Update = job.UpdateScan{Enabled: true, Every: 100 * time.Millisecond, Column: "changed", Window: time.Second}
	w.source.Exec(w.t, "ALTER TABLE shop ADD changed TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), ADD KEY (changed)")
	w.job.LateCommit = 500 * time.Millisecond
	c := w.config(w.job)
	c.Load = job.Load{Queries: 4, RowsPerSecond: 1_000_000}
	scheduler := w.runConfig(app.Scheduler, c)
	worker := w.runConfig(app.Worker, w.config(w.job))
	w.insert(w.source, upTo(500)...)
	w.equalInTheEnd()
	w.source.Exec(w.t, "UPDATE shop SET name = 'changed' WHERE id < 10")
	w.until(func() bool {
		var n int
		_ = w.far.DB.QueryRowContext(w.t.Context(), "SELECT COUNT(*) FROM shop WHERE name = 'changed'").Scan(&n)
		return n == 9
	}, "changed rows are repaired")
	w.equal()
	_, err := scheduler.Status(w.t.Context())
	require.NoError(w.t, err)
	w.until(func() bool { return len(w.work()) == 0 }, "the late pass is through, too")
	require.NoError(w.t, scheduler.stop())
	require.NoError(w.t, worker.stop())
	_, err = w.operator().Remove(w.t.Context(), app.Removal{Job: "shop", Who: "eva", Reason: "the day is over"})
	require.NoError(w.t, err)
	left := slices.DeleteFunc(slices.Collect(maps.Keys(w.dump())), func(key string) bool { return !strings.Contains(key, w.key("")) })
	require.Empty(w.t, left)
}

// tlsFiles are a certificate for 127.0.0.1 that is its own authority, and its key.
func tlsFiles(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	return cert, key
}

func TestRedisBehindTLS(t *testing.T) {
	t.Parallel()
	certFile, keyFile := tlsFiles(t)
	port, err := proctest.FreePort()
	require.NoError(t, err)
	server := redistest.Start(t, redistest.Options{AOF: true, ExtraArgs: []string{
		"--tls-port", strconv.Itoa(port), "--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", certFile,
	}})
	text, err := os.ReadFile(certFile)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(text))
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	require.NoError(t, err)
	secure := broker.Config{Addrs: []string{"127.0.0.1:" + strconv.Itoa(port)}, TLS: true, Roots: roots, Certificate: &pair}
	w := onRedis(t, secure, server)
	w.run(app.Scheduler)
	w.run(app.Worker)
	w.insert(w.source, upTo(100)...)
	w.equalInTheEnd()

	for name, c := range map[string]broker.Config{
		"an unknown authority": {Addrs: secure.Addrs, TLS: true, Certificate: &pair},
		"no certificate":       {Addrs: secure.Addrs, TLS: true, Roots: roots},
	} {
		b := broker.Open(c, broker.Options{})
		require.Error(t, b.Ping(t.Context()), name)
		require.NoError(t, b.Close())
	}
}
