package broker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/job"
)

func TestWorkIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	// With everysec a busy disk may lose the last seconds.
	server := redistest.Start(t, redistest.Options{AOF: true, ExtraArgs: []string{"--appendfsync", "always"}})
	f := newFixture(t, server.Addr, "")
	l := f.lead("s1")
	require.NoError(t, l.Claim(t.Context(), claim("", "10")))
	r := f.fetchRange()
	require.NoError(t, f.Put(t.Context(), r, 1, []job.Difference{difference("1")}))
	before := f.state()

	server.Kill(t)
	server.Restart(t)
	ready(t, server)
	f.want(before)
	// Redis has forgotten the scripts; leases, tokens and the lock are as they were.
	require.NoError(t, f.Put(t.Context(), r, 2, []job.Difference{difference("2")}))
	require.NoError(t, f.AckRange(t.Context(), r, 2, nil))
	require.NoError(t, l.Claim(t.Context(), claim("10", "20")))
	require.Equal(t, "insert:db.user:10..20", f.fetchRange().ID)
}

func TestRedisThatIsDownIsNoRefusal(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	f := newFixture(t, server.Addr, "")
	l := f.lead("s1")
	server.Kill(t)
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"claim":      func() error { return l.Claim(ctx, claim("", "10")) },
		"claim late": func() error { return l.ClaimLate(ctx, job.Sample{Range: insertRange("", "1")}, nil, nil) },
		"refresh":    func() error { return l.Refresh(ctx, lease) },
		"release":    func() error { return l.Release(ctx) },
		"lead":       func() error { _, err := f.Lead(ctx, lease, "s2"); return err },
		"cursor":     func() error { _, _, err := f.Cursor(ctx, job.Insert, shard()); return err },
		"samples":    func() error { _, err := f.Samples(ctx, 1); return err },
		"room":       func() error { _, err := f.Room(ctx); return err },
		"ranges":     func() error { _, err := f.FetchRanges(ctx, "w", 1); return err },
		"put":        func() error { return f.Put(ctx, mine(), 1, nil) },
		"ack":        func() error { return f.AckRange(ctx, mine(), 0, nil) },
		"retry":      func() error { return f.RetryRange(ctx, mine(), job.Again{Delay: lease}) },
		"begin":      func() error { return f.BeginRange(ctx, mine()) },
		"split":      func() error { return f.SplitRange(ctx, wide(), halves()) },
		"park":       func() error { return f.ParkRange(ctx, mine(), "x") },
		"unpark":     func() error { _, err := f.UnparkRanges(ctx); return err },
		"parked":     func() error { _, err := f.ParkedRanges(ctx, 1); return err },
		"extend":     func() error { _, err := f.ExtendRanges(ctx, map[string]string{r1: "mine"}); return err },
		"callbacks":  func() error { _, err := f.FetchCallbacks(ctx, "a", "w", 1); return err },
		"settle": func() error {
			_, err := f.Settle(ctx, []job.Settlement{{Callback: leased(), To: job.Closed}})
			return err
		},
		"promote":   func() error { _, err := f.Promote(ctx, lease); return err },
		"reclaim":   func() error { _, err := f.Reclaim(ctx); return err },
		"register":  func() error { return f.Register(ctx, "s1") },
		"stats":     func() error { _, err := f.Stats(ctx); return err },
		"depths":    func() error { _, err := f.Depths(ctx); return err },
		"jobs":      func() error { _, err := f.broker.Jobs(ctx); return err },
		"processes": func() error { _, err := f.broker.Processes(ctx); return err },
		"beat":      func() error { return f.broker.Beat(ctx, job.Process{ID: "w"}) },
		"leave":     func() error { return f.broker.Leave(ctx, "w") },
		"lag":       func() error { return f.broker.NoteLag(ctx, "db.user", map[string]int64{"insert": 1}) },
		"alerts":    func() error { _, _, err := f.Alerts(ctx); return err },
		"fleet":     func() error { _, _, err := f.broker.Alerts(ctx); return err },
		"claims":    func() error { _, err := f.broker.ClaimAlerts(ctx, "", nil, again); return err },
		"told":      func() error { _, err := f.broker.NoteTold(ctx, job.Telling{}); return err },
		"check":     func() error { _, err := f.broker.Check(ctx, false); return err },
		"ping":      func() error { return f.broker.Ping(ctx) },
		"probe":     func() error { return probe(f.broker) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := call()
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
			require.ErrorContains(t, err, "redis: ")
			require.NotErrorIs(t, err, ErrRefused)
			require.NotErrorIs(t, err, job.ErrLost)
			down, is := errors.AsType[*job.DownError](err)
			require.True(t, is)
			require.Equal(t, Thing, down.Thing)
		})
	}
}

