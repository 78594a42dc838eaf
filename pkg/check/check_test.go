package check

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/masixun71/cupid-go/pkg/job"
)

var strategies = []Strategy{RangeChecksum, KeyedBuckets, Rows}

// damaged is a copy of rows with random damage: lost rows, other values, values
// that changed places, the same change in rows side by side, rows too many.
func damaged(t *rapid.T, rows []row) []row {
	share := rapid.SampledFrom([]float64{0, 0.001, 0.05, 0.5, 1}).Draw(t, "damaged share")
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "damage"), 0))
	var copied []row
	for i, r := range rows {
		if random.Float64() >= share {
			copied = append(copied, r)
			continue
		}
		switch random.IntN(5) {
		case 0: // lost
		case 1:
			r.value += "!"
			copied = append(copied, r)
		case 2:
			j := random.IntN(i + 1)
			r.value = rows[j].value
			if j < len(copied) {
				copied[j].value = rows[i].value
			}
			copied = append(copied, r)
		case 3:
			r.value = "same"
			if len(copied) > 0 {
				copied[len(copied)-1].value = "same"
			}
			copied = append(copied, r)
		case 4: // one too many behind it, if there is a hole
			copied = append(copied, r)
			next := new(big.Int).Add(r.place, one)
			if (i+1 == len(rows) || rows[i+1].place.Cmp(next) != 0) && next.BitLen() < 64 {
				copied = append(copied, aligned([]row{{key: []byte(next.String()), value: "extra"}})...)
			}
		}
	}
	return copied
}

// truth is what a comparison must say, found the simple way.
func truth(rows, copied []row) map[string]string {
	values := map[string]string{}
	for _, r := range copied {
		values[string(r.key)] = r.value
	}
	want := map[string]string{}
	for _, r := range rows {
		if value, ok := values[string(r.key)]; !ok {
			want[string(r.key)] = "missing"
		} else if value != r.value {
			want[string(r.key)] = "different value"
		}
		delete(values, string(r.key))
	}
	for key := range values {
		want[key] = "extra"
	}
	return want
}

// requireSame shows only where the findings are wrong.
func requireSame(t require.TestingT, want, found map[string]string) {
	wrong := map[string]string{}
	for key, w := range want {
		if found[key] != w {
			wrong[key] = "want " + w + ", found " + found[key]
		}
	}
	for key, f := range found {
		if want[key] == "" {
			wrong[key] = "want nothing, found " + f
		}
	}
	require.Empty(t, wrong)
}

// scattered are keys with holes of every width, on both sides of zero or up to
// the greatest of 64 bits.
func scattered(t *rapid.T) []row {
	at := rapid.SampledFrom([]string{"-9223372036854775808", "-300", "0", "1000000", "9223372036854775000", "18446744073709000000"}).Draw(t, "first")
	holes := rapid.SampledFrom([]int64{1, 2, 1000, 1 << 40}).Draw(t, "holes")
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	key, _ := new(big.Int).SetString(at, 10)
	most, _ := new(big.Int).SetString("18446744073709551615", 10)
	if key.Sign() < 0 {
		most.SetInt64(1<<63 - 1)
	}
	var rows []row
	for range rapid.IntRange(0, 1000).Draw(t, "rows") {
		if key.Cmp(most) > 0 {
			break
		}
		rows = append(rows, row{key: []byte(key.String()), value: strconv.Itoa(random.IntN(50))})
		step := int64(1)
		if random.IntN(20) == 0 {
			step += random.Int64N(holes)
		}
		key = new(big.Int).Add(key, big.NewInt(step))
	}
	return aligned(rows)
}

