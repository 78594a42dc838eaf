package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/check"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
	"github.com/masixun71/cupid-go/pkg/throttle"
)

var _ check.Side = (*mysql.Side)(nil)

// discard is for who has nothing to tell a log.
var discard = slog.New(slog.DiscardHandler)

// CheckOptions say what to compare and how.
type CheckOptions struct {
	Job, Destination string // names; "" means all
	// From and To are integer scan keys, both inclusive; "" means no bound.
	From, To string
	// Where and DestinationWhere are SQL conditions; without the second, the
	// first holds at the destination too.
	Where            string
	DestinationWhere *string
	Checksum         Checksum
	NoConfirm        bool
	MaxDifferences   int
	MaxTime          time.Duration // of each destination
	Parallel         int           // queries at once on each side
	State            string        // file to go on from; "" means none
	Limit            int           // keys in a report
	Fix              io.Writer     // gets the statements that would mend; may be nil
	FixDir           string        // for statements that wait for their turn; "" is the system's for temporary files
	// OnProgress hears of the destination in hand; may be nil.
	OnProgress func(job, destination string, p CheckProgress)
	Log        *slog.Logger
}

// CheckProgress is how far the comparison with one destination is.
type CheckProgress = check.Progress

// CheckPhase is what a comparison is about.
type CheckPhase = check.Phase

// The phases, in their order.
const (
	Comparing  = check.Comparing
	Listing    = check.Listing
	Confirming = check.Confirming
)

// Checksum is the hash of a row: fast or strong; "" is the job's.
type Checksum = job.Checksum

// CheckReport is the outcome for one destination.
type CheckReport struct {
	Job         string `json:"job"`
	Destination string `json:"destination"`
	Strategy    string `json:"strategy,omitempty"`
	Reason      string `json:"reason,omitempty"`
	// Error says why it could not be compared; then there is nothing more.
	Error string `json:"error,omitempty"`

	SourceRows           uint64 `json:"source_rows"`
	DestinationRows      uint64 `json:"destination_rows"`
	Compared             uint64 `json:"compared"`
	Missing              uint64 `json:"missing"`
	Different            uint64 `json:"different"`
	Extra                uint64 `json:"extra"`
	Respelled            uint64 `json:"respelled"` // their key is another spelling, as a collation reads it
	Several              uint64 `json:"several"`
	Unexplained          uint64 `json:"unexplained"`
	SourceNullKeys       uint64 `json:"source_null_keys"`
	DestinationNullKeys  uint64 `json:"destination_null_keys"`
	Unconfirmed          uint64 `json:"unconfirmed"` // counted as they looked at first sight
	Settled              uint64 `json:"settled"`     // equal when they were read again
	StoppedAt            string `json:"stopped_at,omitempty"`
	ExtraRowsNotLookedAt bool   `json:"extra_rows_not_looked_at,omitempty"`

	Seconds float64       `json:"seconds"`
	Keys    []CheckedKey  `json:"differences"`
	Took    time.Duration `json:"-"`
	differs bool
}

// CheckedKey is one key whose rows differ.
type CheckedKey struct {
	Key     string   `json:"key"`
	Values  []string `json:"values,omitempty"` // of a key of several columns, which Key shows with commas
	Kind    string   `json:"kind"`
	Columns []string `json:"columns,omitempty"`
}

// String is the kind, with the columns that differ.
func (k CheckedKey) String() string {
	if len(k.Columns) == 0 {
		return k.Kind
	}
	return k.Kind + ": " + strings.Join(k.Columns, ", ")
}

// Equal reports whether both sides were compared whole and are equal.
func (r *CheckReport) Equal() bool { return r.Error == "" && !r.differs && r.StoppedAt == "" }

// Differs reports whether rows differ.
func (r *CheckReport) Differs() bool { return r.differs }

// Check compares every destination that is asked for, one after the other. A
// destination that cannot be compared has its reason in its report; the error is
// for what concerns all: ErrConfig, a state file, a writer, the end of ctx.
func Check(ctx context.Context, c *config.Config, o CheckOptions) ([]CheckReport, error) {
	jobs, err := chosen(c, o)
	if err != nil {
		return nil, err
	}
	k := &checker{options: o, gates: newGates(c.Load, throttle.NewLocal(), sayWaits(o.Log))}
	if o.State != "" {
		spec, err := k.spec(jobs)
		if err != nil {
			return nil, err
		}
		if k.file, err = check.OpenFile(o.State, spec); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrConfig, err)
		}
	}
	whole := true
	for _, j := range jobs {
		if err := k.job(ctx, j); err != nil {
			return k.reports, err
		}
	}
	for _, r := range k.reports {
		whole = whole && r.Error == "" && r.StoppedAt == ""
	}
	if k.file != nil && whole {
		return k.reports, k.file.Remove()
	}
	return k.reports, nil
}

