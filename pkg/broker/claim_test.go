package broker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestClaimPushesItsRangesAndMovesTheCursor(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		heard := f.hints()
		l := f.lead("s1")
		late := insertRange("", "2000")
		late.Scan = job.InsertLate
		c := claim("", "2000")
		c.Ranges = []job.Range{insertRange("", "1000"), insertRange("1000", "2000")}
		c.Late, c.LateSince = &late, time.UnixMilli(1_700_000_000_000)
		require.NoError(f, l.Claim(f.Context(), c))
		f.want(state{
			"lock":    {"s1"},
			"cursor":  {"insert:db.user=2000"},
			"ranges":  {"insert:db.user:1000..2000", "insert:db.user:..1000"},
			"samples": {"insert-late:db.user:..2000@1700000000000"},

			"range:insert:db.user:..1000": {"since=@now"}, "range:insert:db.user:1000..2000": {"since=@now"},
		})
		require.Equal(f, []string{"db.user ranges"}, heard())

		require.NoError(f, l.Claim(f.Context(), claim("2000", "3000")))
		require.Empty(f, heard(), "the list was not empty, so nobody waits for it")

		samples, err := f.Samples(f.Context(), 10)
		require.NoError(f, err)
		require.Equal(f, []job.Sample{{Range: late, Since: time.UnixMilli(1_700_000_000_000).UTC()}}, samples)
	})
}

func TestClaimWithoutRangesMovesTheCursorAtEveryLimit(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		heard := f.hints()
		l := f.lead("s1")
		full := state{
			"lock": {"s1"}, "cursor": {"insert:db.user=7"},
			"ranges": {"1", "2", "3", "4", "5"}, "callbacks:a": {"1", "2", "3", "4", "5"},
		}
		f.seed(full.and(state{"lock": nil}))
		require.NoError(f, l.Claim(f.Context(), job.Claim{Scan: job.Insert, Shard: shard(), From: point("7"), To: job.KeyPoint("5")}))
		f.want(full.and(state{"cursor": {"insert:db.user=5"}}))
		require.Empty(f, heard())
	})
}

func TestClaimIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		held state
		want error
	}{
		"cursor moved":            {state{"cursor": {"insert:db.user=1500"}}, &job.CursorError{Found: "1500"}},
		"cursor gone":             {state{"cursor": nil}, &job.CursorError{Found: "*"}},
		"paused":                  {state{"paused": {"by=eva", "why=move"}}, job.ErrPaused},
		"paused until later":      {state{"paused": {"by=eva", "until=@+5m"}}, job.ErrPaused},
		"ranges at their limit":   {state{"ranges": {"1", "2"}, "ranges:leased": {"3@+1m", "4@+1m"}, "ranges:retry": {"5@+1m"}}, &job.LimitError{What: "ranges", Have: 5}},
		"callbacks at the limit":  {state{"callbacks:confirm": {"1@now"}, "callbacks:verify": {"2@now"}, "callbacks:slow": {"3@now"}, "callbacks:leased": {"4@now"}, "callbacks:b": {"5"}}, &job.LimitError{What: "callbacks", Have: 5}},
		"callbacks in other sets": {state{"callbacks:retry": {"1@now", "2@now", "3@now", "4@now"}, "callbacks:a": {"5", "6"}}, &job.LimitError{What: "callbacks", Have: 6}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(f *fixture) {
				l := f.lead("s1")
				before := state{"cursor": {"insert:db.user=1000"}}.and(c.held)
				f.seed(before)
				before = f.state()
				err := l.Claim(f.Context(), claim("1000", "2000"))
				kind := func(err error) string { return fmt.Sprintf("%T: %[1]v", err) }
				require.Equal(f, kind(c.want), kind(errors.Unwrap(err)))
				f.want(before)
			})
		})
	}
}

func TestClaimPassesBelowTheLimitsAndAfterAPauseThatEnded(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		l := f.lead("s1")
		f.seed(state{
			"paused":           {"by=eva", "until=@-1m"},
			"ranges":           {"1", "2", "3"},
			"ranges:leased":    {"4@+1m"},
			"callbacks:a":      {"1", "2", "3", "4"},
			"callbacks:parked": {"5@now", "6@now"}, // waits for a person, holds up nothing
		})
		require.NoError(f, l.Claim(f.Context(), claim("", "10")))
		require.Equal(f, []string{"insert:db.user:..10", "1", "2", "3"}, f.state()["ranges"])
	})
}

