package scheduler_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // test hosts may have no zone data

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

var (
	modelSeed = flag.Uint64("model.seed", 0, "repeat the model run that printed this seed")
	modelRuns = flag.Int("model.runs", 10, "how many model runs to make")
)

// Whatever dies, hangs or loses its reply: each committed row is inside a range
// of the scan in question that was claimed after the row became visible, also
// where first looks are taken on replicas.
func TestEachCommittedRowIsClaimedAfterItBecameVisible(t *testing.T) {
	t.Parallel()
	seeds := []uint64{*modelSeed}
	if *modelSeed == 0 {
		seeds = nil
		for range *modelRuns {
			seeds = append(seeds, rand.Uint64())
		}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			run(t, func(b *bed) { newModel(b, seed).run() })
			if t.Failed() {
				t.Logf("repeat with -model.seed=%d", seed)
			}
		})
	}
}

// model is the world around the schedulers, driven by one seed.
type model struct {
	b       *bed
	random  *rand.Rand // of the world
	network *rand.Rand // of the processes, asked under the store's lock
	next    int        // id
	deleted map[string]bool
	kills   []func()
	stops   []func()
	names   int
	calm    bool
}

func newModel(b *bed, seed uint64) *model {
	m := &model{
		b: b, random: rand.New(rand.NewPCG(seed, 1)), network: rand.New(rand.NewPCG(seed, 2)),
		deleted: map[string]bool{},
	}
	b.job.Update.Enabled = true
	b.job.LateCommit = time.Duration(5+m.random.IntN(30)) * time.Second
	b.job.Update.Window = time.Duration(m.random.IntN(60)) * time.Second
	b.job.Insert.Every = time.Duration(100+m.random.IntN(3000)) * time.Millisecond
	b.job.Update.Every = time.Duration(100+m.random.IntN(3000)) * time.Millisecond
	b.job.RangeRows = 1 + m.random.IntN(50)
	b.store.most = 2 + m.random.IntN(150)
	b.table.text = m.chance(0.3)
	if m.chance(0.5) {
		b.job.Source.Replicas.Servers = make([]job.Replica, 1)
	}
	b.table.unit = []time.Duration{time.Second, time.Millisecond, time.Microsecond}[m.random.IntN(3)]
	zones := map[string]string{ // the clock is set back, forth or not at all within the run
		"Asia/Shanghai": "2026-11-22T10:00:00.25Z", "America/New_York": "2026-11-01T05:56:00.25Z", "Europe/Berlin": "2026-03-29T00:56:00.25Z",
	}
	name := []string{"Asia/Shanghai", "America/New_York", "Europe/Berlin"}[m.random.IntN(3)]
	zone, err := time.LoadLocation(name)
	require.NoError(b.t, err)
	start, err := time.Parse(time.RFC3339, zones[name])
	require.NoError(b.t, err)
	b.table.zone, b.table.skew = zone, time.Until(start)
	b.table.fails = func() error { return m.fault(0.01) }
	return m
}

func (m *model) chance(p float64) bool { return m.random.Float64() < p }

// fault is an error with probability p while the world is not calm.
func (m *model) fault(p float64) error {
	var err error
	m.b.store.do(func() {
		if !m.calm && m.network.Float64() < p {
			err = errCut
		}
	})
	return err
}

// start starts a scheduler on a bad network, which now and then freezes as well.
func (m *model) start() {
	m.names++
	_, stop, kill := m.b.start(fmt.Sprintf("p%d", m.names), func(p *process) {
		p.fate = func(string) (before, after error) { return m.fault(0.01), m.fault(0.03) }
		p.stall = func(string) (d time.Duration) {
			m.b.store.do(func() {
				switch at := m.network.Float64(); {
				case m.calm:
				case at < 0.002:
					d = time.Duration(m.network.Int64N(int64(2 * ttl)))
				default:
					d = time.Duration(m.network.Int64N(int64(20 * time.Millisecond)))
				}
			})
			return d
		}
	})
	m.kills, m.stops = append(m.kills, kill), append(m.stops, stop)
}

// key is the next id; texts have a fixed width, so that both kinds grow.
func (m *model) key() string {
	m.next++
	if m.chance(0.01) {
		m.next += m.random.IntN(2000) // a hole
	}
	if m.b.table.text {
		return fmt.Sprintf("k%09d", m.next)
	}
	return fmt.Sprint(m.next)
}

// delay is how long a transaction stays open: often not at all, sometimes to the last moment.
func (m *model) delay() time.Duration {
	switch m.random.IntN(4) {
	case 0:
		return m.b.job.LateCommit
	case 1:
		return time.Duration(m.random.Int64N(int64(m.b.job.LateCommit)))
	default:
		return time.Duration(m.random.Int64N(int64(100 * time.Millisecond)))
	}
}

// update writes a visible row again.
func (m *model) update() {
	m.b.table.set(func(d *table) {
		if len(d.versions) == 0 {
			return
		}
		i := m.random.IntN(len(d.versions))
		v := d.versions[i]
		if !v.visible(time.Now()) || !v.until.IsZero() {
			return
		}
		from := time.Now().Add(m.delay())
		d.versions[i].until = from
		wall := wallOf(d.clock().In(d.zone)).Truncate(d.unit)
		d.versions = append(d.versions, version{key: v.key, wall: wall, from: from})
	})
}

