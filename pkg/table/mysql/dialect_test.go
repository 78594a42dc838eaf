package mysql

import (
	"context"
	"database/sql/driver"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
)

// dialect is a server that knows some variables, as far as the beginning of a
// session goes.
type dialect struct {
	driverConn
	lacks []string
	heard []string
}

// ExecContext notes a statement, and refuses unknown variables as servers do.
func (d *dialect) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	for _, variable := range d.lacks {
		if strings.Contains(query, variable) {
			return nil, &mysql.MySQLError{Number: 1193, Message: "Unknown system variable"}
		}
	}
	d.heard = append(d.heard, query)
	return driver.RowsAffected(0), nil
}

// QueryContext answers the connection's id.
func (d *dialect) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return &oneID{}, nil
}

type oneID struct{ read bool }

func (*oneID) Columns() []string { return []string{"CONNECTION_ID()"} }
func (*oneID) Close() error      { return nil }

// Next gives the only row.
func (r *oneID) Next(row []driver.Value) error {
	if r.read {
		return io.EOF
	}
	r.read, row[0] = true, uint64(7)
	return nil
}

// TestSessionsOfBothDialects: MySQL limits statements by another variable, in
// another unit; a server that has neither is used all the same.
func TestSessionsOfBothDialects(t *testing.T) {
	t.Parallel()
	pins := []string{"SET SESSION time_zone='+00:00'", "SET SESSION sql_mode=''", "SET SESSION sql_select_limit=DEFAULT", "SET SESSION autocommit=1", "SET SESSION group_concat_max_len=4194304"}
	for name, c := range map[string]struct{ lacks, limit []string }{
		"MariaDB": {[]string{"max_execution_time"}, []string{"SET SESSION max_statement_time=20.000"}},
		"MySQL":   {[]string{"max_statement_time"}, []string{"SET SESSION max_execution_time=20000"}},
		"neither": {[]string{"max_statement_time", "max_execution_time"}, nil},
	} {
		d := &dialect{lacks: c.lacks}
		s := &session{driverConn: d}
		require.NoError(t, (&connector{limit: 20 * time.Second}).prepare(t.Context(), s), name)
		require.Equal(t, append(append([]string{}, pins...), c.limit...), d.heard, name)
		require.EqualValues(t, 7, s.id)
	}
}
