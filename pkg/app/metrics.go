package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/notify"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
	"github.com/masixun71/cupid-go/pkg/worker"
)

// meters are what this process counts of its own work. What waits in Redis is
// read from there when somebody asks.
type meters struct {
	ranges      *prometheus.HistogramVec
	failures    *prometheus.CounterVec
	readOn      *prometheus.CounterVec
	replicaLag  *prometheus.GaugeVec
	rows        *prometheus.CounterVec
	differing   *prometheus.CounterVec
	unexplained *prometheus.CounterVec
	posts       *prometheus.HistogramVec
	settled     *prometheus.CounterVec
	reclaimed   *prometheus.CounterVec
	attempts    *prometheus.CounterVec
	retryAge    *prometheus.HistogramVec
	claimed     *prometheus.CounterVec
	leased      *prometheus.CounterVec
	queries     *prometheus.HistogramVec
	redis       prometheus.Histogram
	scripts     *prometheus.CounterVec
	waits       *prometheus.CounterVec
	alerts      *prometheus.CounterVec
}

func newMeters(r prometheus.Registerer) *meters {
	f := promauto.With(r)
	seconds := []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10}
	return &meters{
		ranges:      f.NewHistogramVec(prometheus.HistogramOpts{Name: "cupid_range_seconds", Help: "Time to compare a range.", Buckets: seconds}, []string{"job", "scan"}),
		failures:    f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_range_failures_total", Help: "Ranges that were not compared and are tried again."}, []string{"job"}),
		readOn:      f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_ranges_read_total", Help: "Ranges compared, by where their rows were read: on primaries, or on replicas at least in part."}, []string{"job", "on"}),
		replicaLag:  f.NewGaugeVec(prometheus.GaugeOpts{Name: "cupid_replica_lag_seconds", Help: "How far a replica that ranges may be read on said it is behind, when it was asked last; -1 when it did not say."}, []string{"server"}),
		rows:        f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_rows_compared_total", Help: "Source rows compared with a destination."}, []string{"job", "destination"}),
		differing:   f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_rows_differing_total", Help: "Source rows that were missing or different at the first look."}, []string{"job", "destination"}),
		unexplained: f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_rows_unexplained_total", Help: "Source rows whose hashes differ on the servers time after time, while none of their columns does."}, []string{"job", "destination"}),
		posts:       f.NewHistogramVec(prometheus.HistogramOpts{Name: "cupid_callback_seconds", Help: "Time until a receiver answered, or did not.", Buckets: seconds}, []string{"job", "destination", "outcome"}),
		settled:     f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_callbacks_settled_total", Help: "Leased callbacks by where they went."}, []string{"job", "destination", "to"}),
		reclaimed:   f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_leases_reclaimed_total", Help: "Leases taken back from workers that were gone."}, []string{"job", "kind"}),
		attempts:    f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_callback_attempts_total", Help: "POSTs by receiver and class of the answer."}, []string{"receiver", "class"}),
		retryAge:    f.NewHistogramVec(prometheus.HistogramOpts{Name: "cupid_callback_retry_age_seconds", Help: "Age of a difference, from its first sight, when its callback is sent again.", Buckets: []float64{10, 60, 300, 900, 3600, 4 * 3600, 86400, 7 * 86400}}, []string{"job", "destination"}),
		claimed:     f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_ranges_claimed_total", Help: "Ranges that this process claimed as the leader."}, []string{"job"}),
		leased:      f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_leases_total", Help: "Ranges and callbacks that this process took to work on."}, []string{"job", "kind"}),
		queries:     f.NewHistogramVec(prometheus.HistogramOpts{Name: "cupid_database_query_seconds", Help: "Time of a query that a database answered, the reading of its rows included.", Buckets: seconds}, []string{"kind"}),
		redis:       f.NewHistogram(prometheus.HistogramOpts{Name: "cupid_redis_seconds", Help: "Time until Redis answered a command, or several that were sent together.", Buckets: []float64{.0001, .0003, .001, .003, .01, .03, .1, .3, 1, 3}}),
		scripts:     f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_redis_script_errors_total", Help: "Scripts that ended with an error of their own. Any is a fault of cupid, or of what stands in Redis."}, []string{"script"}),
		waits:       f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_database_wait_seconds_total", Help: "Time that queries waited because a database server has enough of them."}, []string{"server"}),
		alerts:      f.NewCounterVec(prometheus.CounterOpts{Name: "cupid_alert_messages_total", Help: "Messages to people, by what became of them. A failed one is tried again."}, []string{"channel", "outcome"}),
	}
}

