package worker

import (
	"context"
	"fmt"
	"slices"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

const (
	// pageRows is how many source rows are read at once: one query for them and
	// one for their destination rows.
	pageRows = 999
	// hashedRows is how many are hashed at once. Hashes are small, and each page
	// costs the source a query.
	hashedRows = 10 * pageRows
)

// page is what one look at a part of a range has found.
type page struct {
	rows        int
	differing   int              // also at destinations that are only observed
	unexplained int              // rows whose hashes differ, and none of whose columns does
	keyless     int              // rows with NULL in what relates them
	differences []job.Difference // to be called
	next        job.Point
	more        bool
}

// pass is a way through a range.
type pass struct {
	targets []Target
	// read looks at the beginning of what is left.
	read func(ctx context.Context, rest job.Range) (page, error)
}

// passes are the ways through a range that together compare every destination;
// they are the same, in the same order, wherever it is read.
func (c *comparer) passes(r job.Range, s Sides) []pass {
	byKey := !r.UpTo.Timed() && !r.UpTo.Open()
	var passes []pass
	var plain []int
	var targets []Target // the plain ones
	for n, t := range s.Targets {
		switch {
		case t.Ranges != nil && byKey:
			passes = append(passes, pass{s.Targets[n : n+1], func(ctx context.Context, rest job.Range) (page, error) { return c.folded(ctx, rest, s, n) }})
		case t.Hashes != nil:
			passes = append(passes, pass{s.Targets[n : n+1], func(ctx context.Context, rest job.Range) (page, error) { return c.hashed(ctx, rest, s, n) }})
		default:
			plain, targets = append(plain, n), append(targets, t)
		}
	}
	if len(plain) > 0 {
		passes = append(passes, pass{targets, func(ctx context.Context, rest job.Range) (page, error) { return c.plain(ctx, rest, s, plain) }})
	}
	return passes
}

// plain compares whole rows with some of the targets.
func (c *comparer) plain(ctx context.Context, rest job.Range, s Sides, targets []int) (page, error) {
	rows, next, more, err := s.Source.Page(ctx, rest, pageRows)
	if err != nil {
		return page{}, fmt.Errorf("read source rows: %w", err)
	}
	p := page{rows: len(rows), next: next, more: more}
	for _, n := range targets {
		before := p.differing
		if err := c.compared(ctx, rest.Shard, rows, s, n, &p); err != nil {
			return page{}, err
		}
		c.w.c.Meter.Compared(s.Targets[n].Config.Name, len(rows), p.differing-before)
	}
	p.keyless = len(rows) - len(keysOf(s.Targets[targets[0]].Destination.Relation(), rows))
	return p, nil
}

// compared judges rows; what seems to differ on replicas, on the primaries.
func (c *comparer) compared(ctx context.Context, shard job.Shard, rows []diff.Row, s Sides, n int, p *page) error {
	if s.Failed == nil {
		_, err := c.judge(ctx, shard, rows, s.Targets[n], p)
		return err
	}
	keys, err := differing(ctx, rows, s.Targets[n])
	if err != nil || len(keys) == 0 {
		return err
	}
	_, err = c.reread(ctx, shard, keys, c.w.c.Targets[n], p)
	return err
}

// differing are the scan keys of the rows that a target does not have alike.
func differing(ctx context.Context, rows []diff.Row, t Target) (keys []string, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	copies, err := copiesOf(ctx, rows, t)
	if err != nil {
		return nil, err
	}
	for i, o := range t.Destination.Relation().Compare(rows, copies) {
		if o.Verdict != diff.Equal {
			keys = append(keys, rows[i].Key)
		}
	}
	return keys, nil
}

// hashed compares hashes that the servers compute, and reads rows only where those differ.
func (c *comparer) hashed(ctx context.Context, rest job.Range, s Sides, n int) (page, error) {
	t := s.Targets[n]
	rows, next, more, err := t.Hashes.Page(ctx, rest, hashedRows)
	if err != nil {
		return page{}, fmt.Errorf("hash source rows: %w", err)
	}
	keys := make([]diff.Key, 0, len(rows))
	for _, row := range rows {
		if !row.Null {
			keys = append(keys, row.Key)
		}
	}
	copies, err := t.Hashes.Lookup(ctx, keys)
	if err != nil {
		return page{}, fmt.Errorf("hash rows of destination %s: %w", t.Config.Name, err)
	}
	return c.suspected(ctx, rest.Shard, unequal(rows, copies), c.w.c.Targets[n], c.w.c.Targets[n].Hashes, page{rows: len(rows), keyless: len(rows) - len(keys), next: next, more: more})
}

// folded compares the whole range by folds that the servers compute.
func (c *comparer) folded(ctx context.Context, rest job.Range, s Sides, n int) (page, error) {
	t := s.Targets[n]
	rows, suspects, err := t.Ranges.Compare(ctx, rest)
	if err != nil {
		return page{}, fmt.Errorf("compare the range with destination %s: %w", t.Config.Name, err)
	}
	return c.suspected(ctx, rest.Shard, suspects, c.w.c.Targets[n], c.w.c.Targets[n].Ranges, page{rows: rows, next: rest.UpTo})
}

// suspected reads and compares the rows whose hashes differ: hashes raise a
// suspicion, column rules decide, over what the primaries hold.
func (c *comparer) suspected(ctx context.Context, shard job.Shard, suspects []string, t Target, r Rehasher, p page) (page, error) {
	for keys := range slices.Chunk(suspects, pageRows) {
		// A row that changes while it is looked at may look unequal in its hash
		// alone, but hardly time after time.
		const looks = 3
		for look := 1; len(keys) > 0; look++ {
			same, err := c.reread(ctx, shard, keys, t, &p)
			if err != nil {
				return page{}, err
			}
			if keys, err = c.rehashed(ctx, same, t, r); err != nil {
				return page{}, err
			}
			if look == looks && len(keys) > 0 {
				p.unexplained += len(keys)
				c.w.c.Meter.Unexplained(t.Config.Name, len(keys))
				c.w.c.Log.Warn("the servers' hashes of rows differ and none of their columns does; compare them by hand, and report it", "destination", t.Config.Name, "rows", len(keys), "key", keys[0])
				break
			}
		}
	}
	c.w.c.Meter.Compared(t.Config.Name, p.rows, p.differing)
	return p, nil
}

// reread compares the source rows with these scan keys as rows, and gives those
// back that are equal without any option.
func (c *comparer) reread(ctx context.Context, shard job.Shard, keys []string, t Target, p *page) (same []string, err error) {
	rows, err := c.w.c.Source.Lookup(ctx, keys, false)
	if err != nil {
		return nil, fmt.Errorf("read source rows: %w", err)
	}
	return c.judge(ctx, shard, rows, t, p)
}

// rehashed are the scan keys whose rows' hashes differ once more. What a server
// cannot hash is as equal as its columns are.
func (c *comparer) rehashed(ctx context.Context, keys []string, t Target, r Rehasher) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	rows, copies, err := r.Rehash(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("hash rows again, of destination %s: %w", t.Config.Name, err)
	}
	bare := map[diff.Key]bool{}
	for _, h := range slices.Concat(rows, copies) {
		if h.Unhashed {
			bare[h.Key] = true
		}
	}
	return unequal(slices.DeleteFunc(rows, func(h diff.Hashed) bool { return bare[h.Key] }), copies), nil
}

