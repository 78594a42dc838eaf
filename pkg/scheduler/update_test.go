package scheduler_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestAnUpdateScanBeginsAWindowAgoAndEndsBeforeTheOpenUnit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		unit time.Duration
		want string
	}{
		{time.Second, "2026-11-22T09:59:39Z..2026-11-22T09:59:59Z"},
		{time.Millisecond, "2026-11-22T09:59:40.249Z..2026-11-22T10:00:00.249Z"},
		{time.Microsecond, "2026-11-22T09:59:40.249999Z..2026-11-22T10:00:00.249999Z"},
	} {
		t.Run(c.unit.String(), func(t *testing.T) {
			t.Parallel()
			run(t, func(b *bed) {
				b.updatesOnly()
				b.table.unit = c.unit
				b.table.skew -= 10 * time.Second
				b.table.fill(1, 5)
				b.table.skew += 10*time.Second + 250*time.Millisecond
				_, stop, _ := b.start("p")
				b.pass(100 * time.Millisecond)
				stop()
				require.Equal(b.t, c.want, b.ids(job.Update))
			})
		})
	}
}

func TestAnUpdateScanWithoutAWindowBeginsNow(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.updatesOnly()
		b.job.Update.Window = 0
		b.start("p")
		b.pass(5 * time.Second)
		require.NotEqual(b.t, "*", b.store.cursor(job.Update))
		b.table.fill(1, 1)
		b.pass(2 * time.Second)
		require.Len(b.t, b.store.of(job.Update), 1)
	})
}

func TestAStopOfAnHourIsScanned(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.updatesOnly()
		b.table.fill(1, 5)
		_, stop, _ := b.start("first")
		b.pass(3 * time.Second)
		stop()
		before := b.store.cursor(job.Update)
		b.table.fill(6, 9)
		b.pass(time.Hour)
		b.start("second")
		b.pass(time.Second / 2)
		claims := b.store.of(job.Update)
		require.Equal(b.t, before, claims[len(claims)-1].After.String())
		require.Equal(b.t, "2026-11-22T11:00:02Z", claims[len(claims)-1].UpTo.String())
		require.Equal(b.t, "2026-11-22T11:00:02Z", b.store.cursor(job.Update))
		// Only what is not settled needs a second look.
		b.pass(2 * lateCommit)
		late := b.store.of(job.UpdateLate)
		require.Equal(b.t, "2026-11-22T10:59:02Z..2026-11-22T11:00:02Z", strings.TrimPrefix(late[len(late)-1].ID(), "update-late:db.user:"))
	})
}

func TestAnIdleTableClaimsNothingAndItsCursorStaysBehind(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.updatesOnly()
		b.start("p")
		for range 600 {
			b.pass(time.Second)
			cursor, err := job.ParsePoint(b.store.cursor(job.Update))
			require.NoError(b.t, err)
			require.LessOrEqual(b.t, b.table.clock().Sub(cursor.At), 2*lateCommit+3*time.Second)
			if since := b.table.clock().Sub(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)); since > lateCommit {
				require.GreaterOrEqual(b.t, b.table.clock().Sub(cursor.At), lateCommit)
			}
		}
		require.Empty(b.t, b.store.of(job.Update))
		require.Empty(b.t, b.store.of(job.UpdateLate))
		require.Zero(b.t, b.store.owed())
		require.Zero(b.t, b.lag.last(job.Update))
	})
}

func TestOneBulkSecondIsShared(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.updatesOnly()
		b.store.most = 4
		keys := make([]string, 1000)
		for i := range keys {
			keys[i] = strconv.Itoa(i + 1)
		}
		b.table.write(0, keys...)
		b.start("p")
		for range 20 {
			b.pass(time.Second / 2)
			b.work()
		}
		claims := b.store.of(job.Update)
		sum := 0
		for _, c := range claims {
			n := 0
			for _, v := range b.table.versions {
				if b.table.within(v, c.After, c.UpTo) {
					n++
				}
			}
			require.LessOrEqual(b.t, n, 100)
			sum += n
		}
		require.Equal(b.t, 1000, sum)
		require.Equal(b.t, "2026-11-22T10:00:00Z/100", claims[0].UpTo.String())
		require.Equal(b.t, "2026-11-22T10:00:00Z/100", claims[1].After.String())
		require.Zero(b.t, b.lag.last(job.Update))
	})
}

