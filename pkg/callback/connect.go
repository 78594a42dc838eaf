package callback

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/proxy"

	"github.com/masixun71/cupid-go/pkg/job"
)

// NoProxy is what a job writes for no proxy at all.
const NoProxy = "none"

// dialer makes connections to one receiver. They speak HTTP/1.1 only, where a
// connection that ends has cut exactly one exchange.
type dialer struct {
	to    *url.URL
	proxy func(*http.Request) (*url.URL, error) // nil: none
	tls   *tls.Config
	tcp   net.Dialer
}

func newDialer(to *url.URL, c job.Connect) (*dialer, error) {
	d := &dialer{
		to: to, proxy: http.ProxyFromEnvironment,
		tls: &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
		tcp: net.Dialer{KeepAlive: 15 * time.Second, Control: gatekeeper(c.Networks)},
	}
	switch named := c.Proxy.Reveal(); named {
	case "":
	case NoProxy:
		d.proxy = nil
	default:
		u, err := url.Parse(named)
		if err != nil || u.Hostname() == "" {
			return nil, errors.New("callback proxy cannot be understood: want http://host:port, socks5://host:port or none")
		}
		d.proxy = http.ProxyURL(u)
	}
	if c.Certificate != nil {
		d.tls.Certificates = []tls.Certificate{*c.Certificate}
	}
	return d, nil
}

// through is the proxy to the receiver; nil for none.
func (d *dialer) through() (*url.URL, error) {
	if d.proxy == nil {
		return nil, nil
	}
	u, err := d.proxy(&http.Request{URL: d.to})
	if err != nil { // its own text may hold a password
		return nil, errors.New("the proxy that HTTP_PROXY or HTTPS_PROXY names cannot be understood")
	}
	return u, nil
}

// forwards reports whether a proxy is told the whole address with each request,
// and not once, for a tunnel.
func forwards(proxy, to *url.URL) bool {
	return proxy != nil && strings.HasPrefix(proxy.Scheme, "http") && to.Scheme == "http"
}

// connect makes a connection on which requests can be sent.
func (d *dialer) connect(ctx context.Context) (net.Conn, error) {
	proxy, err := d.through()
	switch {
	case err != nil:
		return nil, err
	case proxy == nil:
		return d.reach(ctx, d.to)
	case forwards(proxy, d.to):
		return d.reach(ctx, proxy)
	}
	tunnel := d.tunnel
	if strings.HasPrefix(proxy.Scheme, "socks5") {
		tunnel = d.socks
	}
	conn, err := tunnel(ctx, proxy)
	if err == nil && d.to.Scheme == "https" {
		return d.secure(ctx, conn, d.to)
	}
	return conn, err
}

// reach connects to the receiver or a proxy itself, with TLS where the address asks for it.
func (d *dialer) reach(ctx context.Context, to *url.URL) (net.Conn, error) {
	conn, err := d.tcp.DialContext(ctx, "tcp", hostPort(to))
	if err == nil && to.Scheme == "https" {
		return d.secure(ctx, conn, to)
	}
	return conn, err
}

// handshakeError is a TLS handshake that failed.
type handshakeError struct{ error }

// secure shakes hands, or closes the connection.
func (d *dialer) secure(ctx context.Context, conn net.Conn, with *url.URL) (net.Conn, error) {
	config := d.tls.Clone()
	config.ServerName = ascii(with.Hostname())
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, &handshakeError{err}
	}
	return secured, nil
}

// socks has a SOCKS5 proxy connect to the receiver.
func (d *dialer) socks(ctx context.Context, by *url.URL) (net.Conn, error) {
	var auth *proxy.Auth
	if by.User != nil {
		password, _ := by.User.Password()
		auth = &proxy.Auth{User: by.User.Username(), Password: password}
	}
	socks, err := proxy.SOCKS5("tcp", hostPort(by), auth, &d.tcp)
	if err != nil {
		return nil, err
	}
	withContext, is := socks.(proxy.ContextDialer)
	if !is {
		return nil, errors.New("the SOCKS library knows no time-out")
	}
	return withContext.DialContext(ctx, "tcp", hostPort(d.to))
}

// proxyError is a proxy that refuses to connect to the receiver.
type proxyError struct{ status int }

// Error names the proxy's answer.
func (e *proxyError) Error() string {
	return "the proxy answered " + strconv.Itoa(e.status) + " " + http.StatusText(e.status)
}

// tunnel has an HTTP proxy connect to the receiver.
func (d *dialer) tunnel(ctx context.Context, by *url.URL) (net.Conn, error) {
	conn, err := d.reach(ctx, by)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })()
	if err := askForTunnel(conn, by, hostPort(d.to)); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

func askForTunnel(conn net.Conn, proxy *url.URL, to string) error {
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: to}, Host: to, Header: proxyAuth(proxy)}
	if err := request.Write(conn); err != nil {
		return err
	}
	// The receiver says nothing before it is spoken to: nothing is read beyond the proxy's answer.
	answer, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, headerBytes)), request) //nolint:bodyclose // it has none
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return &proxyError{answer.StatusCode}
	}
	return nil
}

func proxyAuth(proxy *url.URL) http.Header {
	h := http.Header{}
	if proxy != nil && proxy.User != nil {
		h.Set("Proxy-Authorization", basic(proxy.User))
	}
	return h
}

func basic(user *url.Userinfo) string {
	password, _ := user.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
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
		h.Set("Authorization", basic(user))
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
