package callback

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// NoProxy is what a job writes for no proxy at all.
const NoProxy = "none"

// newTransport keeps one connection per concurrent POST. It speaks HTTP/1.1
// only, where a connection that ends has cut exactly one exchange.
func newTransport(concurrency int, c job.Connect) (*http.Transport, error) {
	dialer := net.Dialer{KeepAlive: 15 * time.Second, Control: gatekeeper(c.Networks)}
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		MaxIdleConnsPerHost:    concurrency,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: headerBytes,
		DisableCompression:     true,
	}
	switch proxy := c.Proxy.Reveal(); proxy {
	case "":
	case NoProxy:
		t.Proxy = nil
	default:
		u, err := url.Parse(proxy)
		if err != nil || u.Hostname() == "" {
			return nil, errors.New("callback proxy cannot be understood: want http://host:port, socks5://host:port or none")
		}
		t.Proxy = http.ProxyURL(u)
	}
	if c.Roots != nil || c.Certificate != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12}
		if c.Certificate != nil {
			t.TLSClientConfig.Certificates = []tls.Certificate{*c.Certificate}
		}
	}
	return t, nil
}

// headersOf are the headers of every request. The user is that of the address.
func headersOf(c job.Connect, user *url.Userinfo) http.Header {
	h := http.Header{}
	for _, header := range c.Headers {
		h.Add(header.Name, header.Value.Reveal())
	}
	if !c.Bearer.Empty() {
		h.Set("Authorization", "Bearer "+c.Bearer.Reveal())
	}
	if c.Username != "" {
		user = url.UserPassword(c.Username, c.Password.Reveal())
	}
	if user != nil && h.Get("Authorization") == "" {
		password, _ := user.Password()
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	return h
}

// forbiddenError is an address that must not be connected to.
type forbiddenError struct{ address netip.Addr }

// Error names the address.
func (e *forbiddenError) Error() string {
	return fmt.Sprintf("%s may not be connected to", e.address)
}

// metadata are the addresses at which clouds tell a machine its secrets, besides
// link-local ones.
var metadata = []netip.Addr{
	netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("192.0.0.192"),
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd00:ec2::23"), netip.MustParseAddr("fd20:ce::254"),
}

// translated are IPv6 addresses that hold an IPv4 one, behind so many bytes, which is called for them: by a
// translator (NAT64, also one with a prefix of RFC 8215), a 6to4 relay, or as an IPv4-compatible address.
var translated = map[netip.Prefix]int{
	netip.MustParsePrefix("64:ff9b::/96"):   12,
	netip.MustParsePrefix("64:ff9b:1::/48"): 12,
	netip.MustParsePrefix("2002::/16"):      2,
	netip.MustParsePrefix("::/96"):          12,
}

// gatekeeper looks at an address when it is dialed, behind all names: a name may
// change its address after the config was checked.
func gatekeeper(networks []netip.Prefix) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return nil //nolint:nilerr // no IP address: a socket, to which no network leads
		}
		ip := at.Addr().Unmap().WithZone("")
		allowed := len(networks) == 0 || slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(ip) })
		called, raw := ip, ip.As16()
		for prefix, behind := range translated {
			if prefix.Contains(ip) {
				called = netip.AddrFrom4([4]byte(raw[behind:]))
			}
		}
		if !allowed || called.IsLinkLocalUnicast() || called.IsMulticast() || slices.Contains(metadata, called) {
			return &forbiddenError{ip}
		}
		return nil
	}
}
