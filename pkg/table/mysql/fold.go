package mysql

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// bucketMask leaves 16 bits of a hash.
const bucketMask = 1<<16 - 1

// Fold folds the rows of (after, upto] by stretches of 2^shift aligned keys. A
// bucket's id is key >> shift, of a negative key in two's complement. A shift of
// 64 gives one bucket with the id 0, also of no rows. The buckets are appended
// to into.
func (s *Side) Fold(ctx context.Context, into []diff.Bucket, after, upto job.Point, shift int) ([]diff.Bucket, error) {
	where, err := s.order.within(after, upto)
	if err != nil {
		return nil, fmt.Errorf("fold rows of %s: %w", s.schema.table, err)
	}
	return s.fold(ctx, into, s.stretch(shift), s.where(where))
}

// stretch is the number of the stretch of the aligned key in which a row lies.
// A shift costs a server half of what a division does.
func (s *Side) stretch(shift int) string {
	if shift >= 64 {
		return ""
	}
	return s.by[0].quoted() + ">>" + strconv.Itoa(shift)
}

// FoldKeyed folds the rows of (after, upto] into 65,536 buckets by a hash of
// their keys, appended to into. Buckets of several stretches are merged by XOR
// and sum. Rows without a key are left out: they relate to nothing.
func (s *Side) FoldKeyed(ctx context.Context, into []diff.Bucket, after, upto job.Point) ([]diff.Bucket, error) {
	where, err := s.related(after, upto)
	if err != nil {
		return nil, fmt.Errorf("fold rows of %s: %w", s.schema.table, err)
	}
	return s.fold(ctx, into, s.bucket(), where)
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

func (s *Side) fold(ctx context.Context, into []diff.Bucket, id, where string) ([]diff.Bucket, error) {
	if s.hashing.hash == "" {
		return nil, errNotHashable
	}
	err := s.db.each(ctx, "fold rows of "+s.schema.table, s.foldSQL(id, where), func(row []driver.Value) uint64 {
		into = append(into, diff.Bucket{ID: number(row[0]), Rows: number(row[1]), Hash: number(row[2]), Unhashed: number(row[3])})
		return number(row[1])
	})
	return into, err
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

// One query asks for so many ranges, gathered by some: a server compares each
// row with one condition after the other.
const maxStretches, gathered = 256, 16

// List gives key and hash of every row in one of the ranges (after, upto], which
// are in the order of keys and do not overlap.
func (s *Side) List(ctx context.Context, ranges [][2]job.Point, found func(diff.Hashed)) error {
	operation := "list rows of " + s.schema.table
	for chunk := range slices.Chunk(ranges, maxStretches) {
		where, err := s.anyOf(chunk)
		if err != nil {
			return fmt.Errorf("%s: %w", operation, err)
		}
		if err := s.list(ctx, operation, s.where(expression{sql: where}), found); err != nil {
			return err
		}
	}
	return nil
}

// anyOf is the condition of the rows in one of the ranges.
func (s *Side) anyOf(ranges [][2]job.Point) (string, error) {
	if len(ranges) == 1 {
		where, err := s.order.within(ranges[0][0], ranges[0][1])
		return where.literal(), err
	}
	size := 1
	if len(ranges) > gathered {
		size = gathered
	}
	var conditions []string
	for part := range slices.Chunk(ranges, size) {
		inner, err := s.anyOf(part)
		if err != nil {
			return "", err
		}
		if len(part) > 1 {
			whole, err := s.order.within(part[0][0], part[len(part)-1][1])
			if err != nil {
				return "", err
			}
			inner = whole.literal() + " AND (" + inner + ")"
		}
		conditions = append(conditions, "("+inner+")")
	}
	return strings.Join(conditions, " OR "), nil
}

// ListKeyed gives key and hash of the rows of (after, upto] that are in one
// of the buckets.
func (s *Side) ListKeyed(ctx context.Context, after, upto job.Point, buckets []uint64, found func(diff.Hashed)) error {
	operation := "list rows of " + s.schema.table
	if len(buckets) == 0 {
		return nil
	}
	where, err := s.related(after, upto)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return s.list(ctx, operation, where+" AND "+s.among(buckets), found)
}

// manyBuckets is from where on a list of buckets costs more than a map of all.
const manyBuckets = 300

// among is the condition of the rows in one of the buckets. A server looks a
// number up in a list by halving it; in a text with a byte for every bucket it
// looks once, which for thousands of them takes a third off such a query.
func (s *Side) among(buckets []uint64) string {
	if len(buckets) < manyBuckets {
		ids := make([]string, len(buckets))
		for i, id := range buckets {
			ids[i] = strconv.FormatUint(id, 10)
		}
		return s.bucket() + " IN (" + strings.Join(ids, ",") + ")"
	}
	all := make([]byte, bucketMask+1)
	for _, id := range buckets {
		all[id&bucketMask] = 1
	}
	return fmt.Sprintf("SUBSTR(x'%x',(%s)+1,1)=x'01'", all, s.bucket())
}

func (s *Side) list(ctx context.Context, operation, where string, found func(diff.Hashed)) error {
	if s.hashing.hash == "" {
		return errNotHashable
	}
	return s.db.each(ctx, operation, "SELECT "+strings.Join(s.hashing.listed(), ",")+s.schema.from(s.order.index)+" WHERE "+where,
		func(row []driver.Value) uint64 {
			read, _ := s.hashing.hashed(row)
			found(read)
			return 1
		})
}
