package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/notify"
	"github.com/masixun71/cupid-go/pkg/worker"
)

// meters are what this process counts of its own work. What waits in Redis is
// read from there when somebody asks.
type meters struct {
	ranges      *prometheus.HistogramVec
	failures    *prometheus.CounterVec
	rows        *prometheus.CounterVec
	differing   *prometheus.CounterVec
	unexplained *prometheus.CounterVec
	posts       *prometheus.HistogramVec
	settled     *prometheus.CounterVec
	reclaimed   *prometheus.CounterVec
	lag         *prometheus.GaugeVec
	waits       *prometheus.CounterVec
	alerts      *prometheus.CounterVec
}

func newMeters(r prometheus.Registerer) *meters {
	f := promauto.With(r)
	seconds := []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10}
	return &meters{
		ranges:      f.NewHistogramVec(prometheus.HistogramOpts{Name: "cupid_range_seconds", Help: "Time to compare a range.", Buckets: seconds}, []string{"job", "scan"}),
		failures:    f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_range_failures_total", Help: "Ranges that were not compared and are tried again."}, []string{"job"}),
		rows:        f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_rows_compared_total", Help: "Source rows compared with a destination."}, []string{"job", "destination"}),
		differing:   f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_rows_differing_total", Help: "Source rows that were missing or different at the first look."}, []string{"job", "destination"}),
		unexplained: f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_rows_unexplained_total", Help: "Source rows whose hashes differ on the servers time after time, while none of their columns does."}, []string{"job", "destination"}),
		posts:       f.NewHistogramVec(prometheus.HistogramOpts{Name: "cupid_callback_seconds", Help: "Time until a receiver answered, or did not.", Buckets: seconds}, []string{"job", "destination", "outcome"}),
		settled:     f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_callbacks_settled_total", Help: "Leased callbacks by where they went."}, []string{"job", "destination", "to"}),
		reclaimed:   f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_leases_reclaimed_total", Help: "Leases taken back from workers that were gone."}, []string{"job", "kind"}),
		lag:         f.NewGaugeVec(prometheus.GaugeOpts{Name: "cupid_scan_lag", Help: "How far a scan is behind: ids for an insert scan, seconds for an update scan. Set by the leader."}, []string{"job", "scan"}),
		waits:       f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_database_wait_seconds_total", Help: "Time that queries waited because a database server has enough of them."}, []string{"server"}),
		alerts:      f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_alert_messages_total", Help: "Messages to people, by what became of them. A failed one is tried again."}, []string{"channel", "outcome"}),
	}
}

// What becomes of a message.
const (
	alertSent    = "sent"
	alertFailed  = "failed"
	alertDropped = "dropped"
)

// channels is the part of the meters that the notifier uses.
func (m *meters) channels() notify.Meter {
	count := func(outcome string) func(string) {
		return func(kind string) { m.alerts.WithLabelValues(kind, outcome).Inc() }
	}
	return notify.Meter{OnSent: count(alertSent), OnFailed: count(alertFailed), OnDropped: count(alertDropped)}
}

// zeros shows the kinds of channels that have not sent anything yet.
func (m *meters) zeros(kinds []string) {
	for _, kind := range kinds {
		for _, outcome := range []string{alertSent, alertFailed, alertDropped} {
			m.alerts.WithLabelValues(kind, outcome)
		}
	}
}

// job is the part of the meters that one job's worker uses. Its counters begin at
// zero, so that the first event of each is an increase.
func (m *meters) job(name string, destinations ...string) worker.Meter {
	m.failures.WithLabelValues(name)
	for _, kind := range []string{"range", "callback"} {
		m.reclaimed.WithLabelValues(name, kind)
	}
	for _, d := range destinations {
		for _, counter := range []*prometheus.CounterVec{m.rows, m.differing, m.unexplained} {
			counter.WithLabelValues(name, d)
		}
		for outcome := job.Unknown; outcome <= job.NotSent; outcome++ {
			m.posts.WithLabelValues(name, d, outcome.String())
		}
	}
	return worker.Meter{
		OnRange: func(scan job.Scan, _ job.Counts, took time.Duration, err error) {
			if err != nil {
				m.failures.WithLabelValues(name).Inc()
				return
			}
			m.ranges.WithLabelValues(name, scan.Kind()).Observe(took.Seconds())
		},
		OnCompared: func(destination string, rows, differences int) {
			m.rows.WithLabelValues(name, destination).Add(float64(rows))
			m.differing.WithLabelValues(name, destination).Add(float64(differences))
		},
		OnUnexplained: func(destination string, rows int) {
			m.unexplained.WithLabelValues(name, destination).Add(float64(rows))
		},
		OnPosted: func(destination string, a job.Answer) {
			m.posts.WithLabelValues(name, destination, a.Outcome.String()).Observe(a.Took.Seconds())
		},
		OnSettled: func(destination string, to job.Phase, answer job.Settled) {
			label := string(to)
			if answer != job.SettledOK {
				label = string(answer)
			}
			m.settled.WithLabelValues(name, destination, label).Inc()
		},
		OnReclaimed: func(r job.Reclaimed) {
			m.reclaimed.WithLabelValues(name, "range").Add(float64(r.Ranges))
			m.reclaimed.WithLabelValues(name, "callback").Add(float64(r.Callbacks))
		},
	}
}
