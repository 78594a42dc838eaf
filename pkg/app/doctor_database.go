package app

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// databases are a check for each account of each database.
func (d *doctor) databases() (checks []look) {
	d.account = map[string]string{}
	seen := map[string]bool{}
	for _, j := range d.c.Jobs {
		for _, dsn := range dsns(j) {
			if !seen[dsn.Reveal()] {
				seen[dsn.Reveal()] = true
				checks = append(checks, func(ctx context.Context) []Finding { return d.database(ctx, dsn, j.LateCommit) })
			}
		}
	}
	return checks
}

// database looks at a server through one account.
func (d *doctor) database(ctx context.Context, dsn job.Secret, lateCommit time.Duration) []Finding {
	db, err := mysql.Open(dsn, mysql.Options{MaxOpen: 1})
	if err != nil {
		return []Finding{{FoundProblem, CheckReach, "a DSN", firstLine(err), "correct the DSN"}}
	}
	defer db.Close() //nolint:errcheck // nothing was written
	where := "database " + db.Address()
	if err := db.Ping(ctx); err != nil {
		return d.unreached(where, db.Address(), err)
	}
	before := d.o.Now()
	h, err := db.Examine(ctx)
	after := d.o.Now()
	if err != nil {
		return d.unreached(where, db.Address(), err)
	}
	d.mu.Lock()
	d.account[dsn.Reveal()] = h.Account
	d.mu.Unlock()
	all := []Finding{
		{FoundOK, CheckReach, where, fmt.Sprintf("version %s answers %s", h.Version, h.Account), ""},
		d.clock(where, h.Now, before, after),
	}
	for _, hidden := range h.Hidden { // that is enough to work
		all = append(all, Finding{FoundOK, CheckReach, where, hidden.What + " (needed for this look only)", hidden.Mend})
	}
	if h.Replica {
		all = append(all, d.replica(where, h.Behind))
	}
	if h.Oldest > lateCommit {
		all = append(all, Finding{FoundWarning, CheckTransaction, where, fmt.Sprintf("a transaction is open for %s, longer than lateCommit (%s): rows that it commits may be seen by nobody", h.Oldest, lateCommit),
			"find it with SELECT * FROM information_schema.INNODB_TRX ORDER BY trx_started, end it, or raise lateCommit"})
	}
	return all
}

// unreached is a database that does not let this process in, and what depends on it.
func (d *doctor) unreached(where, address string, err error) (all []Finding) {
	for _, p := range problems(err) {
		all = append(all, Finding{FoundProblem, CheckReach, where, p.What, p.Mend})
	}
	if len(all) == 0 {
		mend := "start it, let this host in, or correct the address in the DSN"
		server, _, _ := strings.Cut(address, "/")
		if host, port, err := net.SplitHostPort(server); err == nil {
			mend += fmt.Sprintf("; nc -vz %s %s shows whether it is reached", host, port)
		}
		all = append(all, Finding{FoundProblem, CheckReach, where, "it does not answer: " + firstLine(err), mend})
	}
	return append(all, Finding{FoundUnchecked, CheckClock, where, "clock, replication and transactions: it does not answer", ""})
}

// replica judges a server that is one.
func (d *doctor) replica(where string, behind time.Duration) Finding {
	limit := d.c.Load.ReplicaLag
	if limit == 0 {
		limit = time.Minute
	}
	f := Finding{Check: CheckReplica, Where: where}
	switch {
	case behind < 0:
		f.Level, f.What = FoundProblem, "it is a replica, and its replication stands still"
		f.Mend = "SHOW REPLICA STATUS says why; START REPLICA, or name the primary in the DSN"
	case behind > limit:
		f.Level, f.What = FoundProblem, fmt.Sprintf("it is a replica, %s behind its primary, more than %s", behind, limit)
		f.Mend = "SHOW REPLICA STATUS and SHOW PROCESSLIST say what it waits for; until then name the primary in the DSN"
	default:
		f.Level, f.What = FoundOK, fmt.Sprintf("it is a replica, %s behind its primary", behind)
	}
	return f
}