// Where the rows of a range were read.
const (
	onPrimaries = "primaries"
	onReplicas  = "replicas"
)

func (m *meters) countReadOn(name string) func(replicas bool) {
	primaries, replicas := m.readOn.WithLabelValues(name, onPrimaries), m.readOn.WithLabelValues(name, onReplicas)
	return func(onReplicas bool) {
		if onReplicas {
			replicas.Inc()
		} else {
			primaries.Inc()
		}
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

// zeros shows what has not happened yet, and the kinds of channels that have not sent anything yet.
func (m *meters) zeros(kinds []string) {
	for _, kind := range mysql.Kinds() {
		m.queries.WithLabelValues(string(kind))
	}
	for _, script := range broker.Scripts() {
		m.scripts.WithLabelValues(script)
	}
	for _, kind := range kinds {
		for _, outcome := range []string{alertSent, alertFailed, alertDropped} {
			m.alerts.WithLabelValues(kind, outcome)
		}
	}
}

// ear is the part of the meters that hears what is asked of Redis.
func (m *meters) ear() broker.Ear {
	return broker.Ear{
		OnAnswer:      func(took time.Duration) { m.redis.Observe(took.Seconds()) },
		OnScriptError: func(script string) { m.scripts.WithLabelValues(script).Inc() },
	}
}

// query notes a query of a database.
func (m *meters) query(kind mysql.Kind, took time.Duration) {
	m.queries.WithLabelValues(string(kind)).Observe(took.Seconds())
}

// classes are those of answers.
var classes = []string{"2xx", "3xx", "4xx", "5xx", "none"}

// class of an answer; "none" where there was none.
func class(status int) string {
	if n := status / 100; n >= 2 && n <= 5 {
		return classes[n-2]
	}
	return "none"
}

// job is the part of the meters that one job's worker uses; receivers are by destination. Its counters begin at
// zero, so that the first event of each is an increase.
func (m *meters) job(name string, receivers map[string]string, destinations ...string) worker.Meter {
	m.failures.WithLabelValues(name)
	for _, kind := range []string{"range", "callback"} {
		m.reclaimed.WithLabelValues(name, kind)
		m.leased.WithLabelValues(name, kind)
	}
	for _, receiver := range receivers {
		for _, class := range classes {
			m.attempts.WithLabelValues(receiver, class)
		}
	}
	for _, d := range destinations {
		for _, counter := range []*prometheus.CounterVec{m.rows, m.differing, m.unexplained} {
			counter.WithLabelValues(name, d)
		}
		m.retryAge.WithLabelValues(name, d)
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
		OnReadOn: m.countReadOn(name),
		OnCompared: func(destination string, rows, differences int) {
			m.rows.WithLabelValues(name, destination).Add(float64(rows))
			m.differing.WithLabelValues(name, destination).Add(float64(differences))
		},
		OnUnexplained: func(destination string, rows int) {
			m.unexplained.WithLabelValues(name, destination).Add(float64(rows))
		},
		OnPosted: func(destination string, c job.LeasedCallback, a job.Answer) {
			m.attempts.WithLabelValues(receivers[destination], class(a.Status)).Inc()
			if c.Attempts > 0 || c.Posted {
				m.retryAge.WithLabelValues(name, destination).Observe(c.LeasedAt.Sub(c.FirstSeen).Seconds())
			}
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
