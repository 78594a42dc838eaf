package broker

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Whatever a fleet does in whatever order: an id stands in exactly one place,
// and in the one that a far simpler model says.
func TestEveryIDStandsInOnePlace(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		run := 0
		rapid.Check(f, func(rt *rapid.T) {
			run++
			m := newModel(f, fmt.Sprintf("%srun%d:", f.prefix, run))
			rt.Repeat(map[string]func(*rapid.T){
				"claim": m.claim, "fetch ranges": m.fetchRanges, "begin": m.begin, "put": m.put, "ack": m.ack, "give back": m.giveBack,
				"split": m.split, "park": m.park, "unpark": m.unpark,
				"extend": m.extend, "fetch callbacks": m.fetchCallbacks, "settle": m.settle, "hold": m.hold,
				"pass": m.pass, "promote": m.promoteAll, "reclaim": m.reclaimAll, "": m.check,
			})
			m.drop()
		})
	})
}

// The model's times are minutes. Those of leases and delays are no whole ones,
// so that nothing ends at the very moment to which the clock is moved.
const (
	modelLease   = 10.5
	modelConfirm = 20.25
)

// waiting is where an item is: a key, and when it is due there.
type waiting struct {
	key string
	due float64
}

// held is what a worker believes to have leased. It may be wrong by now.
type held struct {
	id    string
	token string
	seen  int
}

type model struct {
	f *fixture
	l *Leadership

	clock  float64
	cursor int
	where  map[string]waiting // range or callback id → its place
	token  map[string]string  // of what is leased
	stalls map[string]int     // of ranges
	begun  map[string]bool    // ranges whose run was begun under their lease
	parked map[string]int     // how often a range was set aside
	seen   map[string]int     // of callbacks
	parks  map[string]bool    // callbacks that an operator holds
	closed int

	progress  map[string]int // portions put, by token
	ranges    []held         // all leases that were ever given
	callbacks []held

	last, holdUntil float64 // the reclaimer's note; -1000 when there is none
}

const never = -1000

func minutes(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }

func newModel(shared *fixture, prefix string) *model {
	shared.Helper()
	f := *shared
	f.prefix = prefix
	f.broker = &Broker{rdb: shared.broker.rdb, once: shared.broker.once, locks: shared.broker.locks, prefix: prefix}
	f.Queue = f.queue(func(c *QueueConfig) {
		c.Limits, c.Lease, c.ConfirmDelay = Limits{MaxRanges: 6, MaxCallbacks: 8}, minutes(modelLease), minutes(modelConfirm)
	})
	require.NoError(f, f.Register(f.Context(), "s1"))
	return &model{
		f: &f, l: f.lead("s1"), last: never, holdUntil: never,
		where: map[string]waiting{}, token: map[string]string{}, stalls: map[string]int{}, seen: map[string]int{},
		begun: map[string]bool{}, parked: map[string]int{},
		parks: map[string]bool{}, progress: map[string]int{},
	}
}

// check compares every place of every id.
func (m *model) check(rt *rapid.T) {
	ctx, pipe := rt.Context(), m.f.raw.Pipeline()
	places := map[string]*redis.StringSliceCmd{}
	for _, name := range []string{"ranges", "callbacks:a", "callbacks:b"} {
		places[name] = pipe.LRange(ctx, m.f.keys.prefix+name, 0, -1)
	}
	for _, name := range []string{"ranges:leased", "ranges:retry", "ranges:parked", "callbacks:leased", "callbacks:confirm", "callbacks:verify", "callbacks:retry", "callbacks:slow", "callbacks:parked"} {
		places[name] = pipe.ZRange(ctx, m.f.keys.prefix+name, 0, -1)
	}
	_, err := pipe.Exec(ctx)
	require.NoError(rt, err)
	found := map[string]string{}
	for name, ids := range places {
		for _, id := range ids.Val() {
			require.NotContains(rt, found, id, "it is in two places")
			found[id] = name
		}
	}
	want := map[string]string{}
	for id, w := range m.where {
		want[id] = w.key
	}
	require.Equal(rt, want, found)
}

