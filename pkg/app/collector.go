package app

import (
	"context"
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
	descDown   = gauge("cupid_receiver_down", "1 when a receiver fails all the time and is left alone for a while.", "receiver")
)

// Describe names the metrics.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descDepth, descOpen, descLed, descPaused, descDown} {
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
			send(descDepth, float64(n), j.Name, strings.ReplaceAll(queue, ":", "_"))
		}
		send(descOpen, float64(j.Open), j.Name)
		send(descLed, truth(j.Leader != ""), j.Name)
		send(descPaused, truth(j.Paused != ""), j.Name)
	}
	receivers, err := c.receivers(ctx)
	if err != nil {
		return
	}
	for _, r := range receivers {
		send(descDown, truth(r.State == "open" || r.State == "half_open"), r.Host)
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
