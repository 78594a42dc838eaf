package broker

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestClaimPushesItsRangesAndMovesTheCursor(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		heard := f.hints()
		l := f.lead("s1")
		late := insertRange("", "2000")
		late.Scan = job.InsertLate
		c := claim("", "2000")
		c.Ranges = []job.Range{insertRange("", "1000"), insertRange("1000", "2000")}
		c.Late, c.LateSince = &late, time.UnixMilli(1_700_000_000_000)
		require.NoError(t, l.Claim(t.Context(), c))
		f.want(state{
			"lock":    {"s1"},
			"cursor":  {"insert:db.user=2000"},
			"ranges":  {"insert:db.user:1000..2000", "insert:db.user:..1000"},
			"samples": {"insert-late:db.user:..2000@1700000000000"},
		})
		require.Equal(t, []string{"db.user ranges"}, heard())

		require.NoError(t, l.Claim(t.Context(), claim("2000", "3000")))
		require.Empty(t, heard(), "the list was not empty, so nobody waits for it")

		samples, err := f.Samples(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, []job.Sample{{Range: late, Since: time.UnixMilli(1_700_000_000_000).UTC()}}, samples)
	})
}

func TestClaimWithoutRangesMovesTheCursorAtEveryLimit(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		heard := f.hints()
		l := f.lead("s1")
		full := state{
			"lock": {"s1"}, "cursor": {"insert:db.user=7"},
			"ranges": {"1", "2", "3", "4", "5"}, "callbacks:a": {"1", "2", "3", "4", "5"},
		}
		f.seed(full.and(state{"lock": nil}))
		require.NoError(t, l.Claim(t.Context(), job.Claim{Scan: job.Insert, Shard: shard(), From: point("7"), To: job.KeyPoint("5")}))
		f.want(full.and(state{"cursor": {"insert:db.user=5"}}))
		require.Empty(t, heard())
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
			onEach(t, func(t *testing.T, f *fixture) {
				l := f.lead("s1")
				before := state{"cursor": {"insert:db.user=1000"}}.and(c.held)
				f.seed(before)
				before = f.state()
				err := l.Claim(t.Context(), claim("1000", "2000"))
				require.ErrorContains(t, err, c.want.Error())
				require.IsType(t, c.want, rootCause(err))
				f.want(before)
			})
		})
	}
}

func rootCause(err error) error {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		err = inner.Unwrap()
	}
}

func TestClaimPassesBelowTheLimitsAndAfterAPauseThatEnded(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		l := f.lead("s1")
		f.seed(state{
			"paused":            {"by=eva", "until=@-1m"},
			"ranges":            {"1", "2", "3"},
			"ranges:leased":     {"4@+1m"},
			"callbacks:a":       {"1", "2", "3", "4"},
			"callbacks:parked":  {"5@now", "6@now"}, // waits for a person, holds up nothing
			"callbacks:confirm": nil,
		})
		require.NoError(t, l.Claim(t.Context(), claim("", "10")))
		require.Equal(t, []string{"insert:db.user:..10", "1", "2", "3"}, f.state()["ranges"])
	})
}

func TestClaimNeedsTheLockThatItsLeaderObtained(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		first := f.lead("s1")
		_, err := f.Lead(t.Context(), time.Hour, "s2")
		require.ErrorIs(t, err, job.ErrLost)

		// The first one sleeps past its lock, the second takes over.
		require.NoError(t, f.raw.Del(t.Context(), f.keys.lock()).Err())
		require.ErrorIs(t, first.Claim(t.Context(), claim("", "10")), job.ErrLost)
		f.want(state{})

		second := f.lead("s2")
		require.ErrorIs(t, first.Claim(t.Context(), claim("", "10")), job.ErrLost)
		require.ErrorIs(t, first.ClaimLate(t.Context(), job.Sample{Range: insertRange("", "1")}, nil, nil), job.ErrLost)
		require.ErrorIs(t, first.Refresh(t.Context(), time.Hour), job.ErrLost)
		require.NoError(t, first.Release(t.Context()), "what is lost needs no release")
		f.want(state{"lock": {"s2"}})
		require.NoError(t, second.Claim(t.Context(), claim("", "10")))
	})
}

