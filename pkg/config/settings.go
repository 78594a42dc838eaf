package config

import (
	"strings"
	"time"
	"unicode"

	"github.com/masixun71/cupid-go/pkg/notify"
)

// Setting is one line of the table of settings.
type Setting struct {
	Key     string // in the job form; [] stands for each element of a list
	SeedKey string // in the seed form; "" where it has none
	Default string // "" means none
	Meaning string

	limit limit
}

// limit says which values a setting allows; its fields are used as far as its kind has them.
type limit struct {
	min, max int           // of a number
	shortest time.Duration // of a duration
	words    []string
}

// longest is the upper bound of every duration: a typing error, not a wish, lies above it.
const longest = 365 * 24 * time.Hour

var (
	positive = limit{shortest: time.Millisecond}
	interval = limit{shortest: 100 * time.Millisecond}
	many     = limit{min: 1, max: 1_000_000_000}
)

// Defaults is every setting with its default, in the order of the reference file.
// What a job may set at `jobs[]`, except its name, source and destinations, may
// stand in `defaults` for all jobs; what stands in `jobs[].callback` may also
// stand in a destination's own callback.
func Defaults() []Setting { //nolint:funlen // a table
	return []Setting{
		{"redis.addr", "redis.addr", "", "host:port, several for a cluster or for sentinels, or a redis:// or rediss:// URL; also written addrs", limit{}},
		{"redis.username", "redis.username", "", "ACL user", limit{}},
		{"redis.password", "redis.password", "", "password of the user", limit{}},
		{"redis.db", "redis.db", "0", "number of the database", limit{min: 0, max: 1 << 20}},
		{"redis.prefix", "redis.prefix", "cupid:", "what stands before every key", limit{}},
		{"redis.master", "redis.master", "", "name by which the sentinels know the primary; addr then names the sentinels", limit{}},
		{"redis.sentinelUsername", "redis.sentinelUsername", "", "ACL user at the sentinels, where they want one", limit{}},
		{"redis.sentinelPassword", "redis.sentinelPassword", "", "password at the sentinels, where they want one", limit{}},
		{"redis.cluster", "redis.cluster", "false", "a single addr is the endpoint of a cluster; several without master are one anyway", limit{}},
		{"redis.tls", "redis.tls", "false", "encrypt the connection", limit{}},
		{"redis.caFile", "redis.caFile", "", "PEM file of the authorities that Redis' certificate is checked against; without it the system's", limit{}},
		{"redis.certFile", "redis.certFile", "", "PEM file of the certificate that cupid shows to Redis", limit{}},
		{"redis.keyFile", "redis.keyFile", "", "PEM file of the key of certFile", limit{}},

		{"state", "src.cacheFilePath", "", "file or directory in which the embedded store is kept when no Redis is named", limit{}},

		{"log.dir", "logDir", "", "directory of the log files; without it the console alone has the log", limit{}},
		{"log.format", "", "text", "form of a log line", limit{words: []string{"text", "json"}}},
		{"log.level", "", "info", "least level that is logged", limit{words: []string{"debug", "info", "warn", "error"}}},
		{"log.maxSizeMB", "", "100", "size in megabytes at which a log file is rotated", limit{min: 1, max: 100_000}},
		{"log.maxFiles", "", "7", "rotated log files that are kept", limit{min: 1, max: 10_000}},

		{"http.addr", "", "127.0.0.1:0", "where health, metrics and the admin API are served; port 0 is the default of the role", limit{}},
		{"http.token", "", "", "what the admin API and the dashboard ask for, 16 characters or more; without it they are served on addresses of the own machine alone", limit{}},
		{"http.open", "", "false", "serve them without a token on any address: everybody who reaches it may drop callbacks", limit{}},
		{"http.rows", "", "false", "show single rows of both sides to whoever the API and the dashboard let in; each look is an event", limit{}},

		{"worker.comparers", "workerNumber", "1", "ranges that one worker compares at once; workerNumber counts two more", limit{min: 1, max: 1024}},
		{"worker.rangePoll", "taskWorkerIntervalMillisecond", "1s", "longest wait between two looks for ranges; a hint wakes sooner", positive},
		{"worker.callbackPoll", "callbackWorkerIntervalMillisecond", "1s", "longest wait between two looks for callbacks; a hint wakes sooner", positive},

		{"load.queries", "", "0", "queries at once on one database server, of all processes together; 0 for any number", limit{min: 0, max: 100_000}},
		{"load.rowsPerSecond", "", "0", "rows read in a second from one database server by all processes together; 0 for any number", limit{min: 0, max: 1_000_000_000}},
		{"load.threadsRunning", "", "128", "Threads_running of a database server above which it is asked for nothing more; 0 for any number", limit{min: 0, max: 1_000_000}},
		{"load.replicaLag", "", "0s", "how far a replica may be behind its primary before it is asked for nothing more; 0s for any time", limit{}},

		{"shutdownTimeout", "", "1.5s", "time to finish work in hand after SIGTERM; the rest is handed back", positive},
		{"lease", "", "30s", "time after which the work of a silent process is given to another", limit{shortest: 10 * time.Second}},

		{"alerts.language", "alerts.language", "en", "language of the messages", limit{words: []string{"en", "zh"}}},
		{"alerts.repeat", "alerts.repeatSecond", "10m", "how often people are told again of what goes on", limit{shortest: time.Minute}},
		{"alerts.urls", "alerts.urls", "", "shoutrrr URLs of channels; a list, or a text with blanks between them", limit{}},
		{"alerts.dingtalk.url", "alerts.dingtalk.url", "", "webhook of a DingTalk robot", limit{}},
		{"alerts.dingtalk.secret", "alerts.dingtalk.secret", "", "secret of a DingTalk robot that wants signed requests", limit{}},
		{"alerts.serverChan.sendKey", "alerts.serverChan.sendKey", "", "send key for alerts through ServerChan", limit{}},
		{"alerts.serverChan.baseURL", "alerts.serverChan.baseURL", notify.ServerChanURL, "address of the ServerChan service", limit{}},
		{"alerts.pushbear.sendKey", "src.pushbearSendKey", "", "send key for alerts through pushbear; also written notify.pushbearSendKey", limit{}},
		{"alerts.pushbear.baseURL", "src.pushbearBaseURL", "http://pushbear.ftqq.com", "address of the pushbear service; also written notify.pushbearBaseURL", limit{}},

		{"jobs[].name", "", "", "name of the job; without it <database>.<table>", limit{}},
		{"jobs[].source.dsn", "src.dsn", "", "user:password@tcp(host:3306)/database of the table that is right", limit{}},
		{"jobs[].source.dsnFile", "", "", "file that holds the DSN", limit{}},
		{"jobs[].source.table", "src.table", "", "the table that is right", limit{}},
		{"jobs[].source.byColumn", "src.byColumn", "", "column that relates a row to its destination rows; several: a list, or a text with commas", limit{}},
		{"jobs[].source.scanKey", "", "", "column that the insert scan goes by; without it id, else the primary key", limit{}},
		{"jobs[].source.where", "", "", "SQL condition that source rows must meet; others count as not there", limit{}},
		{"jobs[].source.replicas", "", "", "DSNs of replicas of that server, on which ranges are compared; a list", limit{}},
		{"jobs[].source.replicaFiles", "", "", "files that hold such DSNs, one each; a list", limit{}},
		{"jobs[].source.maxLag", "", "", "how far behind a replica may be and be read; less than lateCommit, of which it is a sixth where it is not set", positive},
		{"jobs[].startID", "", "", "first key that a job without a saved cursor looks at; the seed form begins at 1; -s overrides it", limit{}},
		{"jobs[].insert.enabled", "src.insert", "true", "look at new rows; false in the seed form", limit{}},
		{"jobs[].insert.every", "src.insertIntervalMillisecond", "2s", "time between two looks for new rows", interval},
		{"jobs[].update.enabled", "src.update", "false", "look at changed rows", limit{}},
		{"jobs[].update.every", "src.updateIntervalMillisecond", "2s", "time between two looks for changed rows", interval},
		{"jobs[].update.column", "src.updateColumn", "", "indexed column with the time of a row's last change", limit{}},
		{"jobs[].update.window", "src.updateScanSecond", "5s", "how far back a new job begins", positive},
		{"jobs[].update.format", "src.updateTimeFormate", "", "how a text or number column writes the time: Y-m-d H:i:s, a Go layout, unix or unixMilli", limit{}},
		{"jobs[].update.zone", "", "", "IANA name of the zone whose clock a DATETIME column shows; without it the server's own", limit{}},
		{"jobs[].rangeRows", "", "10000", "rows in one range, about", limit{min: 1, max: 10_000_000}},
		{"jobs[].checksum", "", "fast", "hash of a row that the servers compute: fast is CRC32, multiplied; strong is 64 bits of SHA2-256", limit{words: []string{"fast", "strong"}}},
		{"jobs[].lateCommit", "", "60s", "how long a transaction may stay open and its rows still be seen by the late pass", positive},
		{"jobs[].confirmDelay", "confirmDelaySecond", "1s", "time a pipeline has before a difference is read again", positive},
		{"jobs[].hotBound", "", "60s", "how long a row that keeps changing is waited for", positive},
		{"jobs[].maxRanges", "", "1000", "waiting ranges at which no more are claimed", many},
		{"jobs[].maxCallbacks", "", "100000", "open callbacks at which no more rows are compared", many},
		{"jobs[].callback.url", "des[].callbackNotification.url", "", "where a difference is POSTed; http unless it says https", limit{}},
		{"jobs[].callback.timeout", "", "3s", "time the receiver has to answer; less than a third of the lease", positive},
		{"jobs[].callback.retry", "failureJobRetrySecond", "10s", "wait after each of the first three failures", positive},
		{"jobs[].callback.slowRetry", "slowRetrySecond", "600s", "wait after every later failure", positive},
		{"jobs[].callback.verify", "verify", "true", "read both rows again after a 2xx; false: the 2xx closes", limit{}},
		{"jobs[].callback.verifyDelay", "verifyDelaySecond", "10s", "time the receiver has for its repair after its 2xx; rows that are equal at once are closed at once", positive},
		{"jobs[].callback.concurrency", "", "8", "POSTs at once from one worker", limit{min: 1, max: 1000}},
		{"jobs[].callback.maxInFlight", "", "0", "POSTs at once to one receiver (host:port) from all workers together; 0 for any number", limit{min: 0, max: 100_000}},
		{"jobs[].callback.rate", "", "0", "POSTs a second to one receiver from all workers together; 0 for any number", limit{min: 0, max: 1_000_000}},
		{"jobs[].callback.breakAfter", "", "10", "failures of a receiver in a row after which it is left alone and only tried now and then; 0 for never", limit{min: 0, max: 1_000_000}},
		{"jobs[].callback.body", "", "seed", "seed: {\"type\":…,\"srcColumn\":{…}}; row: the bare row; extended: also job, destination, key and the columns that differ", limit{words: []string{"seed", "row", "extended"}}},
		{"jobs[].callback.destinationRow", "", "false", "an extended body also has the compared columns of the destination's row, as desColumn", limit{}},
		{"jobs[].callback.maxBytes", "", "0", "bytes of a row above which its largest columns are left out, and named in leftOut; 0 for any number", limit{min: 0, max: 1 << 30}},
		{"jobs[].callback.headers", "", "", "section of more headers and their values", limit{}},
		{"jobs[].callback.bearer", "", "", "token of an Authorization header", limit{}},
		{"jobs[].callback.username", "", "", "user of basic authentication, instead of one in the URL", limit{}},
		{"jobs[].callback.password", "", "", "password of that user", limit{}},
		{"jobs[].callback.caFile", "", "", "PEM file of the authorities that the receiver's certificate is checked against; without it the system's", limit{}},
		{"jobs[].callback.certFile", "", "", "PEM file of the certificate that cupid shows to the receiver", limit{}},
		{"jobs[].callback.keyFile", "", "", "PEM file of the key of certFile", limit{}},
		{"jobs[].callback.proxy", "", "", "URL of a proxy, or none; without it what HTTP_PROXY, HTTPS_PROXY and NO_PROXY say", limit{}},
		{"jobs[].callback.networks", "", "", "networks such as 10.0.0.0/8 that may be called; without them any. Link-local addresses and those of a cloud's metadata never are", limit{}},
		{"jobs[].callback.secrets", "", "", "Standard Webhooks secrets: the first signs, the others too while they are rotated", limit{}},
		{"jobs[].callback.brake", "", "0", "share of compared rows, such as 0.2, above which a destination's callbacks are held until somebody resumes it; 0 for none", limit{}},
		{"jobs[].callback.off", "", "false", "count differences, call nobody; also written callback: off", limit{}},
		{"jobs[].destinations[].name", "", "", "name of the destination; without it <database>.<table>, with @host where two are equal", limit{}},
		{"jobs[].destinations[].dsn", "des[].dsn", "", "DSN of the table the rows should reach", limit{}},
		{"jobs[].destinations[].dsnFile", "", "", "file that holds the DSN", limit{}},
		{"jobs[].destinations[].table", "des[].table", "", "the table the rows should reach; without it the source's", limit{}},
		{"jobs[].destinations[].byColumn", "des[].byColumn", "", "its column that holds the source's byColumn, or as many columns in the same order; without it of the same names", limit{}},
		{"jobs[].destinations[].columns", "des[].columns", "", "source column: destination column; or a list of names that are the same on both sides", limit{}},
		{"jobs[].destinations[].where", "", "", "SQL condition that destination rows must meet; others count as not there", limit{}},
		{"jobs[].destinations[].replicas", "", "", "as the source's, of the destination's server", limit{}},
		{"jobs[].destinations[].replicaFiles", "", "", "as the source's", limit{}},
		{"jobs[].destinations[].maxLag", "", "", "as the source's", positive},
	}
}

// Environ is the variable that overrides the setting; N stands for the number
// of a list's element, from 0.
func (s Setting) Environ() string { return environName(s.Key) }

// environName is the variable that overrides a key: CUPID_ and the key in upper
// case, its words and levels divided by _, list elements by number.
func environName(pattern string) string {
	var b strings.Builder
	b.WriteString(environPrefix)
	letters := []rune(strings.ReplaceAll(pattern, "[]", ".N"))
	for i, c := range letters {
		switch {
		case c == '.':
			b.WriteByte('_')
			continue
		case i > 0 && unicode.IsUpper(c) && unicode.IsLower(letters[i-1]):
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(c))
	}
	return b.String()
}