func TestEveryStrategyFindsExactlyTheDamage(t *testing.T) {
	t.Parallel()
	for _, strategy := range strategies {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				rows := scattered(t)
				copied := damaged(t, rows)
				want := truth(rows, copied)
				if strategy != RangeChecksum { // each side in an order of its own
					for i := range copied {
						copied[i].place = big.NewInt(int64(i * 7919 % 10007))
					}
				}
				source, target := newMemory(rows), newMemory(copied)
				source.mute = rapid.Bool().Draw(t, "no guesses")
				result, found := run(t, strategy, source, target, nil)
				requireSame(t, want, found)
				require.EqualValues(t, len(want), result.Differences())
				require.EqualValues(t, len(rows), result.SourceRows)
				require.EqualValues(t, len(copied), result.DestinationRows)
				require.Equal(t, Whole, result.Bound)
			})
		})
	}
}

// TestKeysFromEndToEnd: the keys of a few rows may be wider apart than 64 bits.
func TestKeysFromEndToEnd(t *testing.T) {
	t.Parallel()
	keys := []string{"-9223372036854775808", "-2", "-1", "0", "1", "9223372036854775807", "9223372036854775808", "18446744073709551614", "18446744073709551615"}
	rapid.Check(t, func(t *rapid.T) {
		side := func(name string) []row {
			var rows []row
			for _, key := range keys {
				if n := rapid.IntRange(0, 3).Draw(t, name+" "+key); n > 0 {
					rows = append(rows, row{key: []byte(key), value: strconv.Itoa(n / 2)})
				}
			}
			return aligned(rows)
		}
		rows, copied := side("source"), side("destination")
		_, found := run(t, RangeChecksum, newMemory(rows), newMemory(copied), nil)
		requireSame(t, truth(rows, copied), found)
	})
}

func TestTablesThatAreEqualAreOnlyFolded(t *testing.T) {
	t.Parallel()
	for _, strategy := range []Strategy{RangeChecksum, KeyedBuckets} {
		source, target := newMemory(numbered(t, 5000)), newMemory(numbered(t, 5000))
		result, _ := run(t, strategy, source, target, nil)
		require.Zero(t, result.Differences())
		require.EqualValues(t, 5000, result.Compared())
		for _, side := range []*memory{source, target} {
			require.Zero(t, side.counted()["list"]+side.counted()["marks"], "nothing differs, nothing is listed")
			require.Zero(t, side.counted()["lookup"])
		}
	}
}

// However many rows differ, a comparison reads each about once, and rows that are
// side by side and equal only as a fold.
func TestDifferencesCostOneMarkOfEachRowNearThem(t *testing.T) {
	t.Parallel()
	const rows = 20_000
	for name, c := range map[string]struct {
		differs func(i int) bool
		most    int // rows marked
	}{
		"one":          {func(i int) bool { return i == rows/2 }, 2 * small.ranges.most},
		"side by side": {func(i int) bool { return i >= rows/2 && i < rows/2+1000 }, 1000 + 4*small.ranges.most},
		"some":         {func(i int) bool { return i%10 == 0 }, rows},
		"a third":      {func(i int) bool { return i%3 == 0 }, rows},
		"all":          {func(int) bool { return true }, rows},
	} {
		source, target := newMemory(numbered(t, rows)), newMemory(numbered(t, rows))
		want := 0
		for i := range target.rows {
			if c.differs(i) {
				target.rows[i].value = "other"
				want++
			}
		}
		result, found := run(t, RangeChecksum, source, target, func(o *Options) { o.Parallel = 1 })
		require.Equal(t, want, len(found), name) //nolint:testifylint // Len would print them all
		require.EqualValues(t, want, result.Found[Different], name)
		require.LessOrEqual(t, source.counted()["marked"], c.most, name)
		require.LessOrEqual(t, source.counted()["fold"]+source.counted()["marks"], rows/small.ranges.least+10, name)
	}
}