func (m *model) count(match func(key string) bool) (n int) {
	for _, w := range m.where {
		if match(w.key) {
			n++
		}
	}
	return n
}

func (m *model) openRanges() int {
	return m.count(func(key string) bool { return strings.HasPrefix(key, "ranges") && key != "ranges:parked" })
}

func (m *model) openCallbacks() int {
	return m.count(func(key string) bool { return strings.HasPrefix(key, "callbacks") && key != "callbacks:parked" })
}

func (m *model) claim(rt *rapid.T) {
	n := rapid.IntRange(1, 3).Draw(rt, "ranges")
	c := job.Claim{Scan: job.Insert, Shard: shard(), To: job.KeyPoint(strconv.Itoa(m.cursor + n))}
	if m.cursor > 0 {
		c.From = point(strconv.Itoa(m.cursor))
	}
	for i := range n {
		c.Ranges = append(c.Ranges, insertRange(strconv.Itoa(m.cursor+i), strconv.Itoa(m.cursor+i+1)))
	}
	var limit *job.LimitError
	err := m.l.Claim(rt.Context(), c)
	if m.openCallbacks() >= 8 || m.openRanges()+n > 6 {
		require.ErrorAs(rt, err, &limit)
		return
	}
	require.NoError(rt, err)
	if rapid.Bool().Draw(rt, "the reply was lost") {
		require.NoError(rt, m.l.Claim(rt.Context(), c))
	}
	m.cursor += n
	for _, r := range c.Ranges {
		m.where[r.ID()] = waiting{key: "ranges"}
	}
}

func (m *model) fetchRanges(rt *rapid.T) {
	n := rapid.IntRange(1, 3).Draw(rt, "most")
	got, err := m.f.FetchRanges(rt.Context(), "w1", n)
	ready := m.count(func(key string) bool { return key == "ranges" })
	if ready > 0 && m.openCallbacks() >= 8 {
		var limit *job.LimitError
		require.ErrorAs(rt, err, &limit)
		return
	}
	require.NoError(rt, err)
	require.Len(rt, got, min(n, ready))
	for _, r := range got {
		require.Equal(rt, "ranges", m.where[r.ID].key)
		require.Equal(rt, []int{m.stalls[r.ID], m.parked[r.ID]}, []int{r.Stalls, r.Parked})
		m.lease(r.ID, r.Token, "ranges:leased")
		m.ranges = append(m.ranges, held{id: r.ID, token: r.Token})
	}
}

func (m *model) lease(id, token, key string) {
	m.where[id] = waiting{key: key, due: m.clock + modelLease}
	m.token[id] = token
}

// pick chooses one of the leases ever given, mostly a late one.
func pick(rt *rapid.T, leases []held) held {
	if len(leases) == 0 {
		rt.Skip("nothing was leased yet")
	}
	recent := leases[max(0, len(leases)-6):]
	return rapid.SampledFrom(recent).Draw(rt, "lease")
}

// pickRange chooses a lease, as its worker knows it; ok when it still is one.
func (m *model) pickRange(rt *rapid.T) (r job.LeasedRange, ok bool) {
	h := pick(rt, m.ranges)
	r = job.LeasedRange{ID: h.id, Token: h.token}
	var err error
	r.Range, err = job.ParseRange(h.id)
	require.NoError(rt, err)
	return r, m.token[h.id] == h.token
}

func (m *model) begin(rt *rapid.T) {
	r, ok := m.pickRange(rt)
	err := m.f.BeginRange(rt.Context(), r)
	if !ok {
		require.ErrorIs(rt, err, job.ErrLost)
		return
	}
	require.NoError(rt, err)
	m.lease(r.ID, r.Token, "ranges:leased")
	m.begun[r.ID] = true
}

