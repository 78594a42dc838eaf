package scheduler_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestTheStartIDIsInclusive(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ start, want string }{
		{"", "..20"}, {"0", "..20"}, {"1", "0..20"}, {"17", "16..20"}, {"20", "19..20"}, {"21", ""}, {"99", ""},
		{"18446744073709551615", ""},
	} {
		t.Run(c.start, func(t *testing.T) {
			t.Parallel()
			run(t, func(b *bed) {
				b.job.StartID = c.start
				b.table.fill(1, 20)
				b.start("p")
				b.pass(2 * time.Second)
				require.Equal(b.t, c.want, b.ids(job.Insert))
			})
		})
	}
}

// TestAScanThatRestsAsksSeldom: while nothing comes the cursor is not read at each
// look, and what comes then is claimed at the next.
func TestAScanThatRestsAsksSeldom(t *testing.T) {
	t.Parallel()
	for scan, want := range map[job.Scan]string{job.Insert: "..20 20..30", job.Update: ""} {
		t.Run(string(scan), func(t *testing.T) {
			t.Parallel()
			run(t, func(b *bed) {
				if scan == job.Update {
					b.updatesOnly()
				}
				b.table.fill(1, 20)
				b.start("p")
				b.pass(2 * time.Second)
				before := b.store.cursorsRead(scan)
				b.pass(40 * time.Second)
				require.InDelta(b.t, 4, b.store.cursorsRead(scan)-before, 1, "in 40 looks")
				claims := len(b.store.of(scan))
				b.table.fill(21, 30)
				b.pass(2500 * time.Millisecond)
				require.Len(b.t, b.store.of(scan), claims+1)
				if want != "" {
					require.Equal(b.t, want, b.ids(scan))
				}
			})
		})
	}
}

// TestALatePassThatIsOwedNothingAsksSeldom: samples are written by who leads alone.
func TestALatePassThatIsOwedNothingAsksSeldom(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		read := func() (n int) {
			b.store.do(func() { n = b.store.sampled })
			return n
		}
		b.start("p")
		b.pass(time.Second)
		before := read()
		b.pass(3 * time.Minute)
		require.InDelta(b.t, 3, read()-before, 1, "in 30 looks")
		b.table.fill(1, 8)
		b.pass(lateCommit + 10*time.Second)
		require.Equal(b.t, "..8", b.ids(job.InsertLate), "what is owed is claimed in time")
	})
}

// A text has no predecessor: the lower end lies a little before the start id, never at or behind it.
func TestTheStartIDOfATextKeyIsInclusive(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ start, after string }{
		{"01J9ZXC", "01J9ZX"}, {"b", ""}, {"1", ""}, {"", ""}, {"user-7", "user-"}, {"user-7--", "user-"}, {"é", ""}, {"aé", ""}, {"日a", "日"}, {" ", ""},
	} {
		t.Run(c.start, func(t *testing.T) {
			t.Parallel()
			run(t, func(b *bed) {
				b.table.text = true
				b.job.StartID = c.start
				b.table.write(0, c.start, "日本")
				b.start("p")
				b.pass(2 * time.Second)
				claims := b.store.of(job.Insert)
				require.Len(b.t, claims, 1)
				require.Equal(b.t, strings.Trim(job.KeyPoint(c.after).String(), "%"), strings.Trim(claims[0].After.String(), "%"))
				require.True(b.t, b.table.within(version{key: c.start}, claims[0].After, claims[0].UpTo))
				require.LessOrEqual(b.t, b.lag.last(job.Insert), int64(0), "nobody can count texts")
			})
		})
	}
}

func TestTheCursorOutlivesItsSchedulerAndTheStartIDBeginsNothingAnew(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.job.StartID = "1"
		b.table.fill(1, 20)
		_, stop, _ := b.start("first")
		b.pass(2 * time.Second)
		stop()
		require.Equal(b.t, "20", b.store.cursor(job.Insert))
		b.table.fill(21, 30)
		b.pass(time.Hour)
		b.start("second")
		b.pass(2 * time.Second)
		require.Equal(b.t, "0..20 20..30", b.ids(job.Insert))
	})
}

func TestAnEmptyTableClaimsNothing(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.start("p")
		b.pass(time.Minute)
		require.Empty(b.t, b.store.of(job.Insert))
		require.Equal(b.t, "*", b.store.cursor(job.Insert))
		require.Zero(b.t, b.lag.last(job.Insert))
		b.table.fill(1, 1)
		b.pass(time.Second)
		require.Equal(b.t, "..1", b.ids(job.Insert))
	})
}

func TestTheCursorFallsWithTheGreatestKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, cursor, want string
		left               int // rows that stay
	}{
		{"truncated", "", "..50 ..10", 0},
		{"restored", "40", "..50 40..60", 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			run(t, func(b *bed) {
				b.table.fill(1, 50)
				b.start("p")
				b.pass(2 * time.Second)
				b.table.set(func(d *table) { d.versions = d.versions[:c.left] })
				b.pass(2 * time.Second)
				require.Equal(b.t, c.cursor, b.store.cursor(job.Insert))
				require.Equal(b.t, 1, b.log.count("level=WARN"), "once and loudly")
				require.Equal(b.t, 1, b.log.count("the cursor falls back"))
				if c.left == 0 {
					b.table.fill(1, 10)
				} else {
					b.table.fill(41, 60)
				}
				b.pass(2 * time.Second)
				require.Equal(b.t, c.want, b.ids(job.Insert))
			})
		})
	}
}