func TestLockOfAProcessIsNotMistakenForItsFormerOne(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		former := f.lead("s1")
		require.NoError(t, former.Release(t.Context()))
		again := f.lead("s1")
		require.ErrorIs(t, former.Claim(t.Context(), claim("", "10")), job.ErrLost)
		require.NoError(t, again.Claim(t.Context(), claim("", "10")))
	})
}

func TestLockLastsAsLongAsItIsRefreshed(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		l, err := f.Lead(t.Context(), time.Minute, "s1 on host")
		require.NoError(t, err)
		require.InDelta(t, time.Minute, f.raw.PTTL(t.Context(), f.keys.lock()).Val(), float64(30*time.Second))
		require.NoError(t, l.Refresh(t.Context(), 10*time.Minute))
		require.InDelta(t, 10*time.Minute, f.raw.PTTL(t.Context(), f.keys.lock()).Val(), float64(30*time.Second))
		who, err := f.leader(t.Context())
		require.NoError(t, err)
		require.Equal(t, "s1 on host", who)

		require.NoError(t, l.Release(t.Context()))
		who, err = f.leader(t.Context())
		require.NoError(t, err)
		require.Empty(t, who)
	})
}

func TestClaimThatIsRepeatedAfterALostReplyPushesNothingTwice(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		l := f.lead("s1")
		require.NoError(t, l.Claim(t.Context(), claim("", "1000")))
		once := f.state()
		require.NoError(t, l.Claim(t.Context(), claim("", "1000")))
		f.want(once)
	})
}

// Lua's numbers are doubles: these ids would all be one.
func TestCursorsAreTextsAndCompareExactly(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		l := f.lead("s1")
		from := ""
		for _, to := range []string{"9007199254740992", "9007199254740993", "18446744073709551614", "18446744073709551615"} {
			require.NoError(t, l.Claim(t.Context(), claim(from, to)))
			cursor, found, err := f.Cursor(t.Context(), job.Insert, shard())
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, job.KeyPoint(to), cursor)
			from = to
		}
		var moved *job.CursorError
		require.ErrorAs(t, l.Claim(t.Context(), claim("18446744073709551614", "18446744073709551616")), &moved)
		require.Equal(t, "18446744073709551615", moved.Found)
		require.Equal(t, "insert:db.user:18446744073709551614..18446744073709551615", f.state()["ranges"][0])
	})
}

func TestCursorsOfScansAndShardsAreApart(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		l := f.lead("s1")
		_, found, err := f.Cursor(t.Context(), job.Update, shard())
		require.NoError(t, err)
		require.False(t, found)

		zone := time.FixedZone("", 8*3600)
		update := job.Claim{Scan: job.Update, Shard: shard(), To: job.TimePoint(time.Date(2026, 11, 22, 10, 0, 4, 0, zone))}
		require.NoError(t, l.Claim(t.Context(), update))
		require.NoError(t, l.Claim(t.Context(), claim("", "5")))
		require.Equal(t, []string{"insert:db.user=5", "update:db.user=2026-11-22T02:00:04Z"}, f.state()["cursor"])
		cursor, _, err := f.Cursor(t.Context(), job.Update, shard())
		require.NoError(t, err)
		require.Equal(t, update.To.UTC(), cursor)

		// A cursor is an instant: the zone that it was read in does not matter.
		next := job.Claim{Scan: job.Update, Shard: shard(), From: &update.To, To: job.TimePoint(update.To.At.Add(time.Second))}
		require.NoError(t, l.Claim(t.Context(), next))
	})
}