// remove deletes the row with the greatest key, which moves the upper bound down.
func (m *model) remove() {
	m.b.table.set(func(d *table) {
		top := -1
		for i, v := range d.versions {
			if v.visible(time.Now()) && (top < 0 || d.byKey(v.key, d.versions[top].key) > 0) {
				top = i
			}
		}
		if top >= 0 && d.versions[top].until.IsZero() {
			d.versions[top].until = time.Now()
			m.deleted[d.versions[top].key] = true
		}
	})
}

// stepBack sets the database's clock back and lets a scheduler look, once it can: a
// step that nobody sees before the clock is where it was cannot be known.
func (m *model) stepBack(by time.Duration) {
	m.b.table.set(func(d *table) { d.skew -= by })
	m.b.store.do(func() { m.calm = true })
	for range 600 {
		cursor, err := job.ParsePoint(m.b.store.cursor(job.Update))
		require.NoError(m.b.t, err)
		var written time.Time // what a row gets that is written now
		m.b.table.set(func(d *table) { written = d.clock().Truncate(d.unit) })
		if cursor.At.Before(written) { // it fell, or the clock is beyond it again
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	m.b.store.do(func() { m.calm = false })
}

// step is what happens within a moment.
func (m *model) step(quiet bool) {
	m.b.store.do(func() { m.b.store.waiting = max(0, m.b.store.waiting-m.random.IntN(30)) })
	if !quiet {
		for range m.random.IntN(3) {
			m.b.table.write(m.delay(), m.key())
		}
		if m.chance(0.3) {
			m.update()
		}
		if m.chance(0.005) { // one statement, one time
			var keys []string
			for range m.random.IntN(150) {
				keys = append(keys, m.key())
			}
			m.b.table.write(m.delay(), keys...)
		}
	}
	switch event := m.random.Float64(); {
	case event < 0.010:
		m.remove()
	case event < 0.013:
		m.stepBack(time.Duration(m.random.Int64N(int64(20 * time.Second))))
	case event < 0.023:
		m.b.store.do(func() { m.b.store.paused = !m.b.store.paused })
	case event < 0.033:
		m.b.store.do(func() { m.b.store.backlog = !m.b.store.backlog })
	case event < 0.053:
		i := m.random.IntN(len(m.kills))
		end := m.kills[i]
		if m.chance(0.4) {
			end = m.stops[i]
		}
		end()
		m.kills, m.stops = slices.Delete(m.kills, i, i+1), slices.Delete(m.stops, i, i+1)
		m.start()
	}
}

func (m *model) run() {
	m.start()
	m.start()
	for range 6000 { // what was written before the job began is not its business
		if m.b.store.cursor(job.Update) != "*" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	require.NotEqual(m.b.t, "*", m.b.store.cursor(job.Update), "the update scan does not begin")
	quiet := false
	for range 800 {
		if m.chance(0.01) {
			quiet = !quiet
		}
		m.step(quiet)
		time.Sleep(time.Duration(m.random.Int64N(int64(500 * time.Millisecond))))
	}
	m.b.store.do(func() { m.calm, m.b.store.paused, m.b.store.backlog, m.b.store.most = true, false, false, 1_000_000 })
	time.Sleep(2*max(m.b.job.LateCommit, m.b.job.Update.Window) + 3*time.Minute)
	require.Zero(m.b.t, m.b.store.owed(), "late passes are owed though all their time is over")
	m.check()
}

// check looks for rows that no range was claimed for in time.
func (m *model) check() {
	inserts := slices.Concat(m.b.store.of(job.Insert), m.b.store.of(job.InsertLate))
	updates := slices.Concat(m.b.store.of(job.Update), m.b.store.of(job.UpdateLate))
	inserted := map[string]bool{}
	for _, v := range m.b.table.versions {
		first := !inserted[v.key]
		inserted[v.key] = true
		if first && !m.deleted[v.key] {
			require.True(m.b.t, m.seen(inserts, v), "row %s, visible since %s, was not claimed since", v.key, m.clock(v.from))
		}
		if v.until.IsZero() { // else the next version has to be seen
			require.True(m.b.t, m.seen(updates, v), "row %s with time %s, visible since %s, was not claimed since", v.key, v.wall, m.clock(v.from))
		}
	}
	require.NotEmpty(m.b.t, inserted)
}

func (m *model) clock(at time.Time) time.Time { return at.Add(m.b.table.skew).UTC() }

// seen reports whether a range has the version that was claimed, and therefore is
// read, when it was visible there: on a replica, which is read at the first look,
// that may be ReplicaSlack later.
func (m *model) seen(claims []claimed, v version) bool {
	return slices.ContainsFunc(claims, func(c claimed) bool {
		shows := c.at
		if c.Scan == job.Insert || c.Scan == job.Update {
			shows = shows.Add(-m.b.job.ReplicaSlack())
		}
		return !shows.Before(v.from) && m.b.table.within(v, c.After, c.UpTo)
	})
}