// split divides a range at an end of its own, so that each part is a range of its own.
func (m *model) split(rt *rapid.T) {
	r, ok := m.pickRange(rt)
	at := r.Range.UpTo
	at.Key = []string{at.Key[0] + "-" + rapid.StringMatching(`[a-z]{8}`).Draw(rt, "end")}
	parts := []job.Range{r.Range, r.Range}
	parts[0].UpTo, parts[1].After = at, at
	err := m.f.SplitRange(rt.Context(), r, parts)
	var limit *job.LimitError
	switch {
	case !ok:
		require.ErrorIs(rt, err, job.ErrLost)
		return
	case m.count(func(key string) bool { return key == "ranges" })+2 > 6:
		require.ErrorAs(rt, err, &limit)
		return
	}
	require.NoError(rt, err)
	require.ErrorIs(rt, m.f.SplitRange(rt.Context(), r, parts), job.ErrLost, "as a lost reply repeats it")
	m.forget(r.ID)
	for _, p := range parts {
		m.where[p.ID()] = waiting{key: "ranges"}
		m.stalls[p.ID()] = job.StallsAlone
	}
}

func (m *model) park(rt *rapid.T) {
	r, ok := m.pickRange(rt)
	err := m.f.ParkRange(rt.Context(), r, "unreadable")
	if !ok {
		require.ErrorIs(rt, err, job.ErrLost)
		return
	}
	require.NoError(rt, err)
	wait := min(10*float64(int(1)<<m.parked[r.ID]), 60)
	m.parked[r.ID]++
	m.stalls[r.ID] = job.StallsAlone
	m.where[r.ID] = waiting{key: "ranges:parked", due: m.clock + wait}
	m.unlease(r.ID)
}

func (m *model) unlease(id string) {
	delete(m.token, id)
	delete(m.begun, id)
}

func (m *model) unpark(rt *rapid.T) {
	moved, err := m.f.UnparkRanges(rt.Context())
	require.NoError(rt, err)
	parked := 0
	for id, w := range m.where {
		if w.key == "ranges:parked" {
			m.where[id] = waiting{key: "ranges"}
			parked++
		}
	}
	require.Equal(rt, parked, moved)
}

func (m *model) put(rt *rapid.T) {
	r, ok := m.pickRange(rt)
	keys := rapid.SliceOfNDistinct(rapid.IntRange(1, 12), 1, 4, rapid.ID[int]).Draw(rt, "keys")
	differences := make([]job.Difference, len(keys))
	for i, k := range keys {
		differences[i] = difference(strconv.Itoa(k))
	}
	portion := m.progress[r.Token] + 1
	for range rapid.IntRange(1, 2).Draw(rt, "times, as a lost reply repeats it") {
		err := m.f.Put(rt.Context(), r, portion, differences)
		if !ok {
			require.ErrorIs(rt, err, job.ErrLost)
			return
		}
		require.NoError(rt, err)
	}
	m.progress[r.Token] = portion
	m.lease(r.ID, r.Token, "ranges:leased")
	for _, d := range differences {
		id := string(d.ID())
		m.seen[id]++
		if _, lives := m.where[id]; !lives {
			m.where[id] = waiting{key: "callbacks:confirm", due: m.clock + modelConfirm}
		}
	}
}

func (m *model) ack(rt *rapid.T) {
	r, ok := m.pickRange(rt)
	err := m.f.AckRange(rt.Context(), r, m.progress[r.Token], nil)
	if !ok {
		require.ErrorIs(rt, err, job.ErrLost)
		return
	}
	require.NoError(rt, err)
	m.forget(r.ID)
}

func (m *model) forget(id string) {
	delete(m.where, id)
	delete(m.token, id)
	delete(m.stalls, id)
	delete(m.begun, id)
	delete(m.parked, id)
	delete(m.seen, id)
	delete(m.parks, id)
}

