package mysql

import (
	"context"
	"slices"
	"strings"
	"time"
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
