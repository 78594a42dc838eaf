package main

import (
	"context"
	"fmt"
	"time"
)

// summary compares what was broken with what cupid and the receiver did.
type summary struct {
	written  int
	broken   breakage
	called   map[int]int
	repaired map[int]int
	closed   int // read equal
	open     int // callbacks still in a queue
	left     int // rows that are still different
	took     time.Duration
}

func (w *world) summarize(ctx context.Context, took time.Duration) (summary, error) {
	p, err := w.fleet.progress(ctx)
	if err != nil {
		return summary{}, err
	}
	left, err := countDifferent(ctx, w.source, w.copied)
	if err != nil {
		return summary{}, err
	}
	s := summary{
		written: w.pipeline.written, broken: w.pipeline.broken,
		closed: int(p.closed), open: int(p.open), left: left, took: took,
	}
	s.called, s.repaired = w.receiver.counts()
	return s, nil
}

// good says that nothing is left to do.
func (s summary) good() bool { return s.left == 0 && s.open == 0 }

func (s summary) print(n *narrator) {
	n.print("\n%-28s %9s %9s %9s\n", fmt.Sprintf("%d rows written, %.0f s", s.written, s.took.Seconds()), "missing", "different", "total")
	line(n, "broken by the pipeline", map[int]int{missing: s.broken.lost, different: s.broken.different()})
	line(n, "called back by cupid", s.called)
	line(n, "repaired by the receiver", s.repaired)
	total(n, "read equal and closed", s.closed)
	if late := s.closed - sum(s.called); late > 0 {
		total(n, "  of them late, not called", late)
	}
	if s.open > 0 {
		total(n, "callbacks still open", s.open)
	}
	total(n, "left different", s.left)
}

func line(n *narrator, what string, counts map[int]int) {
	n.print("  %-26s %9d %9d %9d\n", what, counts[missing], counts[different], sum(counts))
}

func total(n *narrator, what string, count int) { n.print("  %-26s %29d\n", what, count) }

func sum(counts map[int]int) int { return counts[missing] + counts[different] }