func TestHolesCostAQuery(t *testing.T) {
	t.Parallel()
	rows := numbered(t, 1000)
	for i := 500; i < 1000; i++ { // a hole of 3e11, then ids far apart
		rows[i].key = []byte(strconv.Itoa(300_000_000_000 + i*1_000_003))
	}
	rows = aligned(rows)
	source, target := newMemory(rows), newMemory(rows[:len(rows)-1])
	_, found := run(t, RangeChecksum, source, target, nil)
	require.Equal(t, map[string]string{string(rows[999].key): "missing"}, found)
	require.Less(t, source.counted()["fold"]+source.counted()["marks"], 60)
	require.Less(t, source.counted()["step"], 60)
}

func TestADestinationInAHoleOfTheSourceIsCutToo(t *testing.T) {
	t.Parallel()
	source := numbered(t, 2)
	source[1].key = []byte("1000000000")
	target := slices.Concat(numbered(t, 3000), source[1:])
	for i := 1; i < 3000; i++ {
		target[i].key = []byte(strconv.Itoa(i * 1000))
	}
	_, found := run(t, RangeChecksum, newMemory(aligned(source)), newMemory(aligned(target)), nil)
	require.Len(t, found, 2999)
}

func TestSeveralRowsOfAKeyAreTold(t *testing.T) {
	t.Parallel()
	for _, strategy := range []Strategy{KeyedBuckets, Rows} {
		rows := numbered(t, 900)
		twin := rows[500]
		twin.place, twin.value = big.NewInt(100_000), "twin"
		for name, sides := range map[string][2][]row{
			"source":      {slices.Concat(rows, []row{twin}), rows},
			"destination": {rows, slices.Concat(rows, []row{twin})},
		} {
			_, found := run(t, strategy, newMemory(sides[0]), newMemory(sides[1]), nil)
			require.Equal(t, map[string]string{"501": "several"}, found, "%s, twice at the %s", strategy, name)
		}
	}
}

func TestRowsWithoutAKeyAreCounted(t *testing.T) {
	t.Parallel()
	for _, strategy := range []Strategy{KeyedBuckets, Rows} {
		source, target := numbered(t, 300), numbered(t, 300)
		for i := range 5 {
			source[i*9].key, target[i*9].key = nil, nil
		}
		target[100].key = nil
		result, found := run(t, strategy, newMemory(source), newMemory(target), nil)
		require.Equal(t, map[string]string{"101": "missing"}, found)
		require.EqualValues(t, 5, result.SourceNulls)
		require.EqualValues(t, 6, result.DestinationNulls)
		require.EqualValues(t, 12, result.Differences())
	}
}

func TestAKeyInAnotherCaseIsOneFinding(t *testing.T) {
	t.Parallel()
	for _, strategy := range []Strategy{KeyedBuckets, Rows} {
		for _, folding := range []bool{true, false} { // of the source
			source, target := numbered(t, 400), numbered(t, 400)
			for i := range source {
				source[i].key, target[i].key = []byte("k"+strconv.Itoa(i)), []byte("k"+strconv.Itoa(i))
			}
			source[7].key = []byte("K7")
			a, b := newMemory(source), newMemory(target)
			a.folding, b.folding = folding, true
			_, found := run(t, strategy, a, b, nil)
			require.Equal(t, map[string]string{"K7": "respelled key"}, found)
		}
	}
}

func TestRowsThatCannotBeHashedAreComparedByTheirColumns(t *testing.T) {
	t.Parallel()
	for _, strategy := range []Strategy{RangeChecksum, KeyedBuckets} {
		source, target := numbered(t, 300), numbered(t, 300)
		for i := range 10 {
			source[i].long, target[i].long = true, true
		}
		target[3].value = "other"
		_, found := run(t, strategy, newMemory(source), newMemory(target), nil)
		require.Equal(t, map[string]string{"4": "different value"}, found)
	}
}

