package fleet

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Traffic writes rows, and carries them to the destination late and not all of
// them: an application and the CDC channel beside it that cupid stands in for.
// Fill and CopyAll must have made the first Rows rows.
type Traffic struct {
	World *World
	Seed  uint64
	Rows  int           // rows at the start, with the ids 1, 2, …
	Rate  int           // changes per second, half inserts, half updates
	Loss  float64       // share of the changes that never arrive
	Delay time.Duration // until the others do
	// Stale is the share of the updates that arrive out of order as well: the row as it
	// was then is written once more after it was copied, whatever came since.
	Stale float64
	Hot   int // so many of the first rows are changed all the time, and never lost

	random  *rand.Rand
	stop    context.CancelFunc
	running sync.WaitGroup
	changes chan change
	stale   chan change // arrive once more

	mu     sync.Mutex
	next   int             // id of the next row
	state  map[string]fate // by id
	errors []string
}

// change is a row that was written and is to be copied.
type change struct {
	id   string
	at   time.Time
	name string // of an update that arrives once more
}

// fate is what became of a row's changes.
type fate struct {
	lost  int  // changes that were not carried over
	owed  bool // a change was lost since the row was copied: only a callback can bring it
	late  bool // a change was carried over more than a second after it was made
	fresh bool // inserted during the run
}

// The pace of writer and copier.
const (
	writeEvery = 20 * time.Millisecond
	copyEvery  = 50 * time.Millisecond
	tooLate    = time.Second
)

// Start begins to write and to copy.
func (f *Traffic) Start(t testing.TB) {
	t.Helper()
	f.random = rand.New(rand.NewPCG(f.Seed, 1))
	f.changes, f.stale = make(chan change, 1<<20), make(chan change, 1<<20)
	f.state, f.next = map[string]fate{}, f.Rows+1
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	f.running.Go(func() {
		f.write(ctx)
		close(f.changes)
	})
	f.running.Go(f.copy)
	t.Cleanup(f.Stop)
}

// Stop ends the writing and waits until everything that is not lost was copied.
func (f *Traffic) Stop() {
	f.stop()
	f.running.Wait()
}

func (f *Traffic) write(ctx context.Context) {
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	n := max(f.Rate*int(writeEvery)/int(time.Second)/2, 1)
	for turn := 0; ctx.Err() == nil; turn++ {
		inserts, updates := f.pick(n, turn)
		f.made(inserts, f.exec(ctx, insertOf(inserts, turn)), true, "")
		f.made(updates, f.exec(ctx, updateOf(updates, turn)), false, changed(turn))
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// pick chooses n rows to insert and n to update, of which up to two are hot.
func (f *Traffic) pick(n, turn int) (inserts, updates []string) {
	chosen := map[int]bool{}
	for i := range min(2, f.Hot) {
		chosen[(2*turn+i)%f.Hot+1] = true
	}
	for len(chosen) < n {
		chosen[f.Hot+1+f.random.IntN(f.next-1-f.Hot)] = true
	}
	for id := range maps.Keys(chosen) {
		updates = append(updates, strconv.Itoa(id))
	}
	for range n {
		inserts = append(inserts, strconv.Itoa(f.next))
		f.next++
	}
	return inserts, updates
}

func insertOf(ids []string, turn int) string {
	rows := make([]string, len(ids))
	for i, id := range ids {
		rows[i] = fmt.Sprintf("(%[1]s, 'n%[1]s', 'new %[2]d', NULL)", id, turn)
	}
	return "INSERT INTO db.user (id, number, name, avatar) VALUES " + strings.Join(rows, ", ")
}

func updateOf(ids []string, turn int) string {
	return fmt.Sprintf("UPDATE db.user SET name = '%s' WHERE id IN (%s)", changed(turn), strings.Join(ids, ","))
}

func changed(turn int) string { return fmt.Sprintf("changed %d", turn) }

// exec ends by itself and not with the traffic: a statement that is cut off
// leaves open whether it was committed.
func (f *Traffic) exec(ctx context.Context, statement string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_, err := f.World.DB.ExecContext(ctx, statement)
	return err
}

// made decides which changes the pipeline loses. Those of a statement that
// failed may be committed or not: the pipeline has not seen them.
func (f *Traffic) made(ids []string, err error, fresh bool, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.errors = append(f.errors, err.Error())
	}
	for _, id := range ids {
		s := f.state[id]
		s.fresh = s.fresh || fresh
		hot, _ := strconv.Atoi(id)
		switch {
		case err != nil:
			s.lost++
		case hot > f.Hot && f.random.Float64() < f.Loss:
			s.lost++
			s.owed = true
		case name != "" && hot > f.Hot && f.random.Float64() < f.Stale:
			s.lost++ // in effect
			f.changes <- change{id: id, at: time.Now()}
			f.stale <- change{id: id, at: time.Now(), name: name}
		default:
			f.changes <- change{id: id, at: time.Now()}
		}
		f.state[id] = s
	}
}

// copy carries changes over when their time has come, and what failed again.
func (f *Traffic) copy() {
	var due []change
	for open := true; open || len(due) > 0; {
		<-time.After(copyEvery)
		open, due = f.collect(due)
		ready := 0
		for ready < len(due) && ready < 1000 && time.Since(due[ready].at) >= f.Delay {
			ready++
		}
		if ready > 0 && f.carry(due[:ready]) {
			due = due[ready:]
		}
		f.disorder()
	}
}

// disorder writes what is old by now over what was copied.
func (f *Traffic) disorder() {
	const late = time.Second
	for {
		select {
		case c := <-f.stale:
			if wait := late - time.Since(c.at); wait > 0 {
				<-time.After(wait)
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			_, err := f.World.DB.ExecContext(ctx, "UPDATE db2.user SET name = ? WHERE number = ?", c.name, "n"+c.id)
			cancel()
			if err != nil {
				f.mu.Lock()
				f.errors = append(f.errors, err.Error())
				f.mu.Unlock()
			}
		default:
			return
		}
	}
}

func (f *Traffic) collect(due []change) (open bool, all []change) {
	for {
		select {
		case c, ok := <-f.changes:
			if !ok {
				return false, due
			}
			due = append(due, c)
		default:
			return true, due
		}
	}
}

func (f *Traffic) carry(changes []change) (done bool) {
	ids := make([]string, len(changes))
	for i, c := range changes {
		ids[i] = c.id
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := f.World.Copy(ctx, ids...)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.errors = append(f.errors, err.Error())
		return false
	}
	for _, c := range changes {
		s := f.state[c.id]
		s.owed = false // the row was copied as it is, with what was lost before
		s.late = s.late || time.Since(c.at) > tooLate
		f.state[c.id] = s
	}
	return true
}

// Report is what became of the rows, by id, after Stop.
type Report struct {
	// Owed are rows that only a callback can bring; true for those inserted since the start.
	Owed map[string]bool
	// Excused are rows that may be called: a change was lost, or was carried over very late.
	Excused map[string]bool
	// Rows is the number of source rows, Lost that of lost changes, Late that of
	// rows that were carried over very late.
	Rows, Lost, Late int
	// Errors of statements.
	Errors []string
}

// Report tells what the traffic has done so far.
func (f *Traffic) Report() Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := Report{Owed: map[string]bool{}, Excused: map[string]bool{}, Rows: f.next - 1, Errors: f.errors}
	for id, s := range f.state {
		r.Lost += s.lost
		if s.owed {
			r.Owed[id] = s.fresh
		}
		if s.late {
			r.Late++
		}
		if s.late || s.lost > 0 {
			r.Excused[id] = true
		}
	}
	return r
}
