package app

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/masixun71/cupid-go/pkg/job"
)

// collector shows what waits in Redis, as each scheduler sees it: a scrape costs
// no more than the page does, and shares its looks. Where Redis does not answer
// there are no values, as old ones would pass for true.
type collector struct {
	jobs      func(ctx context.Context) ([]job.State, error)
	receivers func(ctx context.Context) ([]job.Receiver, error)
}

// scrapeTime bounds the look of a scrape.
const scrapeTime = 2 * time.Second

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	descDepth  = gauge("cupid_queue_depth", "What waits in a queue of a job: ranges, or callbacks.", "job", "queue")
	descOpen   = gauge("cupid_callbacks_open", "Callbacks that cupid still works on; parked ones wait for a person.", "job")
	descLed    = gauge("cupid_job_led", "1 when a scheduler leads the job.", "job")
	descPaused = gauge("cupid_job_paused", "1 when a person holds the job.", "job")
	descOldest = gauge("cupid_queue_oldest_seconds", "For how long the callback that stands first in a queue is open, or parked, and the range is claimed.", "job", "queue")
	descLate   = gauge("cupid_promote_lag_seconds", "For how long the first of the delayed ranges and callbacks is due and nobody has moved it to its list.", "job")
	descLag    = gauge("cupid_scan_lag", "How far a scan is behind, as its leader said last: ids for an insert scan, seconds for an update scan.", "job", "scan")
	descCursor = gauge("cupid_scan_cursor", "Upper end of what a scan has claimed: a scan key that is a number, or a time as Unix seconds.", "job", "scan")
	descHeld   = gauge("cupid_destination_held", "1 when a person or the brake holds the callbacks of a destination.", "job", "destination")
	descDown   = gauge("cupid_receiver_down", "1 when a receiver fails all the time and is left alone for a while.", "receiver")
)

// Describe names the metrics.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descDepth, descOpen, descLed, descPaused, descHeld, descOldest, descLate, descLag, descCursor, descDown} {
		to <- d
	}
}

// Collect reads all jobs and receivers.
func (c collector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	send := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	jobs, err := c.jobs(ctx)
	if err != nil {
		return
	}
	for _, j := range jobs {
		for queue, n := range j.Depths {
			label := strings.ReplaceAll(queue, ":", "_")
			send(descDepth, float64(n), j.Name, label)
			if queue != "samples" { // which wait for a time, and for nobody
				send(descOldest, float64(j.Heads[queue].Age), j.Name, label)
			}
		}
		send(descLate, promoteLag(j), j.Name)
		for scan, behind := range byScan(j.Lag) {
			send(descLag, float64(behind), j.Name, scan)
		}
		for scan, at := range byScan(cursors(j)) {
			send(descCursor, at, j.Name, scan)
		}
		send(descOpen, float64(j.Open), j.Name)
		send(descLed, truth(j.Leader != ""), j.Name)
		send(descPaused, truth(j.Paused != ""), j.Name)
		for _, d := range destinationsOf(j) {
			send(descHeld, truth(j.Held[d] != ""), j.Name, d)
		}
	}
	receivers, err := c.receivers(ctx)
	if err != nil {
		return
	}
	for _, r := range receivers {
		send(descDown, truth(r.Down()), r.Host)
	}
}

// promoteLag is for how long the first of what is delayed is due.
func promoteLag(j job.State) float64 {
	late := int64(0)
	for queue, head := range j.Heads {
		if !strings.HasSuffix(queue, ":leased") { // those are the reclaimer's
			late = max(late, head.Late)
		}
	}
	return float64(late)
}

// cursors are those that a number can show.
func cursors(j job.State) map[string]float64 {
	all := map[string]float64{}
	for scan, text := range j.Cursors {
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
			all[scan] = float64(t.UnixMilli()) / 1000
		} else if n, err := strconv.ParseFloat(text, 64); err == nil {
			all[scan] = n
		}
	}
	return all
}

// byScan gives the greatest value of each scan over its shards.
func byScan[N int64 | float64](values map[string]N) map[string]N {
	all := map[string]N{}
	for field, n := range values {
		scan, _, _ := strings.Cut(field, ":")
		if have, found := all[scan]; !found || n > have {
			all[scan] = n
		}
	}
	return all
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
