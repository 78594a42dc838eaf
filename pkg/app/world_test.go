package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
)

// planted begins every text in every row: a word that no log and no key in Redis may hold.
const planted = "PlantedValue"

// patience bounds every wait; only a broken fleet needs it.
const patience = time.Minute

// world is what stands around the processes of one test: a source and a
// destination with a table shop each, a receiver, a Redis.
type world struct {
	t        *testing.T
	source   *mysqltest.Database
	far      *mysqltest.Database
	receiver *callbacktest.Receiver
	server   *redistest.Server
	redis    broker.Config
	prefix   string
	job      job.Job
	log      *journal
}

const table = `CREATE TABLE shop (id BIGINT PRIMARY KEY, number VARCHAR(40) NOT NULL, name VARCHAR(40),
	updated TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), KEY (number), KEY (updated))`

// newWorld stands on the shared servers.
func newWorld(t *testing.T) *world {
	t.Helper()
	server := mysqltest.Shared(t)
	w := bareWorld(t, server.Database(t), server.Database(t), redistest.Shared(t))
	w.source.Exec(t, table)
	w.far.Exec(t, table)
	return w
}

func bareWorld(t *testing.T, source, far *mysqltest.Database, server *redistest.Server) *world {
	t.Helper()
	w := &world{
		t: t, source: source, far: far, server: server, prefix: server.Prefix(t),
		receiver: callbacktest.New(t, nil), log: &journal{},
	}
	w.redis = broker.Config{Addrs: []string{server.Addr}, Prefix: w.prefix}
	w.job = job.Job{
		Name: "shop",
		Source: job.Source{
			DSN: job.NewSecret(source.DSN), Shard: job.Shard{Database: source.Name, Table: "shop"}, ByColumns: []string{"number"},
		},
		Insert:    job.InsertScan{Enabled: true, Every: 100 * time.Millisecond},
		RangeRows: 10_000, LateCommit: time.Minute, MaxRanges: 1000, MaxCallbacks: 100_000,
		ConfirmDelay: 50 * time.Millisecond, HotBound: time.Minute,
		Destinations: []job.Destination{{
			Name: "far", DSN: job.NewSecret(far.DSN), Table: "shop", ByColumns: []string{"number"},
			Columns: []job.ColumnPair{{Source: "number", Destination: "number"}, {Source: "name", Destination: "name"}},
			Callback: job.Callback{
				URL: w.receiver.URL, Timeout: 2 * time.Second, Retry: 100 * time.Millisecond, SlowRetry: time.Hour,
				Verify: true, VerifyDelay: 100 * time.Millisecond, Concurrency: 8,
			},
		}},
	}
	t.Cleanup(w.keepsSecrets)
	return w
}

// callback is the callback of the first destination, to be changed before a start.
func (w *world) callback() *job.Callback { return &w.job.Destinations[0].Callback }

// keepsSecrets looks for values and passwords where none may be.
func (w *world) keepsSecrets() {
	for _, secret := range []string{planted, mysqltest.Password} {
		require.NotContains(w.t, w.log.String(), secret, "the log")
	}
	for key, value := range w.dump() {
		for _, secret := range []string{planted, mysqltest.Password} {
			require.NotContains(w.t, key+" "+value, secret, "Redis")
		}
	}
}

// dump is every key with all it holds, as text; nothing when Redis is gone.
func (w *world) dump() map[string]string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	all := map[string]string{}
	keys := w.server.Client.Scan(ctx, 0, w.prefix+"*", 1000).Iterator()
	for keys.Next(ctx) {
		raw, err := w.server.Client.Dump(ctx, keys.Val()).Result()
		if err == nil {
			all[keys.Val()] = raw
		}
		switch w.server.Client.Type(ctx, keys.Val()).Val() { // DUMP may be compressed
		case "hash":
			all[keys.Val()] += fmt.Sprint(w.server.Client.HGetAll(ctx, keys.Val()).Val())
		case "zset":
			all[keys.Val()] += fmt.Sprint(w.server.Client.ZRange(ctx, keys.Val(), 0, -1).Val())
		case "list":
			all[keys.Val()] += fmt.Sprint(w.server.Client.LRange(ctx, keys.Val(), 0, -1).Val())
		case "string":
			all[keys.Val()] += w.server.Client.Get(ctx, keys.Val()).Val()
		}
	}
	return all
}

// insert writes rows to a side: planted number and name per id.
func (w *world) insert(side *mysqltest.Database, ids ...int) {
	w.t.Helper()
	for part := range slices.Chunk(ids, 1000) {
		values := make([]string, len(part))
		for i, id := range part {
			values[i] = fmt.Sprintf("(%d,'%s','%s-name-%d')", id, number(id), planted, id)
		}
		side.Exec(w.t, "INSERT INTO shop (id,number,name) VALUES "+strings.Join(values, ","))
	}
}

func number(id int) string { return planted + "-" + strconv.Itoa(id) }

func upTo(n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i + 1
	}
	return ids
}

// repair writes the row of a callback into the destination.
func (w *world) repair(body callbacktest.Body) error {
	_, err := w.far.DB.Exec("REPLACE INTO shop (id,number,name) VALUES (?,?,?)", body.SrcColumn["id"], body.SrcColumn["number"], body.SrcColumn["name"])
	return err
}

// repairing is the receiver that users are to write.
func (w *world) repairing() callbacktest.Behavior { return callbacktest.Repair(w.repair) }

