//go:build unix

package callback

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"
)

// quiet reports whether an idle connection is still open and nothing came on it:
// a receiver that has closed it would lose the next POST. It asks the system and does not wait.
func quiet(c net.Conn) bool {
	for secured, is := c.(*tls.Conn); is; secured, is = c.(*tls.Conn) { // two, behind a proxy that speaks TLS itself
		c = secured.NetConn()
	}
	system, is := c.(syscall.Conn)
	if !is {
		return true
	}
	raw, err := system.SyscallConn()
	if err != nil {
		return false
	}
	nothing := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		nothing = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR)
	})
	return err == nil && nothing
}
