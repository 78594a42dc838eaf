package callback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	"golang.org/x/net/idna"
)

// Reach connects to the receiver as a POST would, and sends nothing: with TLS
// where the address asks for it. Behind a proxy it is the proxy that is reached,
// and named.
func (e *Endpoint) Reach(ctx context.Context) (proxy string, err error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	to := e.url
	through, err := e.dialer.through()
	if err != nil {
		return "", err
	}
	if through != nil {
		to, proxy = through, through.Host
	}
	conn, err := e.dialer.reach(ctx, to)
	if _, is := errors.AsType[*handshakeError](err); is {
		return proxy, fmt.Errorf("TLS: %w", err)
	}
	if err != nil {
		return proxy, fmt.Errorf("connect: %w", err)
	}
	return proxy, conn.Close()
}

// standardPorts are those of addresses that name none.
var standardPorts = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = standardPorts[u.Scheme]
	}
	return net.JoinHostPort(ascii(u.Hostname()), port)
}

// ascii is a host's name as DNS and certificates write it.
func ascii(host string) string {
	if name, err := idna.Lookup.ToASCII(host); err == nil {
		return name
	}
	return host // an address, or a name that nobody has
}