func TestAMismatchThatNoColumnExplainsIsTold(t *testing.T) {
	t.Parallel()
	source, target := newMemory(numbered(t, 300)), newMemory(numbered(t, 300))
	lenient := relation
	lenient.Pairs = relation.Pairs[:1] // the columns say less than the hash
	target.rows[41].value = "other"
	var found []Finding
	for _, strategy := range []Strategy{RangeChecksum, KeyedBuckets} {
		found = nil
		result, err := Run(t.Context(), Pair{Strategy: strategy, Source: source, Target: target, Relation: lenient},
			Options{limits: &small, Report: func(_ context.Context, f Finding) error {
				found = append(found, f)
				return nil
			}})
		require.NoError(t, err)
		require.Equal(t, []Finding{{Key: "42", Kind: Unexplained}}, found)
		require.EqualValues(t, 1, result.Differences())
		require.Zero(t, result.Settled)
	}
}

// TestARowThatCannotBeAskedForIsTold: neither side finds it any more, and it is not equal for that.
func TestARowThatCannotBeAskedForIsTold(t *testing.T) {
	t.Parallel()
	for _, strategy := range []Strategy{RangeChecksum, KeyedBuckets} {
		source, target := newMemory(numbered(t, 300)), newMemory(numbered(t, 300))
		target.rows[41].value = "other"
		source.lost, target.lost = "42", "42"
		result, found := run(t, strategy, source, target, nil)
		require.Equal(t, map[string]string{"42": string(Unexplained)}, found)
		require.Zero(t, result.Settled)
	}
}

// A row that arrives within the delay is no difference.
func TestWhatWasOnItsWaySettles(t *testing.T) {
	t.Parallel()
	for _, strategy := range strategies {
		synctest.Test(t, func(t *testing.T) {
			source, target := newMemory(numbered(t, 300)), newMemory(numbered(t, 300))
			target.rows[10].value, target.rows[20].value = "old", "old"
			arrived := time.Now().Add(time.Second)
			target.fail = func() error { // runs under the lock of every query
				if !time.Now().Before(arrived) {
					target.rows[10].value = source.rows[10].value
				}
				return nil
			}
			result, found := run(t, strategy, source, target, func(o *Options) { o.Confirm, o.Parallel = time.Second, 1 })
			require.Equal(t, map[string]string{"21": "different value"}, found)
			require.EqualValues(t, 1, result.Settled)
			require.GreaterOrEqual(t, result.Took, time.Second)
		})
	}
}

func TestBoundsOfKeys(t *testing.T) {
	t.Parallel()
	source, target := newMemory(numbered(t, 1000)), newMemory(numbered(t, 1000))
	for i := range target.rows {
		target.rows[i].value = "other"
	}
	bound := func(o *Options) { o.From, o.To = job.KeyPoint("300"), job.KeyPoint("310") }
	for _, strategy := range []Strategy{RangeChecksum, Rows} {
		result, found := run(t, strategy, source, target, bound)
		require.Len(t, found, 10)
		require.Contains(t, found, "301")
		require.Contains(t, found, "310")
		require.EqualValues(t, 10, result.SourceRows)
		require.Equal(t, strategy == Rows, result.OneWay)
	}
	pair := Pair{Job: "job", Destination: "far", Strategy: KeyedBuckets, Source: source, Target: target, Relation: relation}
	_, err := Run(t.Context(), pair, Options{From: job.KeyPoint("1")})
	require.ErrorContains(t, err, "by which these tables are not related")
}

func TestItStopsWhenEnoughIsFound(t *testing.T) {
	t.Parallel()
	for _, strategy := range strategies {
		source, target := newMemory(numbered(t, 3000)), newMemory(nil)
		result, found := run(t, strategy, source, target, func(o *Options) { o.MaxDifferences, o.Parallel = 10, 1 })
		require.Equal(t, DifferencesOver, result.Bound)
		require.GreaterOrEqual(t, len(found), 10)
		require.Less(t, len(found), 3000, strategy)
	}
}

