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
	look := func(side string, dsn job.Secret, replicas job.Replicas, probe func(context.Context, *mysql.Database) error) {
		for _, r := range replicas.Servers {
			found := lookAtReplica(ctx, r, replicas.MaxLag, probe)
			f := Finding{FoundOK, CheckReplica, "job " + j.Name + ": replica of " + side + " " + found.address, fmt.Sprintf("ranges are read there; it is %s behind, allowed are %s", found.behind, replicas.MaxLag), ""}
			if found.why != "" {
				f.Level, f.What, f.Mend = FoundWarning, "no range is read there: "+found.why, "SHOW REPLICA STATUS says more; until it is mended its primary is read"
				if what, mend, two := strings.Cut(found.why, "; "); two {
					f.What, f.Mend = "no range is read there: "+what, mend
				}
			} else if primary, other := d.followsAnother(ctx, r, dsn); other {
				f.Level, f.What = FoundWarning, "it follows another server than "+primary+": ranges would be compared with rows of that one"
				f.Mend = "name replicas of " + primary + "; where another of its replicas stands between them, nothing is to be done"
			}
			all = append(all, f)
		}
	}
	none := make([]*mysql.Database, len(plan.Destinations))
	look("the source", current(j.Source.DSN, j.Source.DSNFile), j.Source.Replicas, func(ctx context.Context, db *mysql.Database) error {
		return plan.At(db, none).Source.Probe(ctx)
	})
	for n, destination := range j.Destinations {
		look("destination "+destination.Name, current(destination.DSN, destination.DSNFile), destination.Replicas, func(ctx context.Context, db *mysql.Database) error {
			only := append([]*mysql.Database{}, none...)
			only[n] = db
			return plan.At(nil, only).Destinations[n].Probe(ctx)
		})
	}
	return all
}

// followsAnother says whether a replica follows another server than its primary, as far as both tell.
func (d *doctor) followsAnother(ctx context.Context, r job.Replica, dsn job.Secret) (primary string, other bool) {
	replica, err := mysql.Open(current(r.DSN, r.DSNFile), mysql.Options{MaxOpen: 1})
	if err != nil {
		return "", false
	}
	defer replica.Close() //nolint:errcheck // nothing was written
	its, err := mysql.Open(dsn, mysql.Options{MaxOpen: 1})
	if err != nil {
		return "", false
	}
	defer its.Close() //nolint:errcheck // nothing was written
	ctx, cancel := context.WithTimeout(ctx, lagPatience)
	defer cancel()
	follows, err := replica.Replicates(ctx, its)
	return its.Address(), err == nil && !follows
}
