package admin

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/browsertest"
	"github.com/masixun71/cupid-go/pkg/job"
)

var pictures = flag.String("pictures", "", "folder to put a picture of every page into")

// night is a fleet in which a receiver is down; what it shows is made up.
type night struct{ start time.Time }

func (n night) Overview(context.Context, time.Duration) (Overview, error) {
	return n.overview(time.Now()), nil
}

func (n night) overview(now time.Time) Overview {
	start := n.start
	s := now.Sub(start).Seconds()
	down := math.Max(0, s-2700) // the receiver fails since a quarter of an hour
	wave := func(period, by float64) float64 { return 1 + by*math.Sin(s/period) + by/3*math.Sin(s/17) }
	since := start.Add(2700 * time.Second)
	users := Job{
		MaxCallbacks: 100000, Destinations: []Destination{{"copy.user", "repair.internal:20000"}},
		State: job.State{
			Name: "shop.user", Source: "10.0.0.11:3306/shop.user#id", Leader: "node-1:4711",
			Cursors: map[string]string{"insert:shop.user": "48211903", "update:shop.user": "2026-11-28T02:59:58Z"},
			Lag:     map[string]int64{"insert:shop.user": int64(40 * wave(60, .6)), "update:shop.user": int64(2 * wave(90, .5))},
			Depths:  map[string]int64{"ranges": int64(6 * wave(40, .9)), "ranges:leased": 4, "callbacks:slow": int64(down * 1.4), "callbacks:parked": 3, "callbacks:verify": 41, "callbacks:copy.user": 12, "callbacks:confirm": 9},
			Heads: map[string]job.Head{
				"callbacks:slow":   {Since: since, Age: int64(now.Sub(since).Seconds()), Due: now.Add(40 * time.Second)},
				"callbacks:verify": {Since: now.Add(-8 * time.Second), Age: 8, Due: now.Add(2 * time.Second)},
				"callbacks:parked": {Since: now.Add(-50 * time.Hour), Age: 180000},
			},
			Stats: map[string]int64{
				"rows": int64(s*5200 + 9e5*math.Sin(s/600)), "ranges": int64(s * .6), "delivered": int64(math.Min(s, 2700)*21 + 900*math.Sin(s/300)), "differences": int64(s * 24), "closed_equal": int64(s * 20),
			},
		},
	}
	users.Open = users.Depths["callbacks:slow"] + 62
	orders := Job{
		MaxCallbacks: 100000, Destinations: []Destination{{"warehouse.order", "hooks.internal:443"}, {"search.order", "hooks.internal:443"}},
		State: job.State{
			Name: "shop.order", Source: "10.0.0.11:3306/shop.order#id", Leader: "node-2:812", Paused: "", Cursors: map[string]string{"insert:shop.order": "9120033"},
			Lag: map[string]int64{"insert:shop.order": 0}, Depths: map[string]int64{"ranges": 1, "callbacks:verify": 7},
			Stats: map[string]int64{"rows": int64(s * 1900), "ranges": int64(s * .2), "delivered": int64(s * 3.1)}, Open: 7,
		},
	}
	process := func(id, role string, busy int) job.Process {
		return job.Process{ID: id, Role: role, Host: "node", PID: 1, Version: "v1.0.0", Address: "10.0.0.2:8321", Jobs: "shop.user shop.order", Busy: busy, RSS: 31 << 20, Started: start.Add(-50 * time.Hour), LastBeat: now.Add(-4 * time.Second)}
	}
	return Overview{
		At: now, Version: "v1.0.0", Process: "node-1:4711", Memory: 38, Jobs: []Job{orders, users}, NotReady: []Problem{}, Rows: true,
		Processes: []job.Process{process("node-1:4711", "scheduler", 0), process("node-2:812", "scheduler", 0), process("node-3:77", "worker", 5), process("node-4:78", "worker", 3)},
		Receivers: []job.Receiver{
			{Host: "hooks.internal:443", State: "closed", InFlight: 2, LastUsed: now},
			{Host: "repair.internal:20000", State: "open", Since: since, Next: now.Add(20 * time.Second), Failures: 214, Code: "http_503", LastUsed: now},
		},
	}
}

func (n night) Callbacks(_ context.Context, p Place) (Callbacks, error) {
	page := Callbacks{Total: 1260, Next: p.First + p.Most}
	for i := range p.Most {
		k := 48_100_000 + (p.First+i)*37
		page.Callbacks = append(page.Callbacks, job.Waiting{
			ID: fmt.Sprintf("copy.user:shop.user:%d", k), Queue: p.Queue, Destination: "copy.user", Key: fmt.Sprint(k), Type: []string{"missing", "different"}[i%3%2],
			Attempts: "4", FirstSeen: time.Now().Add(-14 * time.Minute), Due: time.Now().Add(time.Duration(60+i*3) * time.Second), Status: "503", Error: "http_503",
		})
	}
	return page, nil
}

