package mysql

import (
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

// keylessBucket is the bucket of rows whose byColumn is NULL: one more than
// bucketMask.
const (
	bucketMask    = 65535
	keylessBucket = bucketMask + 1
)

// Fold folds the rows of (after, upto] by stretches of the aligned key that are
// width wide. A bucket's id is key DIV width, rounded towards zero, a negative
// one as its two's complement; width 0 gives one bucket with the id 0, also of
// no rows.
func (s *Side) Fold(ctx context.Context, after, upto job.Point, width uint64) ([]diff.Bucket, error) {
	if width == 0 {
		return s.fold(ctx, after, upto, "0", "")
	}
	id := s.order.columns()[0] + " DIV " + strconv.FormatUint(min(width, math.MaxInt64), 10)
	return s.fold(ctx, after, upto, id, "")
}

// FoldKeyed folds the rows of (after, upto] by a hash of their byColumn. Buckets
// of several stretches are merged by XOR and sum. Rows without a byColumn value
// are in a bucket of their own, and count as unhashed: they relate to nothing.
func (s *Side) FoldKeyed(ctx context.Context, after, upto job.Point) ([]diff.Bucket, error) {
	keyless := ""
	if s.by.nullable {
		keyless = s.by.quoted() + " IS NULL"
	}
	return s.fold(ctx, after, upto, s.bucket(), keyless)
}

// bucket is the number of a row's bucket.
func (s *Side) bucket() string {
	bucket := "CRC32(" + s.hashing.key + ")&" + strconv.Itoa(bucketMask)
	if s.by.nullable {
		return "IFNULL(" + bucket + "," + strconv.Itoa(keylessBucket) + ")"
	}
	return bucket
}

func (s *Side) fold(ctx context.Context, after, upto job.Point, id, unhashed string) ([]diff.Bucket, error) {
	operation := "fold rows of " + s.schema.table
	where, err := s.order.within(after, upto)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	var buckets []diff.Bucket
	err = s.db.each(ctx, operation, s.foldSQL(s.where(where), id, unhashed), func(row []driver.Value) error {
		buckets = append(buckets, diff.Bucket{ID: number(row[0]), Rows: number(row[1]), Hash: number(row[2]), Unhashed: number(row[3])})
		return nil
	})
	return buckets, err
}

// foldSQL groups in no order: sorting would cost more than hashing.
func (s *Side) foldSQL(where, id, unhashed string) string {
	conditions := []string{s.hashing.long, unhashed}
	conditions = slices.DeleteFunc(conditions, func(c string) bool { return c == "" })
	count := "0"
	if len(conditions) > 0 {
		count = "COUNT(NULLIF(" + strings.Join(conditions, " OR ") + ",0))"
	}
	query := "SELECT " + id + ",COUNT(*),BIT_XOR(" + s.hashing.hash + ")," + count + s.schema.from(s.order.index) + " WHERE " + where
	if id != "0" {
		query += " GROUP BY " + id + " ORDER BY NULL"
	}
	return query
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

// ListKeyed reads byColumn and hash of the rows of (after, upto] that are in one
// of the buckets. Without a byColumn value the key is nil.
func (s *Side) ListKeyed(ctx context.Context, after, upto job.Point, buckets []uint64) ([]diff.Hashed, error) {
	operation := "list rows of " + s.schema.table
	if len(buckets) == 0 {
		return nil, nil
	}
	where, err := s.order.within(after, upto)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	ids := make([]string, len(buckets))
	for i, id := range buckets {
		ids[i] = strconv.FormatUint(id, 10)
	}
	return s.list(ctx, operation, s.where(where)+" AND "+s.bucket()+" IN ("+strings.Join(ids, ",")+")")
}

func (s *Side) list(ctx context.Context, operation, where string) ([]diff.Hashed, error) {
	var found []diff.Hashed
	err := s.db.each(ctx, operation, "SELECT "+s.hashing.key+","+s.hashing.hash+s.schema.from(s.order.index)+" WHERE "+where,
		func(row []driver.Value) error {
			found = append(found, hashed(row[0], row[1]))
			return nil
		})
	return found, err
}

// hashed copies what the driver will overwrite.
func hashed(key, hash driver.Value) diff.Hashed {
	h := diff.Hashed{Key: text(key)}
	if hash != nil {
		n := number(hash)
		h.Hash = &n
	}
	return h
}