// The rest of a second is claimed though the clock has not moved on meanwhile.
func TestTheRestOfASecondNeedNotWaitForTheNext(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.updatesOnly()
		b.job.Update.Every = 100 * time.Millisecond
		b.job.RangeRows = 1
		b.store.most = 1
		b.table.fill(1, 3)
		b.pass(time.Second)
		b.start("p")
		for range 9 {
			b.pass(100 * time.Millisecond)
			b.work()
		}
		require.Len(b.t, b.store.of(job.Update), 3)
		require.Equal(b.t, "2026-11-22T10:00:00Z/3", b.store.cursor(job.Update))
	})
}

func TestTheDatabasesClockIsSetBack(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.updatesOnly()
		b.table.fill(1, 5)
		b.start("p")
		b.pass(10*time.Second + 300*time.Millisecond)
		b.table.fill(6, 6)
		b.pass(2 * time.Second)
		b.table.set(func(d *table) { d.skew -= time.Hour })
		b.table.fill(7, 7) // written before anybody has noticed
		b.pass(5 * time.Second)
		require.Equal(b.t, 1, b.log.count("the cursor falls back"))
		b.table.fill(8, 8)
		b.pass(5 * time.Second)
		for _, v := range b.table.versions[6:] {
			in := false
			for _, c := range b.store.of(job.Update) {
				in = in || !c.at.Before(v.from) && b.table.within(v, c.After, c.UpTo)
			}
			require.True(b.t, in, v.key)
		}
		require.Equal(b.t, 1, b.log.count("level=WARN"))
	})
}

func TestASmallStepBackOfTheClockIsNoAlarm(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.updatesOnly()
		b.start("p")
		for i := range 100 {
			b.table.fill(i+1, i+1)
			b.pass(time.Second)
			b.work()
			if i == 50 {
				b.table.set(func(d *table) { d.skew -= 1500 * time.Millisecond })
			}
		}
		require.Zero(b.t, b.log.count("level=WARN"))
	})
}

// The cursor of an idle table stands where no late pass is owed. A clock that is set back to just before it
// gives times that the scan has passed.
func TestWhatIsWrittenAfterASmallStepBackIsSeen(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.updatesOnly()
		b.start("p")
		b.pass(10*lateCommit + 300*time.Millisecond)
		cursor, err := job.ParsePoint(b.store.cursor(job.Update))
		require.NoError(b.t, err)
		b.table.set(func(d *table) { d.skew -= d.clock().Sub(cursor.At.Add(100 * time.Millisecond)) })
		b.table.fill(1, 1)
		b.pass(2 * time.Second)
		b.table.fill(2, 2)
		b.pass(3 * lateCommit)
		for _, v := range b.table.versions {
			seen := slices.ContainsFunc(slices.Concat(b.store.of(job.Update), b.store.of(job.UpdateLate)), func(c claimed) bool {
				return !c.at.Before(v.from) && b.table.within(v, c.After, c.UpTo)
			})
			require.True(b.t, seen, v.key)
		}
		require.Zero(b.t, b.log.count("level=WARN"))
		require.Zero(b.t, b.store.owed())
	})
}

func TestRangesCarryTheOffsetOfTheWallClockAndCursorsAreUTC(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.updatesOnly()
		zone, err := time.LoadLocation("Asia/Shanghai")
		require.NoError(b.t, err)
		b.table.zone = zone
		b.table.fill(1, 5)
		b.start("p")
		b.pass(2500 * time.Millisecond)
		require.Equal(b.t, "2026-11-22T17:59:39+08:00..2026-11-22T18:00:00+08:00", b.ids(job.Update))
		require.Equal(b.t, "2026-11-22T10:00:00Z", b.store.cursor(job.Update))
		b.pass(lateCommit + 10*time.Second)
		require.True(b.t, strings.HasSuffix(b.ids(job.UpdateLate), "..2026-11-22T18:00:00+08:00"), b.ids(job.UpdateLate))
	})
}