func (w *world) key(name string) string { return w.prefix + "{" + w.job.Name + "}:" + name }

// item is the hash of a row's open callback; empty when there is none.
func (w *world) item(id int) map[string]string {
	d := job.Difference{Destination: w.job.Destinations[0].Name, Shard: w.job.Source.Shard, Key: strconv.Itoa(id)}
	return w.server.Client.HGetAll(context.Background(), w.key("callback:"+string(d.ID()))).Val()
}

// waiting is how many callbacks wait in a phase.
func (w *world) waiting(phase job.Phase) int64 {
	return w.server.Client.ZCard(context.Background(), w.key("callbacks:"+string(phase))).Val()
}

func (w *world) stat(counter string) int64 {
	n, err := w.server.Client.HGet(context.Background(), w.key("stats"), counter).Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return -1
	}
	return n
}

// work lists the keys that hold ranges or callbacks.
func (w *world) work() []string {
	ctx := context.Background()
	var left []string
	keys := w.server.Client.Scan(ctx, 0, w.key("*"), 1000).Iterator()
	for keys.Next(ctx) {
		name := strings.TrimPrefix(keys.Val(), w.key(""))
		if strings.HasPrefix(name, "range") || strings.HasPrefix(name, "callback") {
			left = append(left, name)
		}
	}
	if err := keys.Err(); err != nil {
		left = append(left, err.Error())
	}
	return left
}

// done waits until so many rows were compared and all that came of it is closed.
func (w *world) done(rows int) {
	w.t.Helper()
	w.until(func() bool { return w.stat("rows") >= int64(rows) }, strconv.Itoa(rows)+" rows compared")
	w.until(func() bool { return len(w.work()) == 0 }, "no range and no callback left")
}

func (w *world) until(condition func() bool, what string) {
	w.t.Helper()
	if !eventually.Holds(patience, condition) {
		keys := w.work()
		w.t.Fatalf("waited for this: %s\n%d keys: %v\nlog:\n%s", what, len(keys), keys[:min(len(keys), 20)], w.log.tail())
	}
}

// alerted requires one alert, which is raised after its cause stands in Redis.
func (w *world) alerted(kind string) {
	w.t.Helper()
	told := func() []string { return w.log.lines("msg=alert", kind) }
	w.until(func() bool { return len(told()) > 0 }, "an alert of "+kind)
	require.Len(w.t, told(), 1)
}

// equal requires that both sides hold the same rows.
func (w *world) equal() {
	w.t.Helper()
	require.Equal(w.t, rowsOf(w.t, w.source, "SELECT id, number, name FROM shop ORDER BY id"),
		rowsOf(w.t, w.far, "SELECT id, number, name FROM shop ORDER BY id"))
}

// rowsOf are rows as a plain client sees them; NULL is nil.
func rowsOf(t *testing.T, db *mysqltest.Database, query string) (all []map[string]*string) {
	t.Helper()
	rows, err := db.DB.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	names, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		row := map[string]*string{}
		targets := make([]any, len(names))
		values := make([]*string, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		require.NoError(t, rows.Scan(targets...))
		for i, name := range names {
			row[name] = values[i]
		}
		all = append(all, row)
	}
	require.NoError(t, rows.Err())
	return all
}

// config is what a file with the world's job and these others would say.
func (w *world) config(jobs ...job.Job) *config.Config {
	redis := w.redis
	return &config.Config{
		Path: "shop.json", Form: config.FormJob, Jobs: jobs, Redis: &redis,
		Log:     config.Log{Format: "text", Level: slog.LevelDebug},
		HTTP:    config.HTTP{Addr: freeAddr(w.t)},
		Worker:  config.Worker{Comparers: 2, RangePoll: time.Second, CallbackPoll: time.Second},
		Process: config.Process{ShutdownTimeout: 1500 * time.Millisecond, Lease: 30 * time.Second},
	}
}

// operator is a person's way to this world's fleet, over its Redis.
func (w *world) operator() app.Operator {
	operator := app.Operate(w.config(w.job))
	w.t.Cleanup(func() { require.NoError(w.t, operator.Close()) })
	return operator
}

// freeAddr is a port of its own for each process, so that no test depends on another's.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// process is a running app.
type process struct {
	*app.App
	t      *testing.T
	cancel context.CancelFunc
	ended  chan struct{}
	err    error
}

// run starts a process over the world's job, ended with the test at the latest.
func (w *world) run(role app.Role) {
	w.t.Helper()
	w.runConfig(role, w.config(w.job))
}

func (w *world) runConfig(role app.Role, c *config.Config) *process {
	w.t.Helper()
	a, err := app.New(c, app.Options{Role: role, Console: w.log})
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{App: a, t: w.t, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = errors.Join(a.Run(ctx), a.Stop(context.WithoutCancel(ctx)))
	}()
	w.t.Cleanup(func() { p.cancel(); _ = p.wait() }) // what it returned is for the tests that ask
	return p
}

// stop ends the process and says what Run returned.
func (p *process) stop() error {
	p.cancel()
	return p.wait()
}

func (p *process) wait() error {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Error("a process did not end")
	}
	return p.err
}

// journal is a console that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// lines are those that hold all of these words.
func (j *journal) lines(words ...string) (found []string) {
	for line := range strings.Lines(j.String()) {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			found = append(found, line)
		}
	}
	return found
}

// tail is the end of it, for failures.
func (j *journal) tail() string {
	text := j.String()
	return text[max(0, len(text)-4000):]
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
