package job

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Job is one source table watched against one or more destinations: what a
// config file says, checked for itself but not yet against the databases.
type Job struct {
	Name         string
	Source       Source
	Destinations []Destination

	Insert InsertScan
	Update UpdateScan

	// StartID is where the insert scan of a job without a cursor begins,
	// inclusive; "" means from the first row.
	StartID string
	// RangeRows is about how many rows a range holds.
	RangeRows int
	// LateCommit is how long after taking its id or time a transaction may
	// commit and still be seen by the late pass.
	LateCommit time.Duration
	// Checksum is the hash of a row that servers compute; "" is the fast one.
	Checksum Checksum
	// MaxRanges stops claiming while so many ranges wait.
	MaxRanges int
	// MaxCallbacks stops claiming and comparing while so many callbacks are open.
	MaxCallbacks int
	// ConfirmDelay is how long a suspicion waits before it is read again.
	ConfirmDelay time.Duration
	// HotBound is how long a source row that keeps changing is waited for.
	HotBound time.Duration
	// Once is a job whose tables are compared whole, and not watched: its scan key
	// has not to tell what is new.
	Once bool
	// Lenient turns a missing index and the like from a refusal into a
	// warning: the seed form's promise.
	Lenient bool
}

// Source is the table that is right.
type Source struct {
	DSN       Secret
	DSNFile   string // holds the DSN, which may change while the job runs; "" where it stands in the config
	Shard     Shard
	ScanKey   string   // "" means the column id, else the primary key
	ByColumns []string // relate a row to its destination rows, all of them together
	Where     string   // SQL condition; rows that do not meet it count as not there; "" for all rows
	Replicas  Replicas
}

// InsertScan looks at rows with a new scan key.
type InsertScan struct {
	Enabled bool
	Every   time.Duration
}

// UpdateScan looks at rows with a new update time.
type UpdateScan struct {
	Enabled bool
	Every   time.Duration
	Column  string
	// Window is how far back a new job begins.
	Window time.Duration
	// Format is how the column writes a time; the zero TimeFormat fits every
	// DATETIME and TIMESTAMP column.
	Format TimeFormat
	// Zone is the IANA name of the wall clock in a DATETIME or text column;
	// "" means the source server's own zone.
	Zone string
}

// Destination is a table that a pipeline should have brought the rows to.
type Destination struct {
	Name      string
	DSN       Secret
	DSNFile   string // as the source's
	Table     string
	ByColumns []string // hold the source's, each at the same place
	Where     string   // SQL condition; rows that do not meet it count as not there; "" for all rows
	Columns   []ColumnPair
	Callback  Callback
	Replicas  Replicas
}

// ColumnPair says which source column belongs in which destination column.
type ColumnPair struct {
	Source, Destination string
	Options             ColumnOptions `json:",omitzero"`
}

// ColumnOptions say which differences between two columns do not count.
type ColumnOptions struct {
	Ignore     bool `json:",omitzero"` // the columns are not compared at all
	Trim       bool `json:",omitzero"` // spaces at either end of a text
	IgnoreCase bool `json:",omitzero"`
	// Tolerance is how far values may lie apart: a decimal number, or for times a
	// duration such as 2s; "" is not at all.
	Tolerance string `json:",omitzero"`
	// Precision is how many digits behind the point count, of a number or of a
	// second; nil is all.
	Precision *int `json:",omitzero"`
	// Zone is the IANA name of the zone whose wall clock the destination's
	// DATETIME shows, or the source's where the destination has a TIMESTAMP.
	Zone string `json:",omitzero"`
}

// String names the options that are set, "" for none.
func (o ColumnOptions) String() string {
	var set []string
	for _, option := range []struct {
		is   bool
		text string
	}{
		{o.Ignore, "ignore"}, {o.Trim, "trim"}, {o.IgnoreCase, "ignoreCase"},
		{o.Tolerance != "", "tolerance " + o.Tolerance}, {o.Zone != "", "zone " + o.Zone},
	} {
		if option.is {
			set = append(set, option.text)
		}
	}
	if o.Precision != nil {
		set = append(set, "precision "+strconv.Itoa(*o.Precision))
	}
	return strings.Join(set, ", ")
}

// Callback is how the business is told of a difference.
type Callback struct {
	URL         string
	Timeout     time.Duration
	Retry       time.Duration // after each of the first three failures
	SlowRetry   time.Duration // after every later one
	Verify      bool          // false: a 2xx closes without evidence
	VerifyDelay time.Duration
	Concurrency int      // POSTs at once from one worker
	Limit       Calls    // of all workers together, to the same receiver
	Body        BodyForm // "" is the seed's
	// DestinationRow adds to an extended body the compared columns of the destination's row.
	DestinationRow bool
	// MaxBytes is about how long a body may be before its largest columns are left out; 0 is any length.
	MaxBytes int
	Connect  Connect
	Secrets  []Secret // Standard Webhooks secrets; the first signs, the others too while rotating
	Brake    float64  // share of compared rows above which callbacks are held; 0 for none
	Off      bool     // observe only: differences are counted, nobody is called
}

// Checksum is the hash of a row.
type Checksum string

// The checksums.
const (
	ChecksumFast   Checksum = "fast"   // CRC32, multiplied: sees every edit but one in four thousand million
	ChecksumStrong Checksum = "strong" // 64 bits of SHA2-256
)

// Connect is how a receiver is reached, and what is shown to it.
type Connect struct {
	Headers  []Header
	Bearer   Secret // of an Authorization header; empty for none
	Username string // of basic authentication, instead of the URL's; "" for none
	Password Secret
	// Roots are the authorities that the receiver's certificate is checked
	// against; nil is the system's.
	Roots *x509.CertPool
	// Certificate is shown to the receiver; nil is none.
	Certificate *tls.Certificate
	// CAFile, CertFile and KeyFile are where these two were read.
	CAFile, CertFile, KeyFile string
	// Proxy is the URL of a proxy, "none" for none at all; empty is what the
	// environment says.
	Proxy Secret
	// Networks are all that may be connected to, a proxy too; none is any but
	// link-local addresses and those of clouds' metadata, which always are refused.
	Networks []netip.Prefix
}

// Header is one more header of each request.
type Header struct {
	Name  string
	Value Secret
}

// BodyForm is the shape of a callback body.
type BodyForm string

// The forms of a body.
const (
	BodySeed     BodyForm = "seed"     // {"type":1,"srcColumn":{…}}
	BodyRow      BodyForm = "row"      // the bare row
	BodyExtended BodyForm = "extended" // with job, destination, key and the columns that differ
)

// nameForm leaves out what has a meaning in Redis keys: braces, colons, stars, blanks.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$`)

// ValidName reports whether s may name a job or a destination.
func ValidName(s string) bool { return nameForm.MatchString(s) }

// DefaultName is "<database>.<table>" with what a name may not hold turned into "_".
func DefaultName(database, table string) string {
	name := []byte(database + "." + table)
	for i, c := range name {
		if !plain(c) && c != '.' {
			name[i] = '_'
		}
	}
	s := strings.TrimLeft(string(name), "._-")
	return cmp.Or(s[:min(len(s), 64)], "job")
}