func TestClaimNeedsTheLockThatItsLeaderObtained(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		first := f.lead("s1")
		_, err := f.Lead(f.Context(), time.Hour, "s2")
		require.ErrorIs(f, err, job.ErrLost)

		// The first one sleeps past its lock, the second takes over.
		require.NoError(f, f.raw.Del(f.Context(), f.keys.lock()).Err())
		require.ErrorIs(f, first.Claim(f.Context(), claim("", "10")), job.ErrLost)
		f.want(state{})

		second := f.lead("s2")
		require.ErrorIs(f, first.Claim(f.Context(), claim("", "10")), job.ErrLost)
		require.ErrorIs(f, first.ClaimLate(f.Context(), job.Sample{Range: insertRange("", "1")}, nil, nil), job.ErrLost)
		require.ErrorIs(f, first.Refresh(f.Context(), time.Hour), job.ErrLost)
		require.NoError(f, first.Release(f.Context()), "what is lost needs no release")
		f.want(state{"lock": {"s2"}})
		require.NoError(f, second.Claim(f.Context(), claim("", "10")))
	})
}

func TestLockOfAProcessIsNotMistakenForItsFormerOne(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		former := f.lead("s1")
		require.NoError(f, former.Release(f.Context()))
		again := f.lead("s1")
		require.ErrorIs(f, former.Claim(f.Context(), claim("", "10")), job.ErrLost)
		require.NoError(f, again.Claim(f.Context(), claim("", "10")))
	})
}

func TestLockLastsAsLongAsItIsRefreshed(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		l, err := f.Lead(f.Context(), time.Minute, "s1 on host")
		require.NoError(f, err)
		require.InDelta(f, time.Minute, f.raw.PTTL(f.Context(), f.keys.lock()).Val(), float64(30*time.Second))
		require.NoError(f, l.Refresh(f.Context(), 10*time.Minute))
		require.InDelta(f, 10*time.Minute, f.raw.PTTL(f.Context(), f.keys.lock()).Val(), float64(30*time.Second))
		who, err := f.leader(f.Context())
		require.NoError(f, err)
		require.Equal(f, "s1 on host", who)

		require.NoError(f, l.Release(f.Context()))
		who, err = f.leader(f.Context())
		require.NoError(f, err)
		require.Empty(f, who)
	})
}

func TestClaimThatIsRepeatedAfterALostReplyPushesNothingTwice(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		l := f.lead("s1")
		require.NoError(f, l.Claim(f.Context(), claim("", "1000")))
		once := f.state()
		require.NoError(f, l.Claim(f.Context(), claim("", "1000")))
		f.want(once)
	})
}

// Lua's numbers are doubles: these ids would all be one.
func TestCursorsAreTextsAndCompareExactly(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		l := f.lead("s1")
		from := ""
		for _, to := range []string{"9007199254740992", "9007199254740993", "18446744073709551614", "18446744073709551615"} {
			require.NoError(f, l.Claim(f.Context(), claim(from, to)))
			cursor, found, err := f.Cursor(f.Context(), job.Insert, shard())
			require.NoError(f, err)
			require.True(f, found)
			require.Equal(f, job.KeyPoint(to), cursor)
			from = to
		}
		var moved *job.CursorError
		require.ErrorAs(f, l.Claim(f.Context(), claim("18446744073709551614", "18446744073709551616")), &moved)
		require.Equal(f, "18446744073709551615", moved.Found)
		require.Equal(f, "insert:db.user:18446744073709551614..18446744073709551615", f.state()["ranges"][0])
	})
}

func TestCursorsOfScansAndShardsAreApart(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		l := f.lead("s1")
		_, found, err := f.Cursor(f.Context(), job.Update, shard())
		require.NoError(f, err)
		require.False(f, found)

		zone := time.FixedZone("", 8*3600)
		update := job.Claim{Scan: job.Update, Shard: shard(), To: job.TimePoint(time.Date(2026, 11, 22, 10, 0, 4, 0, zone))}
		require.NoError(f, l.Claim(f.Context(), update))
		require.NoError(f, l.Claim(f.Context(), claim("", "5")))
		require.Equal(f, []string{"insert:db.user=5", "update:db.user=2026-11-22T02:00:04Z"}, f.state()["cursor"])
		cursor, _, err := f.Cursor(f.Context(), job.Update, shard())
		require.NoError(f, err)
		require.Equal(f, update.To.UTC(), cursor)

		// A cursor is an instant: the zone that it was read in does not matter.
		next := job.Claim{Scan: job.Update, Shard: shard(), From: &update.To, To: job.TimePoint(update.To.At.Add(time.Second))}
		require.NoError(f, l.Claim(f.Context(), next))
	})
}

