package job

import (
	"slices"
	"time"
)

// Replicas are servers that follow the one of a table by its own replication.
// Ranges may be compared on them; nothing is decided there.
type Replicas struct {
	Servers []Replica
	MaxLag  time.Duration // one that is further behind is not read; below LateCommit
}

// Replica is one of them.
type Replica struct {
	DSN     Secret
	DSNFile string // as the source's
}

// Replicated reports whether ranges may be compared on replicas of either side.
func (j Job) Replicated() bool {
	return len(j.Source.Replicas.Servers) > 0 || slices.ContainsFunc(j.Destinations, func(d Destination) bool { return len(d.Replicas.Servers) > 0 })
}

// ReplicaHold is how much later changed rows are looked at where the source has
// replicas, so that they show them by then: one of them tells its lag in whole seconds.
func (j Job) ReplicaHold() time.Duration {
	if len(j.Source.Replicas.Servers) > 0 {
		return time.Second
	}
	return 0
}

// ReplicaSlack is how much older a row must be, where ranges may be compared on
// replicas, before one look at it is enough: none of them may be further behind
// when it is read. That is more than MaxLag, since a server's own account of its
// lag is not exact.
func (j Job) ReplicaSlack() time.Duration {
	if j.Replicated() {
		return j.LateCommit
	}
	return 0
}