func (m *model) giveBack(rt *rapid.T) {
	r, ok := m.pickRange(rt)
	var err error
	to := waiting{key: "ranges"}
	if rapid.Bool().Draw(rt, "later") {
		to = waiting{key: "ranges:retry", due: m.clock + 5.5}
		again := job.Again{Delay: minutes(5.5), Code: "timeout", Blamed: rapid.Bool().Draw(rt, "blamed")}
		if err = m.f.RetryRange(rt.Context(), r, again); ok && again.Blamed {
			m.stalls[r.ID]++
		}
	} else {
		err = m.f.ReleaseRange(rt.Context(), r)
	}
	if !ok {
		require.ErrorIs(rt, err, job.ErrLost)
		return
	}
	require.NoError(rt, err)
	m.where[r.ID] = to
	m.unlease(r.ID)
}

func (m *model) extend(rt *rapid.T) {
	extend, leases, key := m.f.ExtendRanges, m.ranges, "ranges:leased"
	if rapid.Bool().Draw(rt, "callbacks") {
		extend, leases, key = m.f.ExtendCallbacks, m.callbacks, "callbacks:leased"
	}
	h := pick(rt, leases)
	lost, err := extend(rt.Context(), map[string]string{h.id: h.token})
	require.NoError(rt, err)
	if m.token[h.id] != h.token {
		require.Equal(rt, []string{h.id}, lost)
		return
	}
	require.Empty(rt, lost)
	m.lease(h.id, h.token, key)
}

func (m *model) fetchCallbacks(rt *rapid.T) {
	n := rapid.IntRange(1, 4).Draw(rt, "most")
	list, err := m.f.raw.LRange(rt.Context(), m.f.keys.callbacks("a"), 0, -1).Result() // the order within one millisecond is Redis' own
	require.NoError(rt, err)
	slices.Reverse(list)
	got, err := m.f.FetchCallbacks(rt.Context(), "a", "w1", n)
	require.NoError(rt, err)
	var want, have []string
	for _, id := range list[:min(n, len(list))] {
		if m.parks[id] {
			m.where[id] = waiting{key: "callbacks:parked"}
		} else {
			want = append(want, id)
		}
	}
	for _, c := range got {
		id := string(c.ID)
		have = append(have, id)
		require.Equal(rt, strconv.Itoa(m.seen[id]), c.Seen)
		m.lease(id, c.Token, "callbacks:leased")
		m.callbacks = append(m.callbacks, held{id: id, token: c.Token, seen: m.seen[id]})
	}
	require.Equal(rt, want, have)
}

func (m *model) settle(rt *rapid.T) {
	h := pick(rt, m.callbacks)
	to := rapid.SampledFrom([]job.Phase{job.Closed, job.Closed, job.Released, job.Confirm, job.Verify, job.Retry, job.Slow, job.Parked}).Draw(rt, "to")
	c := job.LeasedCallback{ID: job.CallbackID(h.id), Token: h.token, Seen: strconv.Itoa(h.seen), Phase: job.Retry, Type: job.Missing}
	answers, err := m.f.Settle(rt.Context(), []job.Settlement{{Callback: c, To: to, Delay: minutes(7.75), Counters: "ended_" + string(to)}})
	require.NoError(rt, err)
	if m.token[h.id] != h.token {
		require.Equal(rt, job.SettledLost, answers[0])
		return
	}
	want := job.SettledOK
	delete(m.token, h.id)
	switch {
	case to == job.Closed && m.seen[h.id] != h.seen:
		want = job.SettledAgain
		m.where[h.id] = waiting{key: "callbacks:confirm", due: m.clock + modelConfirm}
	case to == job.Closed:
		m.forget(h.id)
		m.closed++
	case m.parks[h.id]:
		m.where[h.id] = waiting{key: "callbacks:parked"}
	case to == job.Released:
		m.where[h.id] = waiting{key: "callbacks:a"}
	default:
		m.where[h.id] = waiting{key: "callbacks:" + string(to), due: m.clock + 7.75}
	}
	require.Equal(rt, want, answers[0])
}