// unequal gives the scan keys of the rows that do not have exactly one copy with the same hash.
func unequal(rows, copies []diff.Hashed) []string {
	type pair struct { // what both sides have of a key
		hash            uint64
		unhashed        bool
		sources, copies int
	}
	pairs := make([]pair, 0, len(copies))
	byKey := make(map[diff.Key]int, len(copies))
	for _, h := range copies {
		n, known := byKey[h.Key]
		if !known {
			n = len(pairs)
			byKey[h.Key] = n
			pairs = append(pairs, pair{hash: h.Hash, unhashed: h.Unhashed})
		}
		pairs[n].copies++
	}
	at := make([]int, len(rows)) // where each row's pair stands, -1 for none
	for i, row := range rows {
		n, known := byKey[row.Key]
		if !known || row.Null {
			at[i] = -1
			continue
		}
		at[i] = n
		pairs[n].sources++
	}
	var keys []string
	for i, row := range rows {
		if n := at[i]; n >= 0 && !row.Unhashed && pairs[n] == (pair{hash: row.Hash, sources: 1, copies: 1}) {
			continue
		}
		keys = append(keys, row.Row)
	}
	return keys
}

// judge compares whole rows with one destination and adds what differs to the
// page. Same are the scan keys of the rows that are equal, and not by an option.
func (c *comparer) judge(ctx context.Context, shard job.Shard, rows []diff.Row, t Target, p *page) (same []string, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	copies, err := copiesOf(ctx, rows, t)
	if err != nil {
		return nil, err
	}
	relation := t.Destination.Relation()
	outcomes := relation.Compare(rows, copies)
	strict := outcomes
	if relation.Overlooks() {
		strict = relation.Strict().Compare(rows, copies)
	}
	for i, o := range outcomes {
		if o.Verdict == diff.Equal {
			if strict[i].Verdict == diff.Equal {
				same = append(same, rows[i].Key)
			}
			continue
		}
		p.differing++
		if t.Config.Callback.Off {
			continue
		}
		p.differences = append(p.differences, job.Difference{
			Destination: t.Config.Name, Shard: shard, Key: rows[i].Key,
			Type: typeOf(o.Verdict), SourceHash: relation.Hash(rows[i]),
		})
	}
	return same, nil
}
