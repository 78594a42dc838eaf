package cli

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// cupid lives on short-lived answers of servers. The collector runs seldom, which
// spares a fifth to a half of a process' time, until the heap nears a bound well
// above what is held: that keeps a process small beside the servers it may share
// a host with. One that has nothing to do needs neither the time nor the memory.
const (
	softMemoryBytes = 44 << 20
	lazyCollector   = 400
	idleCollector   = 100

	idleEvery = 5 * time.Second // between two looks at
	idleBytes = 20 << 20        // so little that was allocated meanwhile
)

// collectSeldom sets the collector, and reports false where GOGC or GOMEMLIMIT say otherwise.
func collectSeldom() bool {
	if os.Getenv("GOGC") != "" || debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return false
	}
	debug.SetMemoryLimit(softMemoryBytes)
	debug.SetGCPercent(lazyCollector)
	return true
}

// collectByWork lets the collector run as usual while little is done, until ctx ends.
func collectByWork(ctx context.Context) {
	allocated := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(allocated)
	before, percent := allocated[0].Value.Uint64(), lazyCollector
	looks := time.NewTicker(idleEvery)
	defer looks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-looks.C:
		}
		metrics.Read(allocated)
		now, was := allocated[0].Value.Uint64(), percent
		if percent = lazyCollector; now-before < idleBytes {
			percent = idleCollector
		}
		before = now
		if percent != was {
			debug.SetGCPercent(percent)
		}
		if percent == idleCollector && was != percent {
			debug.FreeOSMemory()
		}
	}
}
