package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"syscall"
)

const (
	// defaultHost keeps what a process tells about itself on its own machine.
	defaultHost = "127.0.0.1"
	// morePorts are tried above a taken one.
	morePorts = 100
)

// listen takes the configured port or the first free one above it.
func listen(ctx context.Context, c Config, log *slog.Logger) (net.Listener, error) {
	host, port, err := splitAddr(c.Addr, c.DefaultPort)
	if err != nil {
		return nil, err
	}
	last := min(port+morePorts, 65535)
	if port == 0 {
		last = 0
	}
	for p := port; ; p++ {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(p)))
		switch {
		case err == nil:
			if p != port {
				log.Warn("admin port is taken, using the next free one", "role", c.Role, "port", port, "addr", l.Addr().String())
			}
			return l, nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return nil, fmt.Errorf("admin address %q: %w", c.Addr, err)
		case p == last:
			return nil, fmt.Errorf("admin address %q: the ports %d to %d are all taken: %w", c.Addr, port, last, err)
		}
	}
}

// splitAddr fills in what the address leaves out.
func splitAddr(addr string, defaultPort int) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil { // no port
		host, text = addr, ""
		if bare, _, err := net.SplitHostPort(addr + ":0"); err == nil {
			host = bare
		}
	}
	port = defaultPort
	if text != "" {
		port, err = strconv.Atoi(text)
		if err != nil || port < 0 || port > 65535 {
			return "", 0, fmt.Errorf("admin address %q: want host:port with a port from 0 to 65535", addr)
		}
	}
	return cmp.Or(host, defaultHost), port, nil
}
