package check

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// Side is one table of a comparison. Its places are in the order in which the
// strategy reads the table. It is safe for concurrent use.
type Side interface {
	// Estimate is about how many rows there are; it costs next to nothing.
	Estimate(ctx context.Context) (int64, error)
	// Nulls counts the rows without a key: with NULL in what relates the sides.
	Nulls(ctx context.Context) (int64, error)
	// Last is the greatest place; false for an empty table, and for one without
	// an order, which can only be read at once.
	Last(ctx context.Context) (job.Point, bool, error)
	// Step is the n-th row, from 1, of (after, upto]; false when there are fewer.
	Step(ctx context.Context, after, upto job.Point, n int) (job.Point, bool, error)

	// Guess is about how many rows (after, upto] has, which costs next to nothing;
	// false where places are no whole numbers or nobody can say. It may be off by
	// a factor that is about the same for neighbours.
	Guess(ctx context.Context, after, upto job.Point) (int64, bool, error)
	// Fold folds the rows of (after, upto].
	Fold(ctx context.Context, after, upto job.Point) (diff.Fold, error)
	// Marks gives a mark of each row of (after, upto], with its integer key for an
	// ID, appended to into in any order.
	Marks(ctx context.Context, into []diff.Mark, after, upto job.Point) ([]diff.Mark, error)

	// List gives key and hash of the rows of (after, upto].
	List(ctx context.Context, after, upto job.Point, found func(diff.Hashed)) error

	// KeyMarks gives a mark of each row of (after, upto] that has a key, with 31
	// bits of a hash of the key for an ID, appended to into in any order.
	KeyMarks(ctx context.Context, into []diff.Mark, after, upto job.Point) ([]diff.Mark, error)
	// ListKeyed gives key and hash of the rows in (after, upto] whose
	// IDs, as KeyMarks gives them, pass a sieve.
	ListKeyed(ctx context.Context, after, upto job.Point, sieve diff.Sieve, found func(diff.Hashed)) error
	// Hashes gives key and hash of the rows with these keys, as Lookup finds them.
	Hashes(ctx context.Context, keys []diff.Key) ([]diff.Hashed, error)

	// Rows reads at most about limit whole rows; with more, go on after next.
	Rows(ctx context.Context, after, upto job.Point, limit int) (rows []diff.Row, next job.Point, more bool, err error)
	// Lookup reads the whole rows with these keys, as the server's collation finds them.
	Lookup(ctx context.Context, keys []diff.Key) ([]diff.Row, error)
	// Holds reports whether Lookup can ask for a key.
	Holds(key diff.Key) bool
	// KeyOf is the key of a row; false for a row without one.
	KeyOf(row diff.Row) (diff.Key, bool)
}

// Strategy is how a pair of tables is compared.
type Strategy string

// The strategies.
const (
	// RangeChecksum folds both sides over the same ranges of an integer key.
	RangeChecksum Strategy = "range checksum"
	// KeyedBuckets folds each side in its own order by a hash of what relates them.
	KeyedBuckets Strategy = "keyed buckets"
	// Rows reads whole rows and compares them here.
	Rows Strategy = "rows"
)

// Pair is a source table and one destination.
type Pair struct {
	Job, Destination string // names
	Strategy         Strategy
	Source, Target   Side
	Relation         diff.Relation
	// Respelling pairs are compared by Rows, and the source may spell a key in many
	// ways, of which a row of the target shows one.
	Respelling bool
}

// both does one thing on each side at the same time.
func both[T any](ctx context.Context, p Pair, do func(context.Context, Side) (T, error)) (source, target T, err error) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		source, err = do(ctx, p.Source)
		return err
	})
	g.Go(func() (err error) {
		target, err = do(ctx, p.Target)
		return err
	})
	return source, target, g.Wait()
}
