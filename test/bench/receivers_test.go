//go:build bench

package bench

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
)

// span is for how long each of the smaller measurements goes on, from SECONDS.
func span(t *testing.T) time.Duration {
	t.Helper()
	return time.Duration(setting(t, "SECONDS", 10)) * time.Second
}

// TestDeliverySlow measures the rate at receivers that take their time, beside
// what that time allows with so many POSTs in flight.
func TestDeliverySlow(t *testing.T) {
	var lines [][2]string
	for _, takes := range []time.Duration{time.Millisecond, 50 * time.Millisecond, time.Second} {
		allowed := workers * concurrency / takes.Seconds()
		n := min(int(allowed*span(t).Seconds()), callbacks(t)/2)
		source, far := newShops(t, n)
		r := newShop(t, far, "shop", takes)
		bare := 0.0
		if takes < time.Second {
			bareLoop(t, r, n, workers*concurrency)
			bare = rate(r.arrivals())
			far.Exec(t, "TRUNCATE shop")
			r.forget()
		}
		c := openChannel(t, source, n, []*repairer{r}, func(int) string { return fmt.Sprintf("concurrency: %d", concurrency) })
		eventually.Until(t, 10*time.Minute, slowly(func() bool { return c.posts() > 0 && c.open(t) == 0 }), "all callbacks are closed")
		came := r.arrivals()
		reached := float64(n) / (came[n-1].Sub(came[0]) + takes).Seconds()
		told := fmt.Sprintf("%.0f/s of %.0f/s: %.2f", reached, allowed, reached/allowed)
		if bare > 0 {
			told += fmt.Sprintf("; a bare loop: %.0f/s", bare)
		}
		lines = append(lines, [2]string{"a receiver that takes " + takes.String(), told})
		c.end(t)
	}
	table(t, fmt.Sprintf("Callbacks sent, of what %d POSTs at once allow.", workers*concurrency), lines)
}

// TestDeliveryDead measures nine receivers beside a tenth that hangs, and how the
// tenth fares while it does and when it is back.
func TestDeliveryDead(t *testing.T) {
	const (
		receivers, atOnce = 10, 4
		takes             = 50 * time.Millisecond
		limit             = 200 // POSTs a second to the tenth
	)
	n := int(workers * atOnce / takes.Seconds() * span(t).Seconds())
	source, far := newShops(t, n)
	run := func(tables string, dead bool) (c *channel, nine float64) {
		var all []*repairer
		for i := range receivers {
			all = append(all, newShop(t, far, tables+strconv.Itoa(i), takes))
		}
		if dead {
			all[receivers-1].hang()
		}
		c = openChannel(t, source, n, all, func(i int) string {
			options := fmt.Sprintf("concurrency: %d, retry: 2s", atOnce)
			if i == receivers-1 {
				options += fmt.Sprintf(", rate: %d", limit)
			}
			return options
		})
		done := func() bool {
			for _, r := range all[:receivers-1] {
				if r.posts() < n {
					return false
				}
			}
			return true
		}
		eventually.Until(t, 10*time.Minute, slowly(done), "the nine have heard of all")
		for _, r := range all[:receivers-1] {
			nine += rate(r.arrivals()[:n])
		}
		return c, nine
	}
	c, well := run("well", false)
	c.end(t)
	c, beside := run("beside", true) // other tables: the last repairs of before may still be on their way

	tenth := c.receivers[receivers-1]
	state := "cupid:{endpoint:" + tenth.Listener.Addr().String() + "}:state"
	opened, err := c.redis.Client.HGet(t.Context(), state, "opened").Int64()
	require.NoError(t, err, "the breaker is open")
	time.Sleep(max(0, 2*span(t)-time.Since(time.UnixMilli(opened)))) // so that callbacks become slow
	back := time.Now()
	var probes []time.Time
	leaving := time.UnixMilli(opened).Add(3 * time.Second) // answers to POSTs of before are waited for
	for _, at := range tenth.arrivals() {
		if at.After(leaving) {
			probes = append(probes, at)
		}
	}
	before := tenth.posts() - len(probes)
	shortest := back.Sub(leaving)
	for i := 1; i < len(probes); i++ {
		shortest = min(shortest, probes[i].Sub(probes[i-1]))
	}
	slow, err := c.redis.Client.ZCard(t.Context(), fleetKey("callbacks:slow")).Result()
	require.NoError(t, err)
	tenth.forget()
	tenth.recover()
	eventually.Until(t, 10*time.Minute, slowly(func() bool { return tenth.posts() > 0 }), "the tenth is called")
	eventually.Until(t, 10*time.Minute, slowly(func() bool { return c.open(t) == 0 }), "all callbacks are closed")
	drained := time.Now()
	require.Equal(t, n, count(t, tenth))
	came := tenth.arrivals()
	table(t, fmt.Sprintf("Ten receivers that take %s, %d callbacks each, %d POSTs at once, %d a second allowed at the tenth.", takes, n, workers*atOnce, limit), [][2]string{
		{"the nine, all ten well", fmt.Sprintf("%.0f/s", well)},
		{"the nine, the tenth hangs", fmt.Sprintf("%.0f/s: %.3f", beside, beside/well)},
		{"POSTs to the tenth until all left it alone", strconv.Itoa(before)},
		{"and then, while its breaker was open", fmt.Sprintf("%d in %s, %s apart at least", len(probes), back.Sub(leaving).Round(time.Second), shortest.Round(time.Second/10))},
		{"its callbacks in the slow queue then", strconv.FormatInt(slow, 10)},
		{"answering again until its first callback", seconds(came[0].Sub(back))},
		{"answering again until all are closed", seconds(drained.Sub(back))},
		{"most POSTs to it within a second", strconv.Itoa(most(came, time.Second))},
		{"most POSTs to it within a tenth of a second", strconv.Itoa(most(came, time.Second/10))},
	})
}
