package broker

import (
	"crypto/tls"
	"crypto/x509"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Config says which Redis to use.
type Config struct {
	// Addrs holds one address for a standalone server, several for a cluster,
	// or those of the sentinels when Master is set.
	Addrs    []string
	Username string
	Password job.Secret
	DB       int
	// Prefix stands before every key; the default is "cupid:".
	Prefix string
	// Master is the name the sentinels know the primary by.
	Master string
	// SentinelUsername and SentinelPassword are for the sentinels, where they want any.
	SentinelUsername string
	SentinelPassword job.Secret
	// Cluster says that Addrs are nodes of a cluster, also a single one, such as
	// the endpoint that a managed cluster has.
	Cluster bool
	// TLS encrypts the connections, those to sentinels too.
	TLS bool
	// Roots are the authorities that the server's certificate is checked against;
	// nil are the system's.
	Roots *x509.CertPool
	// Certificate is what this process shows of itself; nil is nothing.
	Certificate *tls.Certificate
	// CAFile, CertFile and KeyFile are where these two were read.
	CAFile, CertFile, KeyFile string
}

func (c Config) tls() *tls.Config {
	if !c.TLS {
		return nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots}
	if c.Certificate != nil {
		t.Certificates = []tls.Certificate{*c.Certificate}
	}
	return t
}

// DefaultPrefix stands before every key unless the config says otherwise.
const DefaultPrefix = "cupid:"
