package mysql

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// bucketMask leaves 16 bits of a hash.
const bucketMask = 1<<16 - 1

// Fold folds the rows of (after, upto] by stretches of the aligned key that are
// width wide. A bucket's id is key DIV width, rounded towards zero, a negative
// one as its two's complement; width 0 gives one bucket with the id 0, also of
// no rows.
func (s *Side) Fold(ctx context.Context, after, upto job.Point, width uint64) ([]diff.Bucket, error) {
	where, err := s.order.within(after, upto)
	if err != nil {
		return nil, fmt.Errorf("fold rows of %s: %w", s.schema.table, err)
	}
	return s.fold(ctx, s.stretch(width), s.where(where))
}

// stretch is the number of the stretch of the aligned key in which a row lies.
func (s *Side) stretch(width uint64) string {
	switch key := s.by[0].quoted(); {
	case width == 0:
		return ""
	case width > math.MaxInt64 && !s.by[0].unsigned(): // such a divisor would make an unsigned number of a negative key
		return "-(" + key + "=" + strconv.Itoa(math.MinInt64) + ")"
	default:
		return key + " DIV " + strconv.FormatUint(width, 10)
	}
}

// FoldKeyed folds the rows of (after, upto] into 65,536 buckets by a hash of
// their keys. Buckets of several stretches are merged by XOR and sum. Rows
// without a key are left out: they relate to nothing.
func (s *Side) FoldKeyed(ctx context.Context, after, upto job.Point) ([]diff.Bucket, error) {
	where, err := s.related(after, upto)
	if err != nil {
		return nil, fmt.Errorf("fold rows of %s: %w", s.schema.table, err)
	}
	return s.fold(ctx, s.bucket(), where)
}

// related is the condition of the rows of (after, upto] that relate to the
// other side.
func (s *Side) related(after, upto job.Point) (string, error) {
	where, err := s.order.within(after, upto)
	if err != nil {
		return "", err
	}
	conditions := []expression{where}
	for _, keyed := range s.by.null(" IS NOT NULL") {
		conditions = append(conditions, expression{sql: keyed})
	}
	return s.where(conjunction(conditions)), nil
}

// bucket is the number of a row's bucket.
func (s *Side) bucket() string { return "CRC32(" + s.hashing.bucket + ")&" + strconv.Itoa(bucketMask) }

func (s *Side) fold(ctx context.Context, id, where string) ([]diff.Bucket, error) {
	if s.hashing.hash == "" {
		return nil, errNotHashable
	}
	var buckets []diff.Bucket
	err := s.db.each(ctx, "fold rows of "+s.schema.table, s.foldSQL(id, where), func(row []driver.Value) error {
		buckets = append(buckets, diff.Bucket{ID: number(row[0]), Rows: number(row[1]), Hash: number(row[2]), Unhashed: number(row[3])})
		return nil
	})
	return buckets, err
}

// foldSQL groups in no order: sorting would cost more than hashing.
func (s *Side) foldSQL(id, where string) string {
	unhashed, group := "0", ""
	if s.hashing.long != "" {
		unhashed = "COUNT(NULLIF(" + s.hashing.long + ",0))"
	}
	if id != "" {
		group = " GROUP BY " + id + " ORDER BY NULL"
	}
	return "SELECT " + cmp.Or(id, "0") + ",COUNT(*),BIT_XOR(" + s.hashing.hash + ")," + unhashed +
		s.schema.from(s.order.index) + " WHERE " + where + group
}

// maxStretches is how many ranges one query asks for.
const maxStretches = 500

// List reads key and hash of every row in one of the ranges (after, upto]. An
// aligned key of several ranges is listed once for each of them.
func (s *Side) List(ctx context.Context, ranges [][2]job.Point) ([]diff.Hashed, error) {
	operation := "list rows of " + s.schema.table
	var found []diff.Hashed
	for chunk := range slices.Chunk(ranges, maxStretches) {
		conditions := make([]string, len(chunk))
		for i, r := range chunk {
			where, err := s.order.within(r[0], r[1])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", operation, err)
			}
			conditions[i] = "(" + where.literal() + ")"
		}
		listed, err := s.list(ctx, operation, s.where(expression{sql: strings.Join(conditions, " OR ")}))
		if err != nil {
			return nil, err
		}
		found = append(found, listed...)
	}
	return found, nil
}

// ListKeyed reads key and hash of the rows of (after, upto] that are in one
// of the buckets.
func (s *Side) ListKeyed(ctx context.Context, after, upto job.Point, buckets []uint64) ([]diff.Hashed, error) {
	operation := "list rows of " + s.schema.table
	if len(buckets) == 0 {
		return nil, nil
	}
	where, err := s.related(after, upto)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	ids := make([]string, len(buckets))
	for i, id := range buckets {
		ids[i] = strconv.FormatUint(id, 10)
	}
	return s.list(ctx, operation, where+" AND "+s.bucket()+" IN ("+strings.Join(ids, ",")+")")
}

func (s *Side) list(ctx context.Context, operation, where string) ([]diff.Hashed, error) {
	if s.hashing.hash == "" {
		return nil, errNotHashable
	}
	var found []diff.Hashed
	err := s.db.each(ctx, operation, "SELECT "+strings.Join(s.hashing.listed(), ",")+s.schema.from(s.order.index)+" WHERE "+where,
		func(row []driver.Value) error {
			read, _ := s.hashing.hashed(row)
			found = append(found, read)
			return nil
		})
	return found, err
}
