package mysql

import (
	"context"
	"errors"
	"fmt"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table"
)

// filter is a condition by a person that rows must meet; "" is met by all.
type filter string

// where adds it to a condition. It may end in a comment.
func (f filter) where(e expression) string {
	if f == "" {
		return e.literal()
	}
	return "(" + e.literal() + ") AND (" + string(f) + "\n)"
}

// and is a filter that rows meet which meet both.
func (f filter) and(other string) filter {
	switch {
	case f == "":
		return filter(other)
	case other == "":
		return f
	}
	return "(" + f + "\n) AND (" + filter(other) + "\n)"
}

// filter has the server read a condition, which gives no row.
func (i *inspection) filter(ctx context.Context, where string, d *Database, s schema, condition string) filter {
	f := filter(condition)
	if f == "" {
		return f
	}
	// As an argument, a condition whose parentheses end too early is none.
	_, err := d.rows(ctx, "read it", "SELECT 1"+s.from("")+" WHERE IF("+string(f)+"\n,1,0) LIMIT 0")
	_, mistake := errors.AsType[*table.ConfigError](err)
	switch {
	case mistake, errors.Is(err, job.ErrUnreadable):
		i.problem(where, fmt.Sprintf("the server does not understand the condition `where`: %v", err),
			"write what stands behind WHERE, with columns of this table, such as deleted = 0")
	case err != nil:
		i.failed(err)
	}
	return f
}
