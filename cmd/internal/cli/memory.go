package cli

import (
	"math"
	"os"
	"runtime/debug"
)

// cupid lives on short-lived answers of servers. The collector runs seldom, which
// spares a fifth to a half of a process' time, until the heap nears a bound well
// above what is held: that keeps a process small beside the servers it may share
// a host with.
const (
	softMemoryBytes = 44 << 20
	lazyCollector   = 400
)

// collectSeldom sets the collector, unless GOGC or GOMEMLIMIT say otherwise.
func collectSeldom() {
	if os.Getenv("GOGC") == "" && debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(softMemoryBytes)
		debug.SetGCPercent(lazyCollector)
	}
}
