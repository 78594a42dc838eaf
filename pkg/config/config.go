// Package config turns a config file into checked settings.
package config

import (
	"log/slog"
	"time"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/notify"
)

// The forms of a config file.
const (
	FormSeed = "seed" // JSON with src and des: one job
	FormJob  = "job"  // YAML, TOML or JSON with jobs
)

// Config is everything a config file, the environment and the flags say.
type Config struct {
	Path string // of the file
	Form string // FormSeed or FormJob

	Jobs     []job.Job // the good ones
	Bad      []BadJob  // the others, to be shown while the good ones run
	Warnings []string  // what was read otherwise than it stands, one line each

	Redis   *broker.Config // nil when none is named
	State   string         // file or directory of the embedded store
	Log     Log
	HTTP    HTTP
	Worker  Worker
	Load    job.Load // of each database server
	Process Process
	Alerts  notify.Config
}

// BadJob is a job that cannot run, by name or by its place in the file.
type BadJob struct {
	Name string
	Err  *Error
}

// Log says where log lines go besides the console, and how they look.
type Log struct {
	Dir       string // "" means the console alone
	Format    string // "text" or "json"
	Level     slog.Level
	MaxSizeMB int // a file is rotated at this size
	MaxFiles  int // so many rotated files are kept
}

// HTTP says where health, metrics and the admin API are served.
type HTTP struct {
	Addr  string     // host:port; port 0 means the default of the role
	Token job.Secret // what API and dashboard ask for; empty: nothing is asked
	Open  bool       // no token is wanted, although other machines reach the address
	Rows  bool       // the API and the dashboard show rows of both sides
}

// Worker says how much one worker does at once and how often it looks for
// work that nobody announced.
type Worker struct {
	Comparers    int
	RangePoll    time.Duration
	CallbackPoll time.Duration
}

// Process holds the times that every process keeps.
type Process struct {
	ShutdownTimeout time.Duration // to drain after a signal
	Lease           time.Duration // the right to work on an item, unless extended
}
