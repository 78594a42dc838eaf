package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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
	const operation = "read the replica's lag"
	names, rows, err := d.ungated(ctx, operation, "SHOW REPLICA STATUS")
	if number, answered := serverNumber(err); answered && number == errSyntax {
		names, rows, err = d.ungated(ctx, operation, "SHOW SLAVE STATUS") // MySQL before 8.0.22
	}
	if err != nil {
		return false, 0, err
	}
	column := slices.IndexFunc(names, func(name string) bool {
		return strings.EqualFold(name, "Seconds_Behind_Source") || strings.EqualFold(name, "Seconds_Behind_Master")
	})
	if column < 0 {
		return false, 0, nil
	}
	for _, row := range rows { // one for each channel
		if row[column] == nil {
			return true, -1, nil
		}
		behind = max(behind, time.Duration(atoi(row[column]))*time.Second)
	}
	return len(rows) > 0, behind, nil
}
