package broker

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/pkg/job"
)

// mostMemory is the share of Redis' maxmemory, in percent, from which on no range
// is claimed or fetched: the ranges in work still have to put what they find, and
// what is open has to be moved and settled.
const mostMemory = 85

// How long a reading of Redis' memory counts: it is one command for all jobs of a
// process, but near the mark 100 ranges fill a lot in a second.
const (
	memoryLife     = 5 * time.Second
	memoryLifeNear = time.Second
	memoryNear     = mostMemory - 20
)

// memory is the last reading.
type memory struct {
	mu   sync.Mutex
	read time.Time
	used int // percent of maxmemory; 0 where there is none or Redis hides it
}

// enough is a *job.LimitError when Redis is too full to begin new work. A Redis
// that does not say is not too full: it refuses by itself, later.
func (b *Broker) enough(ctx context.Context) error {
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	b.readMemory(ctx)
	if b.memory.used >= mostMemory {
		return &job.LimitError{What: job.LimitMemory, Have: b.memory.used}
	}
	return nil
}

// readMemory looks again when the last reading is too old; the lock is held.
func (b *Broker) readMemory(ctx context.Context) {
	life := memoryLife
	if b.memory.used >= memoryNear {
		life = memoryLifeNear
	}
	if b.memory.read.IsZero() || time.Since(b.memory.read) >= life {
		b.memory.used, b.memory.read = b.usedMemory(ctx), time.Now()
	}
}

// usedMemory is that of the fullest server, in percent of its maxmemory.
func (b *Broker) usedMemory(ctx context.Context) int {
	var mu sync.Mutex
	fullest := 0
	_ = b.each(ctx, func(ctx context.Context, on *redis.Client) error {
		used := usedPercent(on.Info(ctx, "memory").Val())
		mu.Lock()
		defer mu.Unlock()
		fullest = max(fullest, used)
		return nil // one that does not answer refuses its jobs by itself
	})
	return fullest
}

// usedPercent reads the memory section of INFO.
func usedPercent(text string) int {
	info := parseInfo(text)
	used, err := strconv.ParseInt(info["used_memory"], 10, 64)
	if err != nil {
		return 0
	}
	limit, err := strconv.ParseInt(info["maxmemory"], 10, 64)
	if err != nil || limit <= 0 {
		return 0
	}
	return int(used * 100 / limit)
}
