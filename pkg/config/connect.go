package config

import (
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/masixun71/cupid-go/pkg/callback"
	"github.com/masixun71/cupid-go/pkg/job"
)

// connect reads how a receiver is reached.
func (r *reader) connect(at string) job.Connect {
	c := job.Connect{
		Headers:  r.headers(at + "headers"),
		Bearer:   r.secret(at + "bearer"),
		Username: r.text(at + "username"),
		Password: r.secret(at + "password"),
		CAFile:   r.path(at + "caFile"),
		CertFile: r.path(at + "certFile"),
		KeyFile:  r.path(at + "keyFile"),
		Proxy:    r.proxy(at + "proxy"),
		Networks: r.networks(at + "networks"),
	}
	c.Roots = r.authorities(at+"caFile", c.CAFile)
	c.Certificate = r.certificate(at+"certFile", at+"keyFile", c.CertFile, c.KeyFile)
	if !c.Bearer.Empty() && c.Username != "" {
		_, found, _ := r.find(at + "bearer")
		r.wrong(found, "found it besides "+r.name(at+"username"), "want one of the two")
	}
	return c
}

// headers reads names with values, which may be secrets.
func (r *reader) headers(key string) []job.Header {
	v, at, ok := r.find(key)
	if !ok {
		return nil
	}
	members, isSection := v.(map[string]any)
	if !isSection {
		r.wrong(at, "found "+kindOf(v), "want a section of names and values")
		return nil
	}
	var all []job.Header
	for _, name := range slices.Sorted(maps.Keys(members)) {
		text, isText := asText(members[name])
		value := r.expand(text, at)
		switch {
		case !isText, strings.ContainsAny(value.Reveal(), "\r\n\x00"):
			r.wrong(at, "found "+kindOf(members[name])+" for the header "+shown(name)+" that is no single line", "want a text")
		case !token(name):
			r.wrong(at, "found "+shown(name)+", which is no name of a header", "want letters, digits and -")
		case reserved(name):
			r.wrong(at, "found the header "+shown(name)+", which cupid writes itself", "want another one")
		}
		all = append(all, job.Header{Name: name, Value: value})
	}
	return all
}

// token reports whether a name may be one of a header.
func token(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}

// reserved are the headers that make a delivery what it is.
func reserved(name string) bool {
	name = http.CanonicalHeaderKey(name)
	for _, prefix := range []string{"Cupid-", "Webhook-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{"Host", "Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Connection", "Upgrade", "Trailer", "Te", "Proxy-Authorization"}, name)
}

// proxy reads an address that may hold a password.
func (r *reader) proxy(key string) job.Secret {
	proxy := r.secret(key)
	text := proxy.Reveal()
	if text == "" || text == callback.NoProxy {
		return proxy
	}
	u, err := url.Parse(text)
	if err != nil || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) || !validHost(u.Hostname()) {
		_, at, _ := r.find(key)
		r.wrong(at, "found a proxy that cannot be understood", "want http://host:port, https://host:port, socks5://host:port or none")
	}
	return proxy
}

func (r *reader) networks(key string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range r.texts(key) {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			_, at, _ := r.find(key)
			r.wrong(at, "found "+shown(text), "want networks such as 10.0.0.0/8 or fd00::/8")
			return nil
		}
		all = append(all, network.Masked())
	}
	return all
}
