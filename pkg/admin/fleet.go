package admin

import (
	"context"
	"errors"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Fleet is what the API shows: all jobs of the Redis that this process uses, not
// only its own. Errors about the question are ErrUnknown; others are taken for
// those of a server that does not answer.
type Fleet interface {
	// Overview is how everything fares now, or fared maxAge ago at most.
	Overview(ctx context.Context, maxAge time.Duration) (Overview, error)
	Lists
}

// Lists are what stands in Redis, a page at once.
type Lists interface {
	Callbacks(context.Context, Place) (Callbacks, error)
	// Callback is one open callback of a job, of the only one for "".
	Callback(ctx context.Context, name, id string) (job.Shown, error)
	Ranges(context.Context, Place) (Ranges, error)
	// Events are the newest n of a job, of all jobs for "".
	Events(ctx context.Context, job string, n int) ([]job.Event, error)
}

// Steering is what people do.
type Steering interface {
	Orders
	// Row reads a row at the source and at each destination, and notes who looked. What it
	// gives is written as JSON. ErrForbidden: this process shows none. ErrElsewhere: it has no such job.
	Row(context.Context, Look) (any, error)
	// Rescan begins to have rows looked at again; the ids of its ranges, and its events, begin
	// with the scan. ErrElsewhere: this process cannot.
	Rescan(context.Context, Rescan) (scan job.Scan, err error)
}

// Orders are what people have done with what stands in Redis. Each leaves an event with who it was.
type Orders interface {
	// Act does what an order says, a bounded part of it at once.
	Act(context.Context, Order) (Outcome, error)
	// Audit finds open callbacks that stand in no queue; where it says so they are read again.
	Audit(context.Context, Audit) (strays []string, err error)
	// Pause has a job or a destination stand still; the time is when that ends, zero for never.
	Pause(context.Context, Pause) (until time.Time, err error)
	// Resume has it go on; held says whether it was paused.
	Resume(context.Context, Pause) (held bool, err error)
	// Quiet has a process finish what it leased and fetch nothing more.
	Quiet(ctx context.Context, process, who, why string) error
	// Loud has it go on; held says whether it was quiet.
	Loud(ctx context.Context, process, who string) (held bool, err error)
	// Remove forgets a job for good, and says how many keys it had. ErrInUse: a process runs it.
	Remove(context.Context, Removal) (keys int, err error)
}

// Errors about what was asked.
var (
	ErrUnknown   = errors.New("there is no such thing")
	ErrElsewhere = errors.New("another process has to be asked")
	ErrForbidden = errors.New("the config does not allow it")
	ErrInUse     = errors.New("it is in use")
)

// Asked marks err as one about what was asked, and leaves it its words.
func Asked(mark, err error) error { return askedError{err, mark} }

type askedError struct {
	error
	mark error
}

func (e askedError) Unwrap() []error { return []error{e.error, e.mark} }

// Overview is how a fleet fares.
type Overview struct {
	At        time.Time      `json:"at"`
	Version   string         `json:"version"`        // of the process that answers
	Process   string         `json:"process"`        // its id
	Memory    int            `json:"memory_percent"` // of Redis' maxmemory; 0 where it has none
	Jobs      []Job          `json:"jobs"`
	Processes []job.Process  `json:"processes"`
	Receivers []job.Receiver `json:"endpoints"`
	// Rows says that this process shows single rows.
	Rows bool `json:"rows"`
	// NotReady is what keeps the process that answers from working.
	NotReady []Problem `json:"not_ready"`
	// Troubles are what a person should know of, the worst first.
	Troubles []Trouble `json:"troubles"`
}

// Job is how one job fares.
type Job struct {
	job.State
	// MaxCallbacks is how many may be open; 0 where this process does not have the job.
	MaxCallbacks int           `json:"max_callbacks"`
	Destinations []Destination `json:"destinations"`

	RowsPerSecond      float64 `json:"rows_per_second"`
	DeliveredPerSecond float64 `json:"callbacks_per_second"`
}

// Destination is one of a job.
type Destination struct {
	Name string `json:"name"`
	// Receiver is the "host:port" that is called; "" where this process does not know.
	Receiver string `json:"endpoint,omitempty"`
}

// Place is a part of a queue.
type Place struct {
	Job         string
	Destination string // "" for all
	Queue       string
	First, Most int // places, from 0
}

// Callbacks are a page of open callbacks.
type Callbacks struct {
	Callbacks []job.Waiting `json:"callbacks"`
	Total     int           `json:"total"` // in the queue
	Next      int           `json:"next"`  // where the next page begins; 0 when there is none
}

// Ranges are a page of ranges that are not done.
type Ranges struct {
	Ranges []job.WaitingRange `json:"ranges"`
	Total  int                `json:"total"`
	Next   int                `json:"next"`
}

// Order is what a person wants done with callbacks: those with the ids, or all of a queue.
type Order struct {
	Act         job.Act  `json:"-"`
	Who         string   `json:"-"`
	Job         string   `json:"job"`
	IDs         []string `json:"ids,omitempty"`
	Queue       string   `json:"queue,omitempty"`
	Destination string   `json:"destination,omitempty"`
	Before      int      `json:"before,omitempty"` // go on with what an earlier answer left
	Reason      string   `json:"reason,omitempty"`
}

// Outcome is what came of an order.
type Outcome struct {
	Did  map[string]int `json:"did"`  // by the words of job.Acted
	Left int            `json:"left"` // of the queue; repeat the order with it as Before
}

// Audit is a search for callbacks that somebody has deleted from their queue by hand.
type Audit struct {
	Who string `json:"-"`
	Job string `json:"job,omitempty"` // "" for the only one
	Fix bool   `json:"fix"`
}

// Rescan is what a person wants looked at again.
type Rescan struct {
	Who    string `json:"-"`
	Job    string `json:"job"`            // "" for the only one of the process
	From   string `json:"from,omitempty"` // scan keys, both inclusive; "" is no bound
	To     string `json:"to,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Removal is a job that a person wants forgotten.
type Removal struct{ Who, Job, Reason string }

// Look is a row that a person wants to see: that with a scan key, or those with a value for each byColumn.
type Look struct {
	Who         string   `json:"-"`
	Job         string   `json:"job"`
	Destination string   `json:"destination,omitempty"` // "" for all
	Key         string   `json:"key,omitempty"`
	By          []string `json:"by,omitempty"`
}

// Pause has a job, or the callbacks of one of its destinations, stand still for a while,
// or for 0 until somebody resumes it. Of a resume Reason and For say nothing.
type Pause struct {
	Who, Job, Destination, Reason string
	For                           time.Duration
}
