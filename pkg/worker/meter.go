package worker

import (
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Meter counts what the loops do. Each field may be nil.
type Meter struct {
	OnRange func(scan job.Scan, counts job.Counts, took time.Duration, err error)
	// OnReadOn hears of each range that was gone through whether replicas were read.
	OnReadOn   func(replicas bool)
	OnCompared func(destination string, rows, differences int)
	// OnUnexplained counts rows whose hashes differ and none of whose columns does.
	OnUnexplained func(destination string, rows int)
	OnPosted      func(destination string, c job.LeasedCallback, a job.Answer)
	OnSettled     func(destination string, to job.Phase, answer job.Settled)
	OnReclaimed   func(r job.Reclaimed)
}

// Range counts a range that was compared, or was not.
func (m Meter) Range(scan job.Scan, counts job.Counts, took time.Duration, err error) {
	if m.OnRange != nil {
		m.OnRange(scan, counts, took, err)
	}
}

// ReadOn counts a range by where its rows were read.
func (m Meter) ReadOn(replicas bool) {
	if m.OnReadOn != nil {
		m.OnReadOn(replicas)
	}
}

// Compared counts rows of one destination.
func (m Meter) Compared(destination string, rows, differences int) {
	if m.OnCompared != nil {
		m.OnCompared(destination, rows, differences)
	}
}

// Unexplained counts rows whose hashes say what their columns do not.
func (m Meter) Unexplained(destination string, rows int) {
	if m.OnUnexplained != nil {
		m.OnUnexplained(destination, rows)
	}
}

// Posted counts a POST.
func (m Meter) Posted(destination string, c job.LeasedCallback, a job.Answer) {
	if m.OnPosted != nil {
		m.OnPosted(destination, c, a)
	}
}

// Settled counts what became of a lease.
func (m Meter) Settled(destination string, to job.Phase, answer job.Settled) {
	if m.OnSettled != nil {
		m.OnSettled(destination, to, answer)
	}
}

// Reclaimed counts what was taken back.
func (m Meter) Reclaimed(r job.Reclaimed) {
	if m.OnReclaimed != nil {
		m.OnReclaimed(r)
	}
}
