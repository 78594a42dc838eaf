package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

const (
	// leaseBatch is how many callbacks are leased, read and settled together at most.
	leaseBatch = 300
	// postMargin is what a lease must outlast the time-out of a POST by.
	postMargin = time.Second
	// noteEvery is how often those that wait for their POST are noted to come
	// forward; leases last for many times that.
	noteEvery = time.Second
	// readAhead is how many batches are read, or wait for their POSTs to begin,
	// while those of others are in flight; what is leased stays bounded.
	readAhead = 3
)

// deliverer works on the due callbacks of one destination.
type deliverer struct {
	w      *Worker
	t      Target
	loop   string // its name
	log    *slog.Logger
	bell   bell
	keeper *keeper
	posts  chan struct{} // one token per POST in flight
	rules  rules
	door   *door

	unreadable failures
}

func newDeliverer(w *Worker, t Target) *deliverer {
	d := &deliverer{
		w: w, t: t, loop: "deliverer of " + t.Config.Name, bell: newBell(), log: w.c.Log.With("destination", t.Config.Name),
		posts: make(chan struct{}, max(t.Config.Callback.Concurrency, 1)),
		rules: rules{confirm: w.c.Job.ConfirmDelay, hotBound: w.c.Job.HotBound, callback: t.Config.Callback},
	}
	d.door = newDoor(d)
	d.keeper = newKeeper(w.c.Queue.Lease(), d.log, w.c.Queue.ExtendCallbacks)
	return d
}

func (d *deliverer) run(ctx, work context.Context) {
	keeping, stop := context.WithCancel(work)
	var kept, batches sync.WaitGroup
	kept.Go(func() { d.keeper.run(keeping) })
	defer kept.Wait()
	defer stop()
	settler, settleRest := newSettler(work, d)
	defer settleRest()
	defer batches.Wait()

	polls := poll{longest: d.w.c.CallbackPoll}
	lanes := make(chan struct{}, readAhead)
	defer d.w.c.Pulse.End(d.loop)
	for d.lane(ctx, lanes) {
		d.w.c.Pulse.Turn(d.loop, d.w.c.CallbackPoll)
		leased, round, wait := d.lease(ctx, work, &polls)
		if round == nil {
			<-lanes
			d.bell.wait(ctx, wait)
			continue
		}
		batches.Go(func() {
			sent, err := d.deliver(ctx, work, leased, round, settler)
			d.unreadable.note(err)
			<-lanes
			sent.Wait()
			d.door.pace.note(len(leased), round.cost())
			d.door.leave(work, round)
		})
	}
}

