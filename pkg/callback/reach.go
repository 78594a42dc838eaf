package callback

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// Reach connects to the receiver as a POST would, and sends nothing: with TLS
// where the address asks for it. Behind a proxy it is the proxy that is reached,
// and named.
func (e *Endpoint) Reach(ctx context.Context) (proxy string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, e.timeout, errTimeout)
	defer cancel()
	to, own := e.url, e.transport.TLSClientConfig
	if e.transport.Proxy != nil {
		through, err := e.transport.Proxy(&http.Request{URL: e.url})
		if err != nil {
			return "", errors.New("the proxy that HTTP_PROXY or HTTPS_PROXY names cannot be understood") // its own text may hold a password
		}
		if through != nil {
			to, proxy = through, through.Host
		}
	}
	conn, err := e.transport.DialContext(ctx, "tcp", hostPort(to))
	if err != nil {
		return proxy, fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	if to.Scheme != "https" {
		return proxy, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if own != nil {
		config = own.Clone()
	}
	config.ServerName = to.Hostname()
	if err := tls.Client(conn, config).HandshakeContext(ctx); err != nil {
		return proxy, fmt.Errorf("TLS: %w", err)
	}
	return proxy, nil
}

// standardPorts are those of addresses that name none.
var standardPorts = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = standardPorts[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
