package mysql

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// Fold folds the rows of (after, upto].
func (s *Side) Fold(ctx context.Context, after, upto job.Point) (f diff.Fold, err error) {
	operation := "fold rows of " + s.schema.table
	if s.hashing.hash == "" {
		return diff.Fold{}, errNotHashable
	}
	where, err := s.order.within(after, upto)
	if err != nil {
		return diff.Fold{}, fmt.Errorf("%s: %w", operation, err)
	}
	err = s.db.each(ctx, operation, s.foldSQL(s.where(where)), func(row []driver.Value) uint64 {
		f = diff.Fold{Rows: number(row[0]), Hash: number(row[1]), Unhashed: number(row[2])}
		return f.Rows
	})
	return f, err
}

func (s *Side) foldSQL(where string) string {
	unhashed := "0"
	if s.hashing.long != "" {
		unhashed = "COUNT(NULLIF(" + s.hashing.long + ",0))"
	}
	return "SELECT COUNT(*),BIT_XOR(" + s.hashing.hash + ")," + unhashed + s.schema.from(s.order.index) + " WHERE " + where
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

// ListKeyed gives key and hash of the rows of (after, upto] whose ID, as KeyMarks
// gives it, passes a sieve.
func (s *Side) ListKeyed(ctx context.Context, after, upto job.Point, sieve diff.Sieve, found func(diff.Hashed)) error {
	operation := "list rows of " + s.schema.table
	if len(sieve.Lower) == 0 || len(sieve.Upper) == 0 {
		return nil
	}
	where, err := s.related(after, upto)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	hash := s.keyHash().sql
	where += " AND " + among(hash+"&65535", sieve.Lower) + " AND " + among(hash+">>16&32767", sieve.Upper)
	return s.list(ctx, operation, where, found)
}

// manyHalves is from where on a list of halves costs more than a map of all.
const manyHalves = 300

// among is the condition that 16 bits of a hash are one of some. A server looks a
// number up in a list by halving it; in a text with a byte for every number it
// looks once, which for thousands of them takes a third off such a query.
func among(bits string, some []uint16) string {
	if len(some) < manyHalves {
		texts := make([]string, len(some))
		for i, n := range some {
			texts[i] = strconv.Itoa(int(n))
		}
		return bits + " IN (" + strings.Join(texts, ",") + ")"
	}
	var all [1 << 16]byte
	for _, n := range some {
		all[n] = 1
	}
	return "SUBSTR(x'" + hex.EncodeToString(all[:]) + "',(" + bits + ")+1,1)=x'01'"
}

// List gives key and hash of the rows of (after, upto], in any order.
func (s *Side) List(ctx context.Context, after, upto job.Point, found func(diff.Hashed)) error {
	operation := "list rows of " + s.schema.table
	where, err := s.order.within(after, upto)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return s.list(ctx, operation, s.where(where), found)
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