// chosen are the jobs, with the destinations, that are asked for.
func chosen(c *config.Config, o CheckOptions) ([]job.Job, error) {
	var jobs []job.Job
	var names []string
	for _, j := range c.Jobs {
		for _, d := range j.Destinations {
			names = append(names, j.Name+" → "+d.Name)
		}
		if o.Job != "" && o.Job != j.Name {
			continue
		}
		j.Destinations = slices.DeleteFunc(slices.Clone(j.Destinations), func(d job.Destination) bool {
			return o.Destination != "" && o.Destination != d.Name
		})
		if len(j.Destinations) > 0 {
			jobs = append(jobs, j)
		}
	}
	for _, bad := range c.Bad {
		if o.Job == "" || o.Job == bad.Name {
			return nil, fmt.Errorf("%w: job %s: %w", ErrConfig, bad.Name, bad.Err)
		}
	}
	if len(jobs) == 0 {
		return nil, fmt.Errorf("%w: no job %q with a destination %q; there are: %s", ErrConfig, o.Job, o.Destination, strings.Join(names, ", "))
	}
	return jobs, nil
}

// checker is one Check in progress.
type checker struct {
	options CheckOptions
	file    *check.File // nil without one
	reports []CheckReport
	gates   *gates
}

// spec is a fingerprint of all that the found differences depend on.
func (k *checker) spec(jobs []job.Job) (string, error) {
	hash := sha256.New()
	o := k.options
	write := json.NewEncoder(hash).Encode
	err := write([]any{o.From, o.To, o.Where, o.DestinationWhere, o.Checksum})
	for _, j := range jobs {
		details, bad := fingerprint(j)
		err = errors.Join(err, bad, write([]any{j.Name, j.Source.Shard, j.Source.ScanKey, details}))
		for _, dsn := range dsns(j) {
			d, bad := mysql.Open(dsn, mysql.Options{})
			if bad != nil {
				continue // told when it is to be used
			}
			err = errors.Join(err, write(d.Address()), d.Close())
		}
	}
	if err != nil {
		return "", fmt.Errorf("fingerprint of the comparison: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8]), nil
}

// job compares all destinations of a job.
func (k *checker) job(ctx context.Context, j job.Job) error {
	failed := func(err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, d := range j.Destinations {
			k.reports = append(k.reports, CheckReport{Job: j.Name, Destination: d.Name, Error: err.Error()})
		}
		return nil
	}
	j.Once = true
	plan, opened, err := inspect(ctx, j, mysql.Options{MaxOpen: 2*max(k.options.Parallel, 2) + 2, Gate: k.gates.of})
	if err != nil {
		return failed(err)
	}
	defer opened.close(k.options.Log)
	for _, w := range plan.Warnings {
		k.options.Log.Warn("a table could be better suited", "job", j.Name, "warning", w.String())
	}
	for n := range j.Destinations {
		if err := k.destination(ctx, j, plan, n); err != nil {
			return err
		}
	}
	return nil
}

// inspect opens the databases of a job and looks at its tables.
func inspect(ctx context.Context, j job.Job, o mysql.Options) (plan *mysql.Plan, opened pools, err error) {
	o.StatementTimeout = time.Minute
	opened, err = openPools(j, o)
	if err != nil {
		return nil, nil, err
	}
	if plan, err = opened.inspect(ctx, j); err != nil {
		opened.close(discard)
		return nil, nil, err
	}
	return plan, opened, nil
}

// destination compares one destination.
func (k *checker) destination(ctx context.Context, j job.Job, plan *mysql.Plan, n int) error {
	name := j.Destinations[n].Name
	report := CheckReport{Job: j.Name, Destination: name, Keys: []CheckedKey{}}
	defer func() { k.reports = append(k.reports, report) }()
	from, to, err := k.bounds(plan.Source)
	if err != nil {
		report.Error = err.Error()
		return nil
	}
	asked := k.options.pairing()
	if err := plan.Understood(ctx, n, asked); err != nil && ctx.Err() == nil {
		report.Error = err.Error()
		return nil
	}
	pairing := plan.Pairing(n, asked)
	report.Strategy, report.Reason = string(pairing.Strategy()), pairing.Reason()

	fix := newFixer(k.options.Fix, k.options.FixDir, pairing)
	if err := fix.begin(j.Name, name); err != nil {
		return err
	}
	options := check.Options{
		From: from, To: to, Confirm: j.ConfirmDelay,
		MaxDifferences: k.options.MaxDifferences, MaxTime: k.options.MaxTime, Parallel: k.options.Parallel,
		Report: func(_ context.Context, f check.Finding) error {
			if f.Kind == check.Unexplained {
				k.options.Log.Warn("the servers' hashes of a row differ and none of its columns does", "job", j.Name, "destination", name)
			}
			if len(report.Keys) < k.options.Limit {
				report.Keys = append(report.Keys, checkedKey(f, len(pairing.Relation().By)))
			}
			return fix.add(f)
		},
	}
	if k.options.NoConfirm {
		options.Confirm = 0
	}
	if k.options.OnProgress != nil {
		options.OnProgress = func(p check.Progress) { k.options.OnProgress(j.Name, name, p) }
	}
	if k.file != nil {
		// The strategy may have changed with the tables' indexes.
		key := j.Name + "/" + name + "/" + report.Strategy
		options.State = k.file.State(key)
		options.Save = func(s *check.State) error { return k.file.Save(key, s) }
	}
	result, err := check.Run(ctx, pairOf(j.Name, name, pairing), options)
	if err := fix.flush(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		report.Error = "interrupted"
		return context.Cause(ctx)
	}
	if err != nil {
		report.Error = err.Error()
		return nil
	}
	report.take(result)
	return fix.end(result)
}

func (o CheckOptions) pairing() mysql.PairingOptions {
	where := o.Where
	if o.DestinationWhere != nil {
		where = *o.DestinationWhere
	}
	return mysql.PairingOptions{Checksum: o.Checksum, SourceWhere: o.Where, DestinationWhere: where}
}

// bounds are the scan keys to compare, as (from, to].
func (k *checker) bounds(source *mysql.Source) (from, to job.Point, err error) {
	for _, b := range []struct {
		flag, text string
		shift      int64
		point      *job.Point
	}{{"from", k.options.From, -1, &from}, {"to", k.options.To, 0, &to}} {
		if b.text == "" {
			continue
		}
		n, ok := new(big.Int).SetString(b.text, 10)
		if !ok || !source.NumericKey() {
			return from, to, &table.ConfigError{Problems: []table.Problem{{
				Where: "--" + b.flag, What: "it needs an integer, and a scan key of an integer type", Mend: "use --where for other bounds",
			}}}
		}
		*b.point = job.KeyPoint(n.Add(n, big.NewInt(b.shift)).String())
	}
	low, some := from.Integer()
	if high, both := to.Integer(); some && both && low.Cmp(high) >= 0 {
		return from, to, &table.ConfigError{Problems: []table.Problem{{
			Where: "--from and --to", What: "no key lies from " + k.options.From + " to " + k.options.To, Mend: "name the lesser one first",
		}}}
	}
	return from, to, nil
}

func (r *CheckReport) take(result *check.Result) {
	r.SourceRows, r.DestinationRows, r.Compared = result.SourceRows, result.DestinationRows, result.Compared()
	r.Missing, r.Different, r.Extra = result.Found[check.Missing], result.Found[check.Different], result.Found[check.Extra]
	r.Respelled = result.Found[check.Respelled]
	r.Several, r.Unexplained = result.Found[check.Several], result.Found[check.Unexplained]
	r.SourceNullKeys, r.DestinationNullKeys = result.SourceNulls, result.DestinationNulls
	r.Unconfirmed, r.Settled = result.Unconfirmed, result.Settled
	r.StoppedAt, r.ExtraRowsNotLookedAt = string(result.Bound), result.OneWay
	r.Took, r.Seconds = result.Took, result.Took.Seconds()
	r.differs = result.Differences() > 0
}

// checkedKey shows a finding to people.
func checkedKey(f check.Finding, byColumns int) CheckedKey {
	values := f.Key.Values(byColumns)
	shown := make([]string, len(values))
	for i, v := range values {
		shown[i] = shownValue(v)
	}
	k := CheckedKey{Key: strings.Join(shown, ", "), Kind: string(f.Kind), Columns: f.Columns}
	if len(shown) > 1 {
		k.Values = shown
	}
	return k
}

// shownValue is the text of a value, or hexadecimal for bytes that are none.
func shownValue(v []byte) string {
	text := string(v)
	for _, c := range text {
		if c == '\uFFFD' || c < ' ' {
			return fmt.Sprintf("0x%X", v)
		}
	}
	return text
}

// pairOf gives a pairing as the room that compares knows it.
func pairOf(name, destination string, p *mysql.Pairing) check.Pair {
	return check.Pair{
		Job: name, Destination: destination, Strategy: check.Strategy(p.Strategy()),
		Source: p.Source(), Target: p.Destination(), Relation: p.Relation(), Respelling: p.Respelling(),
	}
}