// lane waits until another batch may be begun: one that is not too far ahead of
// the POSTs, while the tables can be read. It is false after a stop.
func (d *deliverer) lane(ctx context.Context, lanes chan struct{}) bool {
	select {
	case lanes <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	rest(ctx, d.unreadable.pause()) // every other callback needs the same tables
	return ctx.Err() == nil
}

// lease takes a batch of due callbacks under leave to call their receiver.
// Without a round, wait is in how long to look again.
func (d *deliverer) lease(ctx, work context.Context, polls *poll) (leased []job.LeasedCallback, r *round, wait time.Duration) {
	r, wait, err := d.door.enter(ctx, polls)
	if r == nil {
		return nil, nil, cmp.Or(wait, polls.after(d.w.refused(ctx, "fetch callbacks", err)))
	}
	asked := time.Now()
	leased, err = d.w.c.Queue.FetchCallbacks(ctx, d.t.Config.Name, d.w.c.Name, r.entry.Sends)
	if len(leased) == 0 {
		d.door.leave(work, r)
		return nil, nil, polls.after(d.w.refused(ctx, "fetch callbacks", err))
	}
	polls.found()
	for _, c := range leased {
		d.keeper.keep(string(c.ID), c.Token, asked, func() {})
	}
	return leased, r, 0
}

// deliver reads both sides of a batch again, settles what needs no call, and
// begins the POSTs of the rest; sent ends with the last of them. After a stop it
// begins none and gives them back.
func (d *deliverer) deliver(stop, work context.Context, batch []job.LeasedCallback, round *round, settler *settler) (sent *sync.WaitGroup, err error) {
	sent = &sync.WaitGroup{}
	return sent, d.part(stop, work, batch, round, settler, sent)
}

// part delivers a part of a batch. One that cannot be read although the databases are well is divided, down to the
// one row that spoils it: what a batch was made of is chance, and its others must not wait for that row.
func (d *deliverer) part(stop, work context.Context, batch []job.LeasedCallback, round *round, settler *settler, sent *sync.WaitGroup) error {
	if stop.Err() != nil {
		d.release(batch, settler)
		return errStopped
	}
	pending, err := d.read(work, batch, settler)
	switch {
	case err == nil:
		d.postAll(stop, work, pending, round, settler, sent)
		return nil
	case stop.Err() != nil, !errors.Is(err, job.ErrUnreadable), !d.w.well(work):
		d.unread(stop, batch, settler, err)
		return err
	case len(batch) == 1:
		d.log.Warn("a callback whose row cannot be read waits among the slow ones", "callback", batch[0].ID, "error", err)
		settler.settle(unreadable(batch[0], d.rules), false)
		return nil
	}
	half := len(batch) / 2
	d.waiting(batch)
	err = d.part(stop, work, batch[:half], round, settler, sent)
	d.waiting(batch[half:])
	return errors.Join(err, d.part(stop, work, batch[half:], round, settler, sent))
}

// postAll begins the POSTs, and gives back what is left when the round ends or the process stops. Whoever has
// ended one goes on with the next: to hand each over would cost as much as to write it.
func (d *deliverer) postAll(stop, work context.Context, pending []pendingPost, round *round, settler *settler, sent *sync.WaitGroup) {
	l := &line{d: d, rest: pending, noted: time.Now()}
	for l.more() {
		if !d.turn(stop, round) {
			d.release(callbacks(l.leave()), settler)
			return
		}
		sent.Go(func() {
			for p := l.next(); p != nil; p = l.next() {
				d.post(work, p, round, settler)
				if ended(stop, round) {
					break
				}
			}
			<-d.posts
			<-round.slots
		})
	}
}

// turn waits until another POST may begin; false after a stop, or when the round
// is over.
func (d *deliverer) turn(stop context.Context, round *round) bool {
	select {
	case round.slots <- struct{}{}:
	case <-stop.Done():
		return false
	}
	select {
	case d.posts <- struct{}{}:
	case <-stop.Done():
		<-round.slots
		return false
	}
	if !ended(stop, round) {
		return true
	}
	<-d.posts // a POST that ended meanwhile was the last, or the draw fell on it although all stops
	<-round.slots
	return false
}

// ended reports whether no POST of a round may begin any more.
func ended(stop context.Context, round *round) bool { return stop.Err() != nil || round.over() }

// waiting notes that those behind in a batch have come forward: their leases
// are worth extending as long as answers to those before them come in.
func (d *deliverer) waiting(batch []job.LeasedCallback) {
	d.w.c.Pulse.Turn(d.loop, d.w.c.CallbackPoll)
	for _, c := range batch {
		d.keeper.progress(string(c.ID))
	}
}

// release gives callbacks back at once: nothing was done about them.
func (d *deliverer) release(all []job.LeasedCallback, settler *settler) {
	for _, c := range all {
		settler.settle(settled(c, job.Released, 0, ""), false)
	}
}

func callbacks(pending []pendingPost) []job.LeasedCallback {
	all := make([]job.LeasedCallback, len(pending))
	for i, p := range pending {
		all[i] = p.callback
	}
	return all
}

// unread puts a batch off whose tables could not be read: no attempt is
// counted, since no receiver was asked.
func (d *deliverer) unread(stop context.Context, batch []job.LeasedCallback, settler *settler, err error) {
	if stop.Err() != nil {
		d.release(batch, settler)
		return
	}
	d.log.Warn("callbacks could not be read again and are tried later", "callbacks", len(batch), "error", err)
	for _, c := range batch {
		settler.settle(putOff(c), false)
	}
}

// pendingPost is a callback that is to be sent, in the end with today's row.
type pendingPost struct {
	callback job.LeasedCallback
	body     []diff.Value
	details
}

// details are what an extended body tells besides the row.
type details struct {
	differing []string  // source columns
	copied    *diff.Row // the destination's row; nil without one, or when nobody wants it
}

// read decides over a batch with a constant number of queries: source,
// destination, and, for what is to be sent, the source once more. Between the
// first two a row may have been changed and carried over; only a source row that
// is still the one that was compared is sent.
func (d *deliverer) read(ctx context.Context, batch []job.LeasedCallback, settler *settler) ([]pendingPost, error) {
	readings, err := d.readings(ctx, scanKeys(batch))
	if err != nil {
		return nil, err
	}
	send := make([]pendingPost, 0, len(batch))
	var waits []decision
	for i, c := range batch {
		if next := decide(c, readings[i], d.rules); next.settle != nil {
			waits = append(waits, next)
		} else {
			send = append(send, pendingPost{callback: next.next, details: readings[i].details})
		}
	}
	pending, changed, err := d.today(ctx, send)
	if err != nil {
		return nil, err
	}
	held, err := d.brake(ctx, pending, waits)
	if err != nil {
		return nil, err
	}
	for _, w := range append(waits, changed...) {
		settler.settle(w, false)
	}
	if held {
		d.release(callbacks(pending), settler)
		d.w.c.Trouble()
		return nil, nil
	}
	return pending, nil
}

func scanKeys(batch []job.LeasedCallback) []string {
	keys := make([]string, len(batch))
	for i := range batch {
		keys[i] = batch[i].Key
	}
	return keys
}

// readings reads the source rows with these scan keys, and the destination's.
func (d *deliverer) readings(ctx context.Context, keys []string) ([]reading, error) {
	rows, err := d.w.c.Source.Lookup(ctx, keys, false)
	if err != nil {
		return nil, fmt.Errorf("read source rows: %w", err)
	}
	copies, err := copiesOf(ctx, rows, d.t)
	if err != nil {
		return nil, err
	}
	relation := d.t.Destination.Relation()
	shared, err := d.w.c.Source.Shared(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("count source rows that share a %s: %w", relation.ByNames(), err)
	}
	byKey := make(map[string]reading, len(rows))
	related := d.related(copies)
	for i, o := range relation.Compare(rows, copies) {
		key := rows[i].Key
		_, twice := byKey[key]
		told := details{differing: o.Columns}
		if by, ok := relation.SourceKey(rows[i]); ok && related != nil {
			told.copied = related[relation.Same(by)]
		}
		byKey[key] = reading{
			several: twice || shared[key] || o.Verdict == diff.Several,
			verdict: o.Verdict, hash: relation.Hash(rows[i]), details: told,
		}
	}
	readings := make([]reading, len(keys))
	for i, key := range keys {
		r, found := byKey[key]
		r.gone = !found
		readings[i] = r
	}
	return readings, nil
}

// related finds the destination's rows by their keys; nil when nobody wants them.
func (d *deliverer) related(copies []diff.Row) map[string]*diff.Row {
	if !d.t.Config.Callback.DestinationRow {
		return nil
	}
	relation := d.t.Destination.Relation()
	related := make(map[string]*diff.Row, len(copies))
	for i := range copies {
		if key, ok := relation.DestinationKey(copies[i]); ok {
			related[relation.Same(key)] = &copies[i]
		}
	}
	return related
}

// today reads the rows that are to be sent, last of all; a row that changed
// since it was compared waits as a hot one.
func (d *deliverer) today(ctx context.Context, send []pendingPost) (pending []pendingPost, changed []decision, err error) {
	if len(send) == 0 {
		return nil, nil, nil
	}
	keys := make([]string, len(send))
	for i, p := range send {
		keys[i] = p.callback.Key
	}
	rows, err := d.w.c.Source.Lookup(ctx, keys, true)
	if err != nil {
		return nil, nil, fmt.Errorf("read the rows to send: %w", err)
	}
	relation := d.t.Destination.Relation()
	byKey := make(map[string]diff.Row, len(rows))
	for _, row := range rows {
		byKey[row.Key] = row
	}
	pending = send[:0]
	for _, p := range send {
		row, found := byKey[p.callback.Key]
		if !found {
			changed = append(changed, settled(p.callback, job.Closed, 0, countClosedGone))
			continue
		}
		next := sendable(p.callback, relation.Hash(row), d.rules)
		if next.settle != nil {
			changed = append(changed, next)
			continue
		}
		p.callback, p.body = next.next, row.Body
		pending = append(pending, p)
	}
	return pending, changed, nil
}

// post sends one callback, if its lease surely outlasts the exchange.
func (d *deliverer) post(ctx context.Context, p *pendingPost, round *round, settler *settler) {
	c := p.callback
	if !d.keeper.outlasts(string(c.ID), c.Token, d.t.Config.Callback.Timeout+postMargin) {
		d.log.Info("a callback was not sent because its lease is running out", "callback", c.ID)
		settler.settle(putOff(c), false)
		return
	}
	round.begun()
	delivery := job.Delivery{
		Job: d.w.c.Job.Name, Destination: d.t.Config.Name, WebhookID: c.WebhookID, Attempt: c.Attempts + 1,
		Type: c.Type, Columns: d.w.c.Source.BodyColumns(), Values: p.body,
		Key: d.w.c.Job.Source.ByColumns, Differing: p.differing,
	}
	if p.copied != nil {
		delivery.DestinationColumns, delivery.DestinationValues = d.t.Destination.Shown(*p.copied)
	}
	a := d.t.Endpoint.Send(ctx, delivery)
	round.heard(a)
	d.keeper.progress(string(c.ID))
	d.w.c.Meter.Posted(d.t.Config.Name, c, a)
	next := answered(c, a, d.rules)
	d.say(ctx, c, a, next)
	settler.settle(next, true)
}

// say logs an answer, when somebody listens: there are thousands a second.
func (d *deliverer) say(ctx context.Context, c job.LeasedCallback, a job.Answer, next decision) {
	level := slog.LevelDebug
	if a.Outcome != job.Delivered && a.Code != stoppedCode {
		level = slog.LevelWarn
	}
	if !d.log.Enabled(ctx, level) {
		return
	}
	d.log.Log(ctx, level, "callback sent", "callback", c.ID, "type", c.Type.Name(), "attempt", c.Attempts+1,
		"outcome", a.Outcome.String(), "code", a.Code, "detail", a.Detail, "took", a.Took, "next", next.settle.To)
}

func statusText(status int) string {
	if status == 0 {
		return ""
	}
	return strconv.Itoa(status)
}