func TestItStopsWhenTheTimeIsOver(t *testing.T) {
	t.Parallel()
	for _, strategy := range strategies {
		synctest.Test(t, func(t *testing.T) {
			source, target := newMemory(numbered(t, 3000)), newMemory(numbered(t, 3000))
			source.fail = func() error {
				time.Sleep(time.Second)
				return nil
			}
			target.rows[0].value = "other"
			result, _ := run(t, strategy, source, target, func(o *Options) { o.MaxTime, o.Parallel = 4500*time.Millisecond, 1 })
			require.Equal(t, TimeOver, result.Bound)
			require.Less(t, result.Took, 20*time.Second)
		})
	}
}

func TestMoreSuspectsThanRememberedAreCounted(t *testing.T) {
	t.Parallel()
	few := small
	few.suspects = 50
	for _, strategy := range strategies {
		result, found := run(t, strategy, newMemory(numbered(t, 2000)), newMemory(numbered(t, 500)), func(o *Options) { o.limits = &few })
		require.Len(t, found, 50)
		require.EqualValues(t, 1500, result.Found[Missing])
		require.EqualValues(t, 1450, result.Unconfirmed)
	}
}

var errKilled = errors.New("killed")

// A run that dies anywhere goes on where everything is done, and finds the same.
func TestAKilledRunGoesOn(t *testing.T) {
	t.Parallel()
	for _, strategy := range strategies {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				rows := scattered(t)
				copied := damaged(t, rows)
				source, target := newMemory(rows), newMemory(copied)
				var saved []byte
				var left atomic.Int64
				left.Store(rapid.Int64Range(0, 60).Draw(t, "queries before the kill"))
				source.fail = func() error {
					if left.Add(-1) < 0 {
						return errKilled
					}
					return nil
				}
				dead := false
				pair := Pair{Strategy: strategy, Source: source, Target: target, Relation: relation}
				_, err := Run(context.Background(), pair, Options{limits: everySave(), Save: func(s *State) error {
					if dead = dead || left.Load() < 0; dead {
						return nil // a process that was killed saves nothing any more
					}
					var err error
					saved, err = json.Marshal(s)
					return err
				}})
				if err == nil {
					return // it was done before
				}
				require.ErrorIs(t, err, errKilled)
				source.fail = nil
				var state *State
				if saved != nil {
					require.NoError(t, json.Unmarshal(saved, &state))
				}
				result, found := run(t, strategy, source, target, func(o *Options) { o.State = state })
				requireSame(t, truth(rows, copied), found)
				require.EqualValues(t, len(rows), result.SourceRows)
				require.EqualValues(t, len(copied), result.DestinationRows)
			})
		})
	}
}

// everySave makes a state be saved after every stretch.
func everySave() *limits {
	l := small
	l.savePause = -1
	return &l
}

func TestWhatIsDoneIsNotReadAgain(t *testing.T) {
	t.Parallel()
	for _, strategy := range strategies {
		source, target := newMemory(numbered(t, 2000)), newMemory(numbered(t, 1990))
		var state *State
		_, first := run(t, strategy, source, target, func(o *Options) {
			o.Save = func(s *State) error {
				text, err := json.Marshal(s)
				if err != nil {
					return err
				}
				state = nil
				return json.Unmarshal(text, &state)
			}
		})
		before := source.counted()
		result, again := run(t, strategy, source, target, func(o *Options) { o.State = state })
		require.Equal(t, first, again, "findings are confirmed anew")
		require.EqualValues(t, 2000, result.SourceRows)
		for _, what := range []string{"fold", "marks", "key marks", "list", "rows"} {
			require.Equal(t, before[what], source.counted()[what], "%s: %s", strategy, what)
		}
	}
}

func TestErrorsOfADatabaseEndIt(t *testing.T) {
	t.Parallel()
	for _, strategy := range strategies {
		source, target := newMemory(numbered(t, 2000)), newMemory(numbered(t, 2000))
		target.fail = func() error { return errKilled }
		_, err := Run(t.Context(), Pair{Strategy: strategy, Source: source, Target: target, Relation: relation}, Options{limits: &small})
		require.ErrorIs(t, err, errKilled)
	}
}
