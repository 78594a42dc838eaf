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
// What is held grows with the jobs, a tenth of a megabyte for each; a bound at or
// below it would have the collector run all the time, so that it grows as well.
const (
	softMemoryBytes = 44 << 20
	lazyCollector   = 400
	idleCollector   = 100

	idleEvery = 5 * time.Second // between two looks at
	idleBytes = 20 << 20        // so little that was allocated meanwhile
)

// collectSeldom sets the collector, and reports false where GOGC or GOMEMLIMIT say otherwise.
func collectSeldom() bool {
	if !boundMemory() {
		return false
	}
	debug.SetGCPercent(lazyCollector)
	return true
}

// boundMemory is collectSeldom for a comparison: its answers are few and large, and pages that the system has yet to
// give cost more than collections do.
func boundMemory() bool {
	if os.Getenv("GOGC") != "" || debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return false
	}
	debug.SetMemoryLimit(softMemoryBytes)
	return true
}

// softLimit is the bound for a process that holds so much.
func softLimit(held uint64) int64 { return max(softMemoryBytes, int64(held+held/2)) }

// collectByWork lets the collector run as usual while little is done, until ctx ends.
func collectByWork(ctx context.Context) {
	m := readMemory()
	before, percent, limit := m.allocated, lazyCollector, int64(softMemoryBytes)
	looks := time.NewTicker(idleEvery)
	defer looks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-looks.C:
		}
		m = readMemory()
		if wanted := softLimit(m.held); wanted != limit {
			limit = wanted
			debug.SetMemoryLimit(limit)
		}
		was := percent
		if percent = lazyCollector; m.allocated-before < idleBytes {
			percent = idleCollector
		}
		before = m.allocated
		if percent != was {
			debug.SetGCPercent(percent)
		}
		if percent == idleCollector && was != percent {
			debug.FreeOSMemory()
		}
	}
}

// memory is what the runtime says of itself.
type memory struct {
	allocated uint64 // since the process began
	held      uint64 // live objects, as the last collection found them, and stacks
}

func readMemory() memory {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	return memory{allocated: samples[0].Value.Uint64(), held: samples[1].Value.Uint64() + samples[2].Value.Uint64()}
}