func TestCursorThatIsNoPointIsAnError(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(state{"cursor": {"insert:db.user=a b"}})
		_, _, err := f.Cursor(f.Context(), job.Insert, shard())
		require.ErrorContains(f, err, "read the insert cursor of db.user")
		require.NoError(f, f.raw.ZAdd(f.Context(), f.keys.samples(), redis.Z{Member: "nothing"}).Err())
		_, err = f.Samples(f.Context(), 1)
		require.ErrorContains(f, err, "read the samples of db.user")
		late := insertRange("1", "2")
		late.Scan = job.InsertLate
		require.NoError(f, f.raw.ZAdd(f.Context(), f.keys.samples(), redis.Z{Member: late.ID()}).Err())
		samples, err := f.Samples(f.Context(), 5)
		require.NoError(f, err)
		require.Equal(f, []job.Sample{{Range: late, Since: time.UnixMilli(0).UTC()}}, samples, "one that cannot be read holds up no other")
	})
}

func TestClaimLateTurnsASampleIntoRanges(t *testing.T) {
	t.Parallel()
	lateRange := func(after, upto string) job.Range {
		r := insertRange(after, upto)
		r.Scan = job.InsertLate
		return r
	}
	onEach(t, func(f *fixture) {
		heard := f.hints()
		l := f.lead("s1")
		f.seed(state{"samples": {"insert-late:db.user:..100@1700000000000", "insert-late:db.user:100..200@1700000001000"}})
		samples, err := f.Samples(f.Context(), 1)
		require.NoError(f, err)
		require.Len(f, samples, 1)

		rest := lateRange("60", "100")
		require.NoError(f, l.ClaimLate(f.Context(), samples[0], []job.Range{lateRange("", "30"), lateRange("30", "60")}, &rest))
		part := state{
			"lock":    {"s1"},
			"samples": {"insert-late:db.user:60..100@1700000000000", "insert-late:db.user:100..200@1700000001000"},
			"ranges":  {"insert-late:db.user:30..60", "insert-late:db.user:..30"},

			"range:insert-late:db.user:..30": {"since=@now"}, "range:insert-late:db.user:30..60": {"since=@now"},
		}
		f.want(part)
		require.Equal(f, []string{"db.user ranges"}, heard())

		require.NoError(f, l.ClaimLate(f.Context(), samples[0], []job.Range{lateRange("", "30")}, nil), "repeated after a lost reply")
		f.want(part)
		require.Empty(f, heard())

		require.NoError(f, l.ClaimLate(f.Context(), job.Sample{Range: rest}, []job.Range{rest}, nil))
		f.want(part.and(state{
			"samples": {"insert-late:db.user:100..200@1700000001000"},
			"ranges":  {"insert-late:db.user:60..100", "insert-late:db.user:30..60", "insert-late:db.user:..30"},

			"range:insert-late:db.user:60..100": {"since=@now"},
		}))
	})
}

func TestClaimLateIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		l := f.lead("s1")
		sample := insertRange("", "100")
		sample.Scan = job.InsertLate
		f.seed(state{"samples": {sample.ID() + "@5"}, "paused": {"by=eva"}})
		before := f.state()
		require.ErrorIs(f, l.ClaimLate(f.Context(), job.Sample{Range: sample}, []job.Range{sample}, nil), job.ErrPaused)
		f.want(before)

		require.NoError(f, f.raw.Del(f.Context(), f.keys.paused()).Err())
		f.seed(state{"ranges": {"1"}, "ranges:leased": {"2@now", "3@now"}, "ranges:retry": {"4@now", "5@now"}})
		before = f.state()
		var full *job.LimitError
		require.ErrorAs(f, l.ClaimLate(f.Context(), job.Sample{Range: sample}, []job.Range{sample}, nil), &full)
		require.Equal(f, &job.LimitError{What: "ranges", Have: 5}, full)
		f.want(before)

		require.NoError(f, l.ClaimLate(f.Context(), job.Sample{Range: sample}, nil, &sample), "nothing to push and all of it left")
		f.want(before)
	})
}

func TestRoomIsWhatTheLimitLeaves(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		room := func() int {
			n, err := f.Room(f.Context())
			require.NoError(f, err)
			return n
		}
		require.Equal(f, 5, room())
		f.seed(state{"ranges": {"1"}, "ranges:leased": {"2@now"}, "ranges:retry": {"3@now"}})
		require.Equal(f, 2, room())
		f.seed(state{"ranges": {"4", "5", "6", "7"}})
		require.Zero(f, room())
	})
}

// What made a cursor fall back may not be seen any more when the hold is over.
func TestACursorMayMoveWhileTheJobIsHeld(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		l := f.lead("s1")
		f.seed(state{"cursor": {"insert:db.user=1000"}, "paused": {"by=eva"}})
		require.NoError(f, l.Claim(f.Context(), job.Claim{Scan: job.Insert, Shard: shard(), From: point("1000"), To: job.KeyPoint("7")}))
		require.Equal(f, []string{"insert:db.user=7"}, f.state()["cursor"])
		require.Empty(f, f.state()["ranges"])
	})
}