func TestALateRowIsInALateRange(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.start("p")
		b.table.write(lateCommit, "7") // takes its id now
		b.table.write(0, "8")
		b.pass(time.Second)
		require.Equal(b.t, "..8", b.ids(job.Insert))
		b.pass(lateCommit - 2*time.Second)
		require.Empty(b.t, b.store.of(job.InsertLate), "too early")
		b.pass(10 * time.Second)
		require.Equal(b.t, "..8", b.ids(job.InsertLate))
		late := b.store.of(job.InsertLate)[0]
		require.GreaterOrEqual(b.t, late.at.Sub(b.store.of(job.Insert)[0].at), lateCommit)
		b.pass(10 * time.Minute)
		require.Len(b.t, b.store.of(job.InsertLate), 1)
	})
}

func TestLateRangesOutliveTheLeader(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		_, _, kill := b.start("first")
		b.table.fill(1, 8)
		b.pass(time.Second)
		kill()
		b.start("second")
		b.pass(lateCommit + 10*time.Second)
		require.Equal(b.t, "..8", b.ids(job.InsertLate))
		require.Equal(b.t, "second", b.store.of(job.InsertLate)[0].who)
	})
}

// A batch of late ranges that finds no room leaves the rest owed.
func TestALatePassIsClaimedInPortions(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.job.RangeRows = 10
		b.table.fill(1, 100)
		b.start("p")
		b.pass(2 * time.Second)
		b.store.do(func() { b.store.waiting, b.store.most = 0, 3 })
		b.pass(lateCommit + 10*time.Second)
		require.Equal(b.t, "..10 10..20 20..30", b.ids(job.InsertLate))
		for range 4 {
			b.work()
			b.pass(10 * time.Second)
		}
		require.Equal(b.t, b.ids(job.Insert), b.ids(job.InsertLate))
		require.Zero(b.t, b.store.owed())
	})
}

func TestALongCatchUpReadsTheTableOnce(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.job.RangeRows = 10
		b.job.LateCommit = 5 * time.Second
		b.store.most = 5
		b.table.fill(1, 2000)
		b.table.set(func(d *table) { // sparse, so that each range is cut by rows
			for i := range d.versions {
				d.versions[i].key += "0"
			}
		})
		b.start("p")
		for range 100 {
			b.pass(time.Second)
			b.work()
		}
		require.Equal(b.t, "20000", b.store.cursor(job.Insert))
		claims := b.store.of(job.Insert)
		require.Len(b.t, claims, 200)
		early := 0
		for _, c := range claims {
			if c.at.Sub(claims[0].at) < b.job.LateCommit {
				early++
			}
		}
		require.Less(b.t, early, 35)
		require.LessOrEqual(b.t, len(b.store.of(job.InsertLate)), early+6)
	})
}

func TestSamplesAreBounded(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.start("p")
		for i := range 1000 {
			b.table.fill(i+1, i+1)
			b.pass(time.Second)
			b.work()
		}
		require.LessOrEqual(b.t, b.store.mostOwed, int((lateCommit+10*time.Second)/b.job.Insert.Every)+2)
		require.GreaterOrEqual(b.t, len(b.store.of(job.InsertLate)), 900)
	})
}

// The reply to a claim is lost, but it was done; meanwhile new rows came.
func TestALostReplyMakesNoDoubleAndNoGap(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.job.RangeRows = 4
		b.table.fill(1, 20)
		lost := 0
		b.start("p", func(p *process) {
			p.fate = func(op string) (before, after error) {
				if op != "claim" && op != "late" || lost%2 == 1 && lost > 8 {
					return nil, nil
				}
				lost++
				return nil, errCut
			}
		})
		for i := range 5 {
			b.pass(30 * time.Second)
			b.table.fill(21+i, 21+i)
		}
		b.pass(5 * time.Minute)
		seen := map[string]int{}
		for _, c := range b.store.of(job.Insert) {
			seen[c.ID()]++
		}
		for id, n := range seen {
			require.Equal(b.t, 1, n, id)
		}
		require.Equal(b.t, "25", b.store.cursor(job.Insert))
		require.Zero(b.t, b.store.owed(), "the late passes are not forgotten")
	})
}

func TestACursorThatMovedIsAdopted(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.table.fill(1, 20)
		moved := false
		b.start("p", func(p *process) {
			p.fate = func(op string) (before, after error) {
				if op == "claim" && !moved { // between the reading and the claim
					moved = true
					b.store.do(func() { b.store.cursors[job.Insert] = "15" })
				}
				return nil, nil
			}
		})
		b.pass(10 * time.Second)
		require.Equal(b.t, "15..20", b.ids(job.Insert))
	})
}

func TestHowFarTheInsertScanIsBehind(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.job.StartID = "1"
		b.store.most = 1
		b.table.fill(1, 250)
		b.start("p")
		b.pass(5 * time.Second)
		require.Equal(b.t, int64(150), b.lag.last(job.Insert), "one range of 100 is claimed")
		b.work()
		b.pass(time.Second)
		require.Equal(b.t, int64(50), b.lag.last(job.Insert))
		b.work()
		b.pass(time.Second)
		require.Zero(b.t, b.lag.last(job.Insert))
	})
}

// A target that was reached must not be aimed at again after the greatest key fell and rose.
func TestTheGreatestKeyFallsAndRisesInACatchUp(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.store.most = 1
		b.job.RangeRows = 10
		b.table.fill(1, 50)
		b.start("p")
		for i := range 60 {
			b.table.set(func(d *table) {
				if i%3 == 0 {
					d.versions = d.versions[:45]
				}
			})
			if i%3 == 1 {
				b.table.fill(46, 55)
			}
			b.pass(700 * time.Millisecond)
			b.work()
		}
		b.pass(2 * time.Second)
		require.Equal(b.t, "55", b.store.cursor(job.Insert), fmt.Sprint(b.ids(job.Insert)))
	})
}
