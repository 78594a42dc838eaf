package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/table"
)

// vitals asks the server how it is, past all gates. A server that is no replica
// is not behind.
func (d *Database) vitals(ctx context.Context, lag bool) (running int, behind time.Duration, err error) {
	_, rows, err := d.ungated(ctx, "read the threads that run", "SHOW GLOBAL STATUS LIKE 'Threads_running'")
	if err != nil {
		return 0, 0, err
	}
	if len(rows) == 1 {
		running = atoi(rows[0][1])
	}
	if lag {
		_, behind, err = d.replication(ctx)
	}
	return running, behind, err
}

// Replication is what a server says of following another one.
type Replication struct {
	Replica bool          // it does
	At      time.Time     // on its clock
	Behind  time.Duration // in whole seconds; negative when its replication stands still
}

// Replication asks the server, past all gates. The account needs REPLICA MONITOR
// (MariaDB) or REPLICATION CLIENT (MySQL); without it the error is a *table.ConfigError.
func (d *Database) Replication(ctx context.Context) (r Replication, err error) {
	const operation = "read the clock"
	_, rows, err := d.ungated(ctx, operation, "SELECT UTC_TIMESTAMP(6)")
	if err != nil {
		return r, err
	}
	if r.At, err = d.instant(operation, rows); err != nil {
		return r, err
	}
	r.Replica, r.Behind, err = d.replication(ctx)
	return r, lackingMonitor(err)
}

// lackingMonitor names the right that lets an account read a replica's lag.
func lackingMonitor(err error) error {
	mistake, is := errors.AsType[*table.ConfigError](err)
	if !is {
		return err
	}
	named := slices.Clone(mistake.Problems)
	for i, p := range named {
		if p.What == mistakes[errPrivilege].what+fmt.Sprintf(" (error %d)", errPrivilege) {
			named[i].Mend = "GRANT REPLICA MONITOR (MariaDB) or REPLICATION CLIENT (MySQL) ON *.* to the DSN's account"
		}
	}
	return &table.ConfigError{Problems: named}
}

// replication is how far a replica is behind its primary, by its own account;
// negative when its replication stands still.
func (d *Database) replication(ctx context.Context) (replica bool, behind time.Duration, err error) {
	channels, err := d.channels(ctx, "Seconds_Behind_Source", "Seconds_Behind_Master")
	for _, seconds := range channels {
		if seconds == nil {
			return true, -1, nil
		}
		behind = max(behind, time.Duration(atoi(seconds))*time.Second)
	}
	return len(channels) > 0, behind, err
}

// Replicates reports whether a replica follows this primary itself, by the ids of the servers. Where one does not say
// its id, nobody can tell, which counts as yes.
func (d *Database) Replicates(ctx context.Context, primary *Database) (bool, error) {
	_, rows, err := primary.ungated(ctx, "read the server's id", "SELECT @@server_id")
	if err != nil || len(rows) != 1 || len(rows[0]) != 1 || atoi(rows[0][0]) == 0 {
		return true, err
	}
	followed, err := d.channels(ctx, "Source_Server_Id", "Master_Server_Id")
	return err != nil || len(followed) == 0 || slices.ContainsFunc(followed, func(id diff.Value) bool {
		return atoi(id) == 0 || atoi(id) == atoi(rows[0][0]) // it has none until it has reached its primary
	}), err
}

// channels gives a column of what a replica says of each server that it follows, by whichever name the server knows it.
func (d *Database) channels(ctx context.Context, names ...string) (values []diff.Value, err error) {
	const operation = "read the replica's state"
	columns, rows, err := d.ungated(ctx, operation, "SHOW REPLICA STATUS")
	if number, answered := serverNumber(err); answered && number == errSyntax {
		columns, rows, err = d.ungated(ctx, operation, "SHOW SLAVE STATUS") // MySQL before 8.0.22
	}
	column := slices.IndexFunc(columns, func(found string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, found) })
	})
	if err != nil || column < 0 {
		return nil, err
	}
	for _, row := range rows {
		values = append(values, row[column])
	}
	return values, nil
}
