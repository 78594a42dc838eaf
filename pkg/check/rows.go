package check

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// rows reads the source's rows with their partners, then the destination's with
// theirs: the one finds what is missing or different, the other what is extra.
func (c *comparison) rows(ctx context.Context) error {
	forth := crossing{name: sourceSide, from: c.pair.Source, to: c.pair.Target, relation: c.pair.Relation, missing: Missing}
	if err := c.cross(ctx, forth, c.options.From, c.options.To); err != nil || c.result.OneWay {
		return err
	}
	if c.state.Respelled { // the target's rows would not find their own
		c.result.OneWay = true
		return nil
	}
	back := crossing{name: targetSide, from: c.pair.Target, to: c.pair.Source, relation: c.pair.Relation.Reversed(), missing: Extra}
	return c.cross(ctx, back, job.Point{}, job.Point{})
}

// crossing looks from one side at the other.
type crossing struct {
	name     string
	from, to Side
	relation diff.Relation
	missing  Kind // what a row is that has no partner
}

func (c *comparison) cross(ctx context.Context, x crossing, after, upto job.Point) error {
	size := c.newPageSize()
	w := &walk{name: x.name, after: after, upto: upto, sizes: c.limits.reads}
	return c.walkSide(ctx, x.from, w, func(ctx context.Context, s stretch) (cover, error) {
		began := time.Now()
		var n seen
		for at, more := s.after, true; more; {
			var rows []diff.Row
			var err error
			if rows, at, more, err = x.from.Rows(ctx, at, s.upto, size.limit()); err != nil {
				return cover{}, err
			}
			size.saw(rows)
			keyed, keys := withKeys(x.from, rows)
			n.rows += uint64(len(keyed))
			n.keyless += uint64(len(rows) - len(keyed))
			if err := c.meet(ctx, x, keyed, keys); err != nil {
				return cover{}, err
			}
		}
		return covered(x.name, n, time.Since(began), nil), nil
	})
}

// withKeys are the rows that have keys, and these.
func withKeys(s Side, rows []diff.Row) (keyed []diff.Row, keys []diff.Key) {
	for _, row := range rows {
		if key, ok := s.KeyOf(row); ok {
			keyed, keys = append(keyed, row), append(keys, key)
		}
	}
	return keyed, keys
}

// meet compares a page of rows that have keys with their partners.
func (c *comparison) meet(ctx context.Context, x crossing, rows []diff.Row, keys []diff.Key) error {
	partners, err := x.to.Lookup(ctx, keys)
	if err != nil {
		return err
	}
	if c.pair.Respelling && x.name == sourceSide {
		c.noteSpellings(keys, partners)
	}
	for i, o := range x.relation.Compare(rows, partners) {
		if kind, wrong := x.kindOf(o.Verdict); wrong {
			c.suspect(keys[i], kind)
		}
	}
	return nil
}

// noteSpellings notes whether rows of the target show other spellings of their keys.
func (c *comparison) noteSpellings(keys []diff.Key, partners []diff.Row) {
	shown := c.keys(nil, partners)
	for _, key := range keys {
		if other, there := shown[c.pair.Relation.Same(key)]; there && other != key {
			c.mu.Lock()
			c.state.Respelled = true
			c.mu.Unlock()
		}
	}
}

// kindOf is what a verdict means, seen from this side.
func (x crossing) kindOf(v diff.Verdict) (Kind, bool) {
	switch v {
	case diff.Equal:
		return "", false
	case diff.Missing:
		return x.missing, true
	case diff.Respelled:
		return Respelled, true
	case diff.Several:
		return Several, true
	default:
		return Different, true
	}
}

// pageSize keeps pages of rows to about as many bytes, however long a row is.
type pageSize struct {
	limits limits
	rows   atomic.Int64
}

func (c *comparison) newPageSize() *pageSize {
	const first = 100
	s := &pageSize{limits: c.limits}
	s.rows.Store(first)
	return s
}

func (s *pageSize) limit() int { return int(s.rows.Load()) }

// saw learns from a page how long rows are.
func (s *pageSize) saw(rows []diff.Row) {
	const overhead = 100 // of a row without values
	bytes := 0
	for _, row := range rows {
		bytes += overhead
		for _, v := range row.Values {
			bytes += len(v)
		}
	}
	if bytes > 0 {
		s.rows.Store(int64(min(max(s.limits.pageBytes*len(rows)/bytes, 1), s.limits.pageRows)))
	}
}
