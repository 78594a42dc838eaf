package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	const mistake, down, unreadable, other = "a mistake", "down", "unreadable", "another error"
	d := &Database{server: "h:3306", address: "h:3306/db"}
	for name, c := range map[string]struct {
		err  error
		kind string
	}{
		"wrong password":         {&mysql.MySQLError{Number: 1045, Message: "Access denied for user 'secret'@'h'"}, mistake},
		"unknown database":       {&mysql.MySQLError{Number: 1049, Message: "Unknown database 'secret'"}, mistake},
		"no right":               {&mysql.MySQLError{Number: 1142, Message: "SELECT command denied to user 'secret'"}, mistake},
		"no such column":         {&mysql.MySQLError{Number: 1054, Message: "Unknown column 'secret'"}, mistake},
		"no TLS":                 {mysql.ErrNoTLS, mistake},
		"too many sessions":      {&mysql.MySQLError{Number: 1040, Message: "Too many connections"}, down},
		"a server that stops":    {&mysql.MySQLError{Number: 1053, Message: "Server shutdown in progress"}, down},
		"a broken network":       {mysql.ErrInvalidConn, down},
		"a broken connection":    {driver.ErrBadConn, down},
		"a bad value":            {&mysql.MySQLError{Number: 1292, Message: "Truncated incorrect value: 'it's secret'"}, unreadable},
		"a function's words":     {&mysql.MySQLError{Number: 1644, SQLState: [5]byte([]byte("45000")), Message: "bad value secret"}, unreadable},
		"MariaDB's time limit":   {&mysql.MySQLError{Number: 1969, Message: "Query execution was interrupted (max_statement_time exceeded)"}, unreadable},
		"MySQL's time limit":     {&mysql.MySQLError{Number: 3024, Message: "maximum statement execution time exceeded"}, unreadable},
		"a query too large":      {mysql.ErrPktTooLarge, unreadable},
		"a query somebody ended": {&mysql.MySQLError{Number: 1317, Message: "Query execution was interrupted"}, other},
		"a stop":                 {context.Canceled, other},
		"a deadline":             {context.DeadlineExceeded, other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := d.classify("read rows of t", c.err)
			kind := other
			if away, is := errors.AsType[*job.DownError](err); is {
				kind = down
				require.Equal(t, "database h:3306", away.Thing)
			}
			if errors.Is(err, job.ErrUnreadable) {
				require.Equal(t, other, kind, "it is one of them")
				kind = unreadable
			}
			if _, is := errors.AsType[*table.ConfigError](err); is {
				require.Equal(t, other, kind, "it is one of them")
				kind = mistake
			}
			require.Equal(t, c.kind, kind)
			require.ErrorContains(t, err, "h:3306/db")
			require.NotContains(t, err.Error(), "secret")
			if kind != mistake {
				require.ErrorIs(t, err, c.err)
			}
		})
	}
}
