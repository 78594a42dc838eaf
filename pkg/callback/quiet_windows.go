package callback

import "net"

// quiet cannot be asked here without waiting: a receiver that has closed the
// connection costs an attempt.
func quiet(net.Conn) bool { return true }
