package mysql

import (
	"context"
	"errors"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/table"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	d := &Database{address: "h:3306/db"}
	for name, c := range map[string]struct {
		err     error
		mistake bool
	}{
		"wrong password":    {&mysql.MySQLError{Number: 1045, Message: "Access denied for user 'secret'@'h'"}, true},
		"unknown database":  {&mysql.MySQLError{Number: 1049, Message: "Unknown database 'secret'"}, true},
		"no right":          {&mysql.MySQLError{Number: 1142, Message: "SELECT command denied to user 'secret'"}, true},
		"no such column":    {&mysql.MySQLError{Number: 1054, Message: "Unknown column 'secret'"}, true},
		"no TLS":            {mysql.ErrNoTLS, true},
		"too many sessions": {&mysql.MySQLError{Number: 1040, Message: "Too many connections"}, false},
		"a bad value":       {&mysql.MySQLError{Number: 1292, Message: "Truncated incorrect value: 'it's secret'"}, false},
		"a broken network":  {mysql.ErrInvalidConn, false},
		"a stop":            {context.Canceled, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := d.classify("read rows of t", c.err)
			_, mistake := errors.AsType[*table.ConfigError](err)
			require.Equal(t, c.mistake, mistake)
			require.ErrorContains(t, err, "h:3306/db")
			require.NotContains(t, err.Error(), "secret")
			if !mistake {
				require.ErrorIs(t, err, c.err)
			}
		})
	}
}