// The reply of a fetch is lost: it was sent once, so what it leased is all that has to wait.
func TestFetchWhoseReplyIsLostLeasesOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		w := newWire(f, f.addr)
		cut := *f
		cut.broker = open(f, w.addr(), f.prefix)
		q := cut.queue(nil)
		f.seed(state{
			"ranges": {r3, r2, r1}, "callbacks:a": {"a:3", "a:2", cb},
			"callback:" + cb: {"destination=a", "shard=db.user"}, "callback:a:2": {"destination=a", "shard=db.user"},
		})
		_, err := q.FetchRanges(f.Context(), "w1", 1) // the script is known from here on
		require.NoError(f, err)
		w.cutNextReply()
		_, err = q.FetchRanges(f.Context(), "w1", 1)
		require.Error(f, err)
		require.Equal(f, []string{r3}, f.state()["ranges"])

		_, err = q.FetchCallbacks(f.Context(), "a", "w1", 1)
		require.NoError(f, err)
		w.cutNextReply()
		_, err = q.FetchCallbacks(f.Context(), "a", "w1", 1)
		require.Error(f, err)
		require.Equal(f, []string{"a:3"}, f.state()["callbacks:a"])
	})
}

// All other steps may run twice, so they are sent again.
func TestStepWhoseReplyIsLostIsRepeatedInSilence(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		w := newWire(f, f.addr)
		cut := *f
		cut.broker = open(f, w.addr(), f.prefix)
		cut.Queue = cut.queue(nil)
		l := cut.lead("s1")
		require.NoError(f, l.Claim(f.Context(), claim("", "10")))
		w.cutNextReply()
		require.NoError(f, l.Claim(f.Context(), claim("10", "20")))
		require.Len(f, f.state()["ranges"], 2)

		r := cut.fetchRange()
		require.NoError(f, cut.Put(f.Context(), r, 1, []job.Difference{difference("1")}))
		w.cutNextReply()
		require.NoError(f, cut.Put(f.Context(), r, 2, []job.Difference{difference("1"), difference("2")}))
		after := f.state()
		require.Contains(f, after["callback:a:db.user:1"], "seen=2")
		require.Contains(f, after["callback:a:db.user:2"], "seen=1")
		require.Positive(f, w.cuts.Load())
	})
}

// wire stands between a broker and its Redis and cuts the connection instead of
// passing on the reply to a script.
type wire struct {
	listener net.Listener
	upstream string
	pending  atomic.Bool // the next reply is to be cut
	cuts     atomic.Int32
	running  sync.WaitGroup
}

func newWire(t testing.TB, upstream string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{listener: listener, upstream: upstream}
	w.running.Go(w.serve)
	t.Cleanup(func() {
		listener.Close()
		w.running.Wait()
	})
	return w
}

func (w *wire) addr() string  { return w.listener.Addr().String() }
func (w *wire) cutNextReply() { w.pending.Store(true) }

func (w *wire) serve() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.running.Go(func() { w.relay(client) })
	}
}

func (w *wire) relay(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.upstream)
	if err != nil {
		return
	}
	var back sync.WaitGroup
	defer back.Wait()
	defer server.Close()
	var asked atomic.Bool // a script was sent, its reply is to come
	back.Go(func() {
		defer client.Close()
		buffer := make([]byte, 1<<16)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				return
			}
			if asked.Swap(false) && w.pending.Swap(false) {
				w.cuts.Add(1)
				return
			}
			client.Write(buffer[:n])
		}
	})
	buffer := make([]byte, 1<<16)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if bytes.Contains(bytes.ToLower(buffer[:n]), []byte("evalsha")) {
			asked.Store(true)
		}
		if _, err := io.Copy(server, bytes.NewReader(buffer[:n])); err != nil {
			return
		}
	}
}

func TestHungRedisIsGivenUpByTheCaller(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	f := newFixture(t, server.Addr, "")
	server.Pause(t)
	defer server.Resume(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := f.FetchRanges(ctx, "w1", 1)
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrRefused)
	require.Less(t, time.Since(began), 3*time.Second)
}

func probe(b *Broker) error {
	_, err := b.Probe(context.Background())
	return err
}

func TestOneProcessHearsThatRedisIsEmpty(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		_, err := f.broker.Check(f.Context(), true)
		require.NoError(f, err)
		asked := func() bool {
			emptied, err := f.broker.Probe(f.Context())
			require.NoError(f, err)
			return emptied
		}
		require.False(f, asked())
		require.NoError(f, f.raw.Del(f.Context(), f.broker.layoutKey()).Err())
		require.True(f, asked())
		require.False(f, asked())
	})
}
