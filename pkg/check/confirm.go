package check

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// confirm reads the suspects again, once what was on its way has had its time
// to arrive, and compares them by the rules of their columns.
func (c *comparison) confirm(ctx context.Context) error {
	for kind, n := range c.state.suspects.beyond {
		c.unconfirmed(kind, n)
	}
	sorted := c.state.suspects.sorted(c.pair.Relation.Folded)
	c.tell(Confirming, 0, uint64(len(sorted)))
	if len(sorted) == 0 {
		return nil
	}
	if err := wait(ctx, time.Until(c.last.Add(c.options.Confirm))); err != nil {
		return err
	}
	done := 0
	for read := range c.readAhead(ctx, sorted) {
		if done > 0 && c.late() {
			break
		}
		if err := c.judge(ctx, read); err != nil {
			return err
		}
		done += len(read.keys)
		c.mu.Lock()
		c.progress(uint64(done), uint64(len(sorted)))
		c.mu.Unlock()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, r := range sorted[done:] {
		c.result.Bound = TimeOver
		c.unconfirmed(r.kind, 1)
	}
	return nil
}

// rereading is a page of suspects with their rows of both sides, or why there are none.
type rereading struct {
	keys           []diff.Key
	source, target []diff.Row
	err            error
}

// readAhead reads one page while the one before is judged.
func (c *comparison) readAhead(ctx context.Context, sorted []remark) iter.Seq[rereading] {
	return func(yield func(rereading) bool) {
		var reader sync.WaitGroup
		defer reader.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		read := make(chan rereading)
		reader.Go(func() {
			defer close(read)
			size := c.newPageSize()
			for page := range pages(sorted, size.limit) {
				r := c.read(ctx, page)
				size.saw(r.source)
				select {
				case read <- r:
				case <-ctx.Done():
					return
				}
			}
		})
		for r := range read {
			if !yield(r) {
				return
			}
		}
	}
}

func (c *comparison) unconfirmed(kind Kind, n uint64) {
	c.result.Found[kind] += n
	c.result.Unconfirmed += n
}

// late reports whether the time is over.
func (c *comparison) late() bool {
	return c.options.MaxTime > 0 && time.Since(c.began) > c.options.MaxTime
}

// judge reads a page of suspects and reports what is wrong with them.
func (c *comparison) judge(ctx context.Context, read rereading) error {
	equal, overlooked, err := c.found(ctx, read)
	if err != nil {
		return err
	}
	unequal, err := c.stillUnequal(ctx, slices.DeleteFunc(slices.Clone(equal), func(key diff.Key) bool { return overlooked[c.pair.Relation.Same(key)] }))
	if err != nil {
		return err
	}
	c.result.Settled += uint64(len(equal) - len(unequal))
	if len(unequal) == 0 {
		return nil
	}
	// A row may have changed between the two readings.
	unexplained, _, err := c.found(ctx, c.read(ctx, unequal))
	if err != nil {
		return err
	}
	for _, key := range unexplained {
		if err := c.report(ctx, Finding{Key: key, Kind: Unexplained}); err != nil {
			return err
		}
	}
	return nil
}

// found reports the keys whose rows are not equal, and gives the others back.
// Overlooked are those of them that only the columns' options hold for equal: no
// wonder that their hashes differ.
func (c *comparison) found(ctx context.Context, read rereading) (equal []diff.Key, overlooked map[string]bool, err error) {
	if read.err != nil {
		return nil, nil, read.err
	}
	source, target := read.source, read.target
	overlooked = map[string]bool{}
	if c.pair.Relation.Overlooks() {
		for i, o := range c.pair.Relation.Strict().Compare(source, target) {
			if key, ok := c.pair.Source.KeyOf(source[i]); ok && o.Verdict != diff.Equal {
				overlooked[c.pair.Relation.Same(key)] = true
			}
		}
	}
	found, seen := c.verdicts(source, target), c.keys(source, target)
	told := make(map[string]bool, len(read.keys))
	for _, key := range read.keys {
		same := c.pair.Relation.Same(key)
		if told[same] {
			continue // another spelling
		}
		told[same] = true
		f, wrong := found[same]
		_, known := seen[same]
		switch {
		case !wrong && !known && (!c.pair.Source.Holds(key) || !c.pair.Target.Holds(key)):
			f = Finding{Key: key, Kind: Unexplained} // it was there, and cannot be asked for
		case !wrong:
			equal = append(equal, key)
			continue
		case f.Kind == "":
			continue
		}
		if err := c.report(ctx, f); err != nil {
			return nil, nil, err
		}
	}
	return equal, overlooked, nil
}

// read reads the rows with these keys, and those that a collation has found with
// others, with their own partners: only beside these can be said whose they are.
func (c *comparison) read(ctx context.Context, keys []diff.Key) rereading {
	lookup := func(all []diff.Key) rereading {
		source, target, err := both(ctx, c.pair, func(ctx context.Context, s Side) ([]diff.Row, error) { return s.Lookup(ctx, all) })
		return rereading{keys, source, target, err}
	}
	found := lookup(keys)
	if found.err != nil {
		return found
	}
	asked := make(map[string]bool, len(keys))
	for _, key := range keys {
		asked[c.pair.Relation.Same(key)] = true
	}
	var others []diff.Key
	for same, key := range c.keys(found.source, found.target) {
		if !asked[same] {
			others = append(others, key)
		}
	}
	if len(others) == 0 {
		return found
	}
	return lookup(append(others, keys...))
}

// keys are those of rows of both sides.
func (c *comparison) keys(source, target []diff.Row) map[string]diff.Key {
	keys := make(map[string]diff.Key, len(source))
	for side, rows := range map[Side][]diff.Row{c.pair.Source: source, c.pair.Target: target} {
		for _, row := range rows {
			if key, ok := side.KeyOf(row); ok {
				keys[c.pair.Relation.Same(key)] = key
			}
		}
	}
	return keys
}

// verdicts are the findings in rows of both sides, by key. A row that belongs to
// a row with another spelling of the key has a finding without a kind: the
// source's spelling carries it.
func (c *comparison) verdicts(source, target []diff.Row) map[string]Finding {
	found := map[string]Finding{}
	note := func(s Side, row diff.Row, f Finding) {
		key, ok := s.KeyOf(row)
		if !ok {
			return
		}
		same := c.pair.Relation.Same(key)
		if _, known := found[same]; !known {
			f.Key = key
			found[same] = f
		}
	}
	backwards := c.pair.Relation.Reversed().Compare(target, source)
	partners := c.partners(target, backwards)
	forth := crossing{missing: Missing}
	for i, o := range c.pair.Relation.Compare(source, target) {
		if kind, wrong := forth.kindOf(o.Verdict); wrong {
			key, _ := c.pair.Relation.SourceKey(source[i])
			note(c.pair.Source, source[i], Finding{Kind: kind, Columns: o.Columns, Source: source[i], Target: partners[c.bondOf(o.Verdict, key)]})
		}
	}
	back := crossing{missing: Extra}
	for i, o := range backwards {
		kind, wrong := back.kindOf(o.Verdict)
		if kind == Different || kind == Respelled {
			kind = ""
		}
		if wrong {
			note(c.pair.Target, target[i], Finding{Kind: kind, Target: target[i]})
		}
	}
	return found
}

// bond is what the two rows of a Different or Respelled verdict share, and no
// third has.
type bond struct {
	verdict diff.Verdict
	key     string
}

func (c *comparison) bondOf(v diff.Verdict, key diff.Key) bond {
	if v == diff.Respelled {
		return bond{v, c.pair.Relation.Folded(key)}
	}
	return bond{v, c.pair.Relation.Same(key)}
}

// partners are the destination's rows that differ from their source rows.
func (c *comparison) partners(target []diff.Row, outcomes []diff.Outcome) map[bond]diff.Row {
	partners := map[bond]diff.Row{}
	for i, o := range outcomes {
		if o.Verdict != diff.Different && o.Verdict != diff.Respelled {
			continue
		}
		if key, ok := c.pair.Relation.DestinationKey(target[i]); ok {
			partners[c.bondOf(o.Verdict, key)] = target[i]
		}
	}
	return partners
}

// stillUnequal are those of keys with equal rows whose hashes differ all the
// same, twice: a row may be changing.
func (c *comparison) stillUnequal(ctx context.Context, keys []diff.Key) ([]diff.Key, error) {
	if c.pair.Strategy == Rows {
		return nil, nil
	}
	for look := 0; look < 2 && len(keys) > 0; look++ {
		if look > 0 {
			if err := wait(ctx, c.options.Confirm); err != nil {
				return nil, err
			}
		}
		source, target, err := both(ctx, c.pair, func(ctx context.Context, s Side) ([]diff.Hashed, error) { return s.Hashes(ctx, keys) })
		if err != nil {
			return nil, err
		}
		keys = c.unequal(keys, source, target)
	}
	return keys, nil
}

// unequal are the keys whose hashes differ. What a server cannot hash is as
// equal as its columns are.
func (c *comparison) unequal(keys []diff.Key, source, target []diff.Hashed) []diff.Key {
	wrong := map[string]bool{}
	j := newJoin(func(key diff.Key, _ Kind) { wrong[c.pair.Relation.Same(key)] = true })
	for name, rows := range map[string][]diff.Hashed{sourceSide: source, targetSide: target} {
		add := j.of(name)
		for _, row := range rows {
			add(row)
		}
	}
	j.end()
	for _, side := range [][]diff.Hashed{source, target} {
		for _, row := range side {
			if row.Unhashed {
				delete(wrong, c.pair.Relation.Same(row.Key))
			}
		}
	}
	var left []diff.Key
	for _, key := range keys {
		if wrong[c.pair.Relation.Same(key)] {
			left = append(left, key)
		}
	}
	return left
}

func (c *comparison) report(ctx context.Context, f Finding) error {
	c.result.Found[f.Kind]++
	if c.options.Report == nil {
		return nil
	}
	return c.options.Report(ctx, f)
}

// wait waits unless ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
