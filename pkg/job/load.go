package job

import (
	"context"
	"time"
)

// Load is what cupid may ask of one database server. A zero is no limit.
type Load struct {
	Queries        int           // at once, of all processes together
	RowsPerSecond  int           // read by all processes together
	ThreadsRunning int           // on the server, those of all its clients
	ReplicaLag     time.Duration // of a server that is a replica
}

// Vitals asks a database server how it is: how many threads run on it, and where
// lag is asked for, how far it is behind its primary, negative when its
// replication stands still.
type Vitals func(ctx context.Context, lag bool) (running int, behind time.Duration, err error)
