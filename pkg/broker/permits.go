package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Permits count what all processes ask of a database server together.
type Permits struct {
	b *Broker
	// life is after what time the permit of a process that died is free again:
	// longer than any statement takes.
	life time.Duration
}

// Permits are those of the fleet. No query may take longer than life.
func (b *Broker) Permits(life time.Duration) *Permits { return &Permits{b: b, life: life} }

func (b *Broker) databaseKeys(server string) []string {
	prefix := b.prefix + "{db:" + server + "}:"
	return []string{prefix + "slots", prefix + "drained"} // ZSET token → end, ms; STRING ms
}

// Enter takes a permit under the token; asked again, it is the same permit.
// Without one, wait is in how long it is worth to ask again.
func (p *Permits) Enter(ctx context.Context, server, token string, l job.Load) (wait time.Duration, err error) {
	reply, err := run(ctx, p.b.rdb, permitQueryScript, p.b.databaseKeys(server), token, l.Queries, l.RowsPerSecond, p.life.Milliseconds())
	if err != nil {
		return 0, err
	}
	if len(reply) == 1 {
		if ms, ok := reply[0].(int64); ok {
			return time.Duration(ms) * time.Millisecond, nil
		}
	}
	return 0, fmt.Errorf("redis: permit_query answered %d values, want one number", len(reply))
}

// Leave gives the permit back and counts the rows that were read under it.
func (p *Permits) Leave(ctx context.Context, server, token string, l job.Load, rows uint64) error {
	_, err := run(ctx, p.b.rdb, endQueryScript, p.b.databaseKeys(server), token, rows, l.RowsPerSecond)
	return err
}