func TestTheLatePassOfUpdatesWaitsForTheLongerOfLateCommitAndWindow(t *testing.T) {
	t.Parallel()
	for _, window := range []time.Duration{20 * time.Second, 5 * time.Minute} {
		t.Run(window.String(), func(t *testing.T) {
			t.Parallel()
			run(t, func(b *bed) {
				b.job.Update = job.UpdateScan{Enabled: true, Every: time.Second, Window: window}
				b.start("p")
				for i := range 400 { // samples of both scans do not hold each other up
					b.table.fill(i+1, i+1)
					b.pass(time.Second)
					b.work()
				}
				b.pass(window + lateCommit + 20*time.Second)
				delay := max(lateCommit, window)
				late := b.store.of(job.UpdateLate)
				require.NotEmpty(b.t, late)
				for _, c := range late {
					over := c.UpTo.At.Add(-b.table.skew).Add(time.Second)
					require.GreaterOrEqual(b.t, c.at.Sub(over), delay, c.ID())
					require.Less(b.t, c.at.Sub(over), delay+15*time.Second, c.ID())
				}
				first := b.store.of(job.InsertLate)[0]
				require.Less(b.t, first.at.Sub(b.store.of(job.Insert)[0].at), lateCommit+10*time.Second)
				require.Zero(b.t, b.store.owed())
			})
		})
	}
}

// 02:00 becomes 01:00 while rows are written each second.
func TestAnHourThatTheWallClockRepeats(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.updatesOnly()
		zone, err := time.LoadLocation("America/New_York")
		require.NoError(b.t, err)
		b.table.zone = zone
		b.table.skew = time.Until(time.Date(2026, 11, 1, 5, 59, 50, 0, time.UTC))
		b.start("p")
		for i := range 20 {
			b.table.fill(i+1, i+1)
			b.pass(time.Second)
			b.work()
		}
		b.pass(3 * time.Second)
		for _, v := range b.table.versions {
			in := false
			for _, c := range b.store.of(job.Update) {
				_, first := c.After.At.Zone()
				_, last := c.UpTo.At.Zone()
				require.Equal(b.t, first, last)
				in = in || !c.at.Before(v.from) && b.table.within(v, c.After, c.UpTo)
			}
			require.True(b.t, in, "row %s written at %s", v.key, v.wall)
		}
		require.Contains(b.t, b.ids(job.Update), "-04:00")
		require.Contains(b.t, b.ids(job.Update), "-05:00")
	})
}

func TestHowFarTheUpdateScanIsBehind(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.updatesOnly()
		b.table.fill(1, 1)
		b.start("p")
		b.pass(5 * time.Second)
		require.Zero(b.t, b.lag.last(job.Update))
		b.store.do(func() { b.store.paused = true })
		b.pass(5 * time.Minute)
		b.table.fill(2, 2)
		b.pass(2 * time.Second)
		require.Greater(b.t, b.lag.last(job.Update), int64(60), "nothing was claimed since; quiet time was passed")
		b.store.do(func() { b.store.paused = false })
		b.pass(2 * time.Second)
		require.Zero(b.t, b.lag.last(job.Update), "quiet time before a row is no arrears")
	})
}

// A queue that comes back empty knows no cursor: the leader does.
func TestAQueueThatLostItsDataCostsNoStretchOfTime(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.updatesOnly()
		p, _, _ := b.start("p")
		b.pass(5 * time.Minute)
		last, err := job.ParsePoint(b.store.cursor(job.Update))
		require.NoError(b.t, err)
		b.table.fill(1, 1)
		p.sever(true)
		b.pass(30 * time.Minute)
		b.store.do(func() {
			b.store.lock, b.store.cursors, b.store.samples = 0, map[job.Scan]string{}, map[string]time.Time{}
		})
		p.sever(false)
		b.pass(time.Minute)
		found := b.store.of(job.Update)
		require.NotEmpty(b.t, found)
		require.Equal(b.t, last.At.Add(-lateCommit), found[0].After.At, "what was owed to the late pass was lost too")
		require.Equal(b.t, 2, b.log.count("it begins at its start"))
	})
}
