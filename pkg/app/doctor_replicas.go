package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// replicaLook is one look at a replica that ranges may be read on.
type replicaLook struct {
	address string
	behind  time.Duration
	why     string // it would not be read; "" it would
}

// lookAtReplica asks a replica as a worker does, and for a row of the table.
func lookAtReplica(ctx context.Context, r job.Replica, limit time.Duration, probe func(context.Context, *mysql.Database) error) replicaLook {
	db, err := mysql.Open(current(r.DSN, r.DSNFile), mysql.Options{MaxOpen: 1})
	if err != nil {
		return replicaLook{address: "a DSN", why: lagError(err)}
	}
	defer db.Close() //nolint:errcheck // nothing was written
	look := replicaLook{address: db.Address()}
	_, look.behind, look.why = lagOf(ctx, db, limit)
	if look.why != "" || probe == nil {
		return look
	}
	if err := probe(ctx, db); err != nil {
		look.why = "a table cannot be read there: " + lagError(err)
	}
	return look
}

// String is a look in words.
func (l replicaLook) String() string {
	if l.why != "" {
		return l.address + ", not read: " + l.why
	}
	return fmt.Sprintf("%s, %s behind", l.address, l.behind)
}

// replicas looks at those of a job. One that cannot be read is a warning: its primary is.
func (d *doctor) replicas(ctx context.Context, j job.Job, plan *mysql.Plan) (all []Finding) {
	look := func(side string, replicas job.Replicas, probe func(context.Context, *mysql.Database) error) {
		for _, r := range replicas.Servers {
			found := lookAtReplica(ctx, r, replicas.MaxLag, probe)
			f := Finding{FoundOK, CheckReplica, "job " + j.Name + ": replica of " + side + " " + found.address, fmt.Sprintf("ranges are read there; it is %s behind, allowed are %s", found.behind, replicas.MaxLag), ""}
			if found.why != "" {
				f.Level, f.What, f.Mend = FoundWarning, "no range is read there: "+found.why, "SHOW REPLICA STATUS says more; until it is mended its primary is read"
				if what, mend, two := strings.Cut(found.why, "; "); two {
					f.What, f.Mend = "no range is read there: "+what, mend
				}
			}
			all = append(all, f)
		}
	}
	none := make([]*mysql.Database, len(plan.Destinations))
	look("the source", j.Source.Replicas, func(ctx context.Context, db *mysql.Database) error {
		return plan.At(db, none).Source.Probe(ctx)
	})
	for n, destination := range j.Destinations {
		look("destination "+destination.Name, destination.Replicas, func(ctx context.Context, db *mysql.Database) error {
			only := append([]*mysql.Database{}, none...)
			only[n] = db
			return plan.At(nil, only).Destinations[n].Probe(ctx)
		})
	}
	return all
}