func TestCursorThatIsNoPointIsAnError(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		f.seed(state{"cursor": {"insert:db.user=a b"}})
		_, _, err := f.Cursor(t.Context(), job.Insert, shard())
		require.ErrorContains(t, err, "read the insert cursor of db.user")
		require.NoError(t, f.raw.ZAdd(t.Context(), f.keys.samples(), redis.Z{Member: "nothing"}).Err())
		_, err = f.Samples(t.Context(), 1)
		require.ErrorContains(t, err, "read the samples of db.user")
	})
}

func TestClaimLateTurnsASampleIntoRanges(t *testing.T) {
	t.Parallel()
	lateRange := func(after, upto string) job.Range {
		r := insertRange(after, upto)
		r.Scan = job.InsertLate
		return r
	}
	onEach(t, func(t *testing.T, f *fixture) {
		heard := f.hints()
		l := f.lead("s1")
		f.seed(state{"samples": {"insert-late:db.user:..100@1700000000000", "insert-late:db.user:100..200@1700000001000"}})
		samples, err := f.Samples(t.Context(), 1)
		require.NoError(t, err)
		require.Len(t, samples, 1)

		rest := lateRange("60", "100")
		require.NoError(t, l.ClaimLate(t.Context(), samples[0], []job.Range{lateRange("", "30"), lateRange("30", "60")}, &rest))
		part := state{
			"lock":    {"s1"},
			"samples": {"insert-late:db.user:60..100@1700000000000", "insert-late:db.user:100..200@1700000001000"},
			"ranges":  {"insert-late:db.user:30..60", "insert-late:db.user:..30"},
		}
		f.want(part)
		require.Equal(t, []string{"db.user ranges"}, heard())

		require.NoError(t, l.ClaimLate(t.Context(), samples[0], []job.Range{lateRange("", "30")}, nil), "repeated after a lost reply")
		f.want(part)
		require.Empty(t, heard())

		require.NoError(t, l.ClaimLate(t.Context(), job.Sample{Range: rest}, []job.Range{rest}, nil))
		f.want(part.and(state{
			"samples": {"insert-late:db.user:100..200@1700000001000"},
			"ranges":  {"insert-late:db.user:60..100", "insert-late:db.user:30..60", "insert-late:db.user:..30"},
		}))
	})
}

func TestClaimLateIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		l := f.lead("s1")
		sample := insertRange("", "100")
		sample.Scan = job.InsertLate
		f.seed(state{"samples": {sample.ID() + "@5"}, "paused": {"by=eva"}})
		before := f.state()
		require.ErrorIs(t, l.ClaimLate(t.Context(), job.Sample{Range: sample}, []job.Range{sample}, nil), job.ErrPaused)
		f.want(before)

		require.NoError(t, f.raw.Del(t.Context(), f.keys.paused()).Err())
		f.seed(state{"ranges": {"1"}, "ranges:leased": {"2@now", "3@now"}, "ranges:retry": {"4@now", "5@now"}})
		before = f.state()
		var full *job.LimitError
		require.ErrorAs(t, l.ClaimLate(t.Context(), job.Sample{Range: sample}, []job.Range{sample}, nil), &full)
		require.Equal(t, &job.LimitError{What: "ranges", Have: 5}, full)
		f.want(before)

		require.NoError(t, l.ClaimLate(t.Context(), job.Sample{Range: sample}, nil, &sample), "nothing to push and all of it left")
		f.want(before)
	})
}

func TestRoomIsWhatTheLimitLeaves(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		room := func() int {
			n, err := f.Room(t.Context())
			require.NoError(t, err)
			return n
		}
		require.Equal(t, 5, room())
		f.seed(state{"ranges": {"1"}, "ranges:leased": {"2@now"}, "ranges:retry": {"3@now"}})
		require.Equal(t, 2, room())
		f.seed(state{"ranges": {"4", "5", "6", "7"}})
		require.Zero(t, room())
	})
}
