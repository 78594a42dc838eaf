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

	lookEvery = time.Second // at what was allocated meanwhile:
	idleBytes = 4 << 20     // so little is little,
	idleLooks = 5           // so often in a row is idle
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
	w := workload{before: readMemory().allocated}
	limit := int64(softMemoryBytes)
	looks := time.NewTicker(lookEvery)
	defer looks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-looks.C:
		}
		m := readMemory()
		if wanted := softLimit(m.held); wanted != limit {
			limit = wanted
			debug.SetMemoryLimit(limit)
		}
		switch was, idle := w.idle(), w.look(m.allocated); {
		case idle && !was:
			debug.SetGCPercent(idleCollector)
			debug.FreeOSMemory()
		case was && !idle:
			debug.SetGCPercent(lazyCollector)
		}
	}
}

// workload tells by what is allocated whether a process has anything to do: it has from the first moment on that it
// has, and has not after a while without.
type workload struct {
	before uint64
	quiet  int // looks in a row
}

func (w *workload) idle() bool { return w.quiet >= idleLooks }

func (w *workload) look(allocated uint64) (idle bool) {
	w.quiet++
	if allocated-w.before >= idleBytes {
		w.quiet = 0
	}
	w.before = allocated
	return w.idle()
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