func (n night) Callback(context.Context, string, string) (job.Shown, error) {
	return job.Shown{}, nil
}
func (n night) Ranges(context.Context, Place) (Ranges, error) { return Ranges{}, nil }
func (n night) Events(context.Context, string, int) ([]job.Event, error) {
	return []job.Event{
		{At: time.Now().Add(-13 * time.Minute), Job: "shop.user", Kind: job.EventAlertRaised, Who: "node-3:77", What: "slow: 180 callbacks of copy.user failed four times (http_503)"},
		{At: time.Now().Add(-3 * time.Hour), Job: "shop.order", Kind: "retry", Who: "eva from 10.0.0.99", What: "all of the queue slow: ticket 512"},
	}, nil
}
func (n night) Act(_ context.Context, o Order) (Outcome, error) {
	return Outcome{Did: map[string]int{"done": max(1, len(o.IDs))}}, nil
}
func (n night) Pause(context.Context, Pause) (time.Time, error)     { return time.Time{}, nil }
func (n night) Resume(context.Context, Pause) (bool, error)         { return true, nil }
func (n night) Rescan(context.Context, Rescan) (job.Scan, error)    { return "rescan-7", nil }
func (n night) Audit(context.Context, Audit) ([]string, error)      { return nil, nil }
func (n night) Remove(context.Context, Removal) (int, error)        { return 1, nil }
func (n night) Quiet(context.Context, string, string, string) error { return nil }
func (n night) Loud(context.Context, string, string) (bool, error)  { return true, nil }
func (n night) Row(context.Context, Look) (any, error)              { return pictured, nil }

// pictured is a row that lags behind at one destination.
var pictured = []map[string]any{{"job": "shop.user", "destination": "copy.user", "verdict": "different", "columns": []map[string]any{
	{"source": "number", "destination": "no", "source_values": []any{"u48100000"}, "destination_values": []any{"u48100000"}},
	{"source": "name", "destination": "name", "differs": true, "source_values": []any{"eva "}, "destination_values": []any{"eva"}},
	{"source": "avatar", "destination": "avatar", "differs": true, "source_values": []any{map[string]string{"hex": "00ff27"}}, "destination_values": []any{nil}},
	{"source": "ratio", "destination": "ratio", "overlooked": true, "source_values": []any{"1.6667"}, "destination_values": []any{"1.67"}},
}}}

// nightServer has the last hour behind it.
func nightServer(t *testing.T) string {
	t.Helper()
	n := night{time.Now().Add(-time.Hour)}
	s, err := New(Config{Addr: "127.0.0.1:0"}, Sources{Fleet: n, Steering: n}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	for at := n.start; at.Before(time.Now().Add(-pointEvery)); at = at.Add(pointEvery) {
		s.watch.remember(n.overview(at))
	}
	s.Start()
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	return "http://" + s.Addr()
}

// TestPictures opens each page of the dashboard in each view, and fails if the browser
// complains or anything is wider than the screen.
func TestPictures(t *testing.T) {
	t.Parallel()
	address := nightServer(t)
	for _, v := range []struct {
		name, language string
		view           browsertest.View
	}{
		{"desktop", "en", browsertest.View{Width: 1280, Height: 860}},
		{"desktop-dark", "zh", browsertest.View{Width: 1280, Height: 860, Dark: true}},
		{"phone", "zh", browsertest.View{Width: 390, Height: 844, Phone: true}},
		{"phone-dark", "en", browsertest.View{Width: 390, Height: 844, Phone: true, Dark: true}},
	} {
		t.Run(v.name, func(t *testing.T) {
			tab := browsertest.New(t, v.view)
			tab.Open(address)
			tab.Run(fmt.Sprintf("localStorage.setItem('cupid-language', %q); localStorage.setItem('cupid-user', 'eva');", v.language))
			for page, c := range map[string]struct{ hash, sees string }{
				"overview": {"#/", "shop.order"}, "job": {"#/jobs/shop.user", "48211903"}, "callbacks": {"#/callbacks?job=shop.user&queue=slow", "copy.user:shop.user:48100000"},
				"processes": {"#/workers", "node-4:78"}, "row": {"#/row?job=shop.user&key=48100000", "≠"}, "receivers": {"#/endpoints", "repair.internal:20000"}, "events": {"#/events", "ticket 512"},
			} {
				tab.Open(address + "/?" + page + c.hash)
				tab.Sees(c.sees)
				tab.Until("document.querySelectorAll('#troubles .trouble').length > 0")
				require.LessOrEqual(t, tab.Number("document.documentElement.scrollWidth - innerWidth"), 0., "%s is wider than the screen", page)
				keep(t, page+"-"+v.name+".png", tab.Picture())
			}
			tab.Open(address + "/?dialog#/callbacks?job=shop.user&queue=slow")
			tab.Click("#everything")
			tab.Click("#act-drop")
			tab.Until("document.querySelector('dialog[open]')")
			require.LessOrEqual(t, tab.Number("document.querySelector('dialog').getBoundingClientRect().width - innerWidth"), 0.)
			keep(t, "dialog-"+v.name+".png", tab.Picture())
		})
	}
}

func keep(t *testing.T, name string, picture []byte) {
	t.Helper()
	if *pictures != "" {
		require.NoError(t, os.WriteFile(filepath.Join(*pictures, name), picture, 0o600))
	}
}