// hold is what an operator does to a callback, wherever it is.
func (m *model) hold(rt *rapid.T) {
	var ids []string
	for id, w := range m.where {
		if strings.HasPrefix(w.key, "callbacks:") && !m.parks[id] {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		rt.Skip("no callback is open")
	}
	slices.Sort(ids)
	id := rapid.SampledFrom(ids).Draw(rt, "id")
	fields := []any{"hold", "eva"}
	if _, leased := m.token[id]; leased {
		m.token[id] = "operator's"
		fields = append(fields, "token", "operator's")
	}
	require.NoError(rt, m.f.raw.HSet(rt.Context(), m.f.keys.callbackPrefix()+id, fields...).Err())
	m.parks[id] = true
}

func (m *model) pass(rt *rapid.T) {
	n := rapid.SampledFrom([]int{1, 3, 5, 8, 11, 21}).Draw(rt, "minutes")
	m.f.pass(minutes(float64(n)))
	m.clock += float64(n)
}

func (m *model) promoteAll(rt *rapid.T) {
	p, err := m.f.Promote(rt.Context(), longestDelay)
	require.NoError(rt, err)
	moved := 0
	for id, w := range m.where {
		if w.due > m.clock || w.due == 0 {
			continue
		}
		switch w.key {
		case "ranges:retry", "ranges:parked":
			m.where[id] = waiting{key: "ranges"}
			moved++
		case "callbacks:confirm", "callbacks:verify", "callbacks:retry", "callbacks:slow":
			m.where[id] = waiting{key: "callbacks:a"}
			moved++
		}
	}
	require.Equal(rt, moved, p.Moved)
}

func (m *model) reclaimAll(rt *rapid.T) {
	r, err := m.f.Reclaim(rt.Context())
	require.NoError(rt, err)
	isLeased := func(key string) bool { return strings.HasSuffix(key, ":leased") }
	if m.count(isLeased) == 0 {
		m.last, m.holdUntil = m.clock, never
		require.Equal(rt, job.Reclaimed{Next: -time.Millisecond}, r)
		return
	}
	if m.clock-m.last > modelLease {
		m.holdUntil = m.clock + modelLease
	}
	m.last = m.clock
	var want job.Reclaimed
	if m.clock >= m.holdUntil {
		want = m.reclaimEnded(isLeased)
	}
	r.Next = 0
	require.Equal(rt, want, r)
}

func (m *model) reclaimEnded(isLeased func(string) bool) (did job.Reclaimed) {
	for id, w := range maps.Clone(m.where) {
		if !isLeased(w.key) || w.due > m.clock {
			continue
		}
		switch {
		case w.key == "callbacks:leased" && m.parks[id]:
			m.where[id] = waiting{key: "callbacks:parked"}
			continue // it keeps the operator's token, which nobody knows
		case w.key == "callbacks:leased":
			m.where[id] = waiting{key: "callbacks:a"}
			did.Callbacks++
		default:
			if m.begun[id] {
				m.stalls[id]++
			}
			m.where[id] = waiting{key: "ranges"}
			did.Ranges++
		}
		m.unlease(id)
	}
	return did
}

// drop looks at what is left behind and removes it.
func (m *model) drop() {
	m.f.Helper()
	ctx := m.f.Context()
	stats, err := m.f.Stats(ctx)
	require.NoError(m.f, err)
	require.Equal(m.f, int64(m.closed), stats["ended_close"])
	for _, key := range m.f.raw.Keys(ctx, globEscape(m.f.prefix)+"*").Val() {
		require.NoError(m.f, m.f.raw.Del(ctx, key).Err())
	}
}
