package fleet

import (
	"cmp"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "embed"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
)

// Job is the name of the seed page's job, which is the name of its source too.
const Job = "db.user"

// World is what a fleet works between: the tables db.user and db2.user of the
// seed page on one server whose clock runs eight hours before the processes',
// a Redis, a receiver, and a receiver of alerts.
type World struct {
	MySQL    *mysqltest.Server
	DB       *sql.DB // the tests' own, in the server's zone
	Redis    *redistest.Server
	Receiver *callbacktest.Receiver
	Alerts   *callbacktest.Receiver
	Dir      string // of config, log and state files
	// Via are where the processes reach the servers, when not directly.
	Via Route
}

// Route holds addresses of what stands before the servers; "" is the server itself.
type Route struct{ Source, Destination, Redis, Receiver string }

// ledger has Redis keep every append-only file, so that a test can read all that ever happened, and still begin a new
// one now and then, so that it is up again soon after a kill however long it ran before.
var ledger = []string{"--aof-disable-auto-gc", "yes", "--auto-aof-rewrite-min-size", "16mb"}

// NewWorld starts the servers, which end with t; redisEnv are further variables of Redis.
func NewWorld(t testing.TB, redisEnv ...string) *World {
	t.Helper()
	w := &World{
		MySQL:    mysqltest.Start(t, mysqltest.Options{TimeZone: "+08:00", Durable: true}),
		Redis:    redistest.Start(t, redistest.Options{AOF: true, Env: redisEnv, ExtraArgs: ledger}),
		Receiver: callbacktest.New(t, nil),
		Alerts:   callbacktest.New(t, nil),
		Dir:      t.TempDir(),
	}
	d := w.MySQL.Database(t)
	d.Exec(t, tables)
	w.DB = d.DB
	return w
}

// The seed's tables. The destination has ids of its own: only number relates the rows.
const tables = `
CREATE DATABASE db CHARACTER SET utf8mb4;
CREATE DATABASE db2 CHARACTER SET utf8mb4;
CREATE TABLE db.user (
	id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
	number VARCHAR(32) NOT NULL,
	name VARCHAR(64) NOT NULL,
	avatar VARCHAR(255) NULL,
	balance DECIMAL(12,2) NOT NULL DEFAULT 0,
	create_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
	update_time DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
	KEY number (number),
	KEY update_time (update_time)
);
CREATE TABLE db2.user (
	own_id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	number VARCHAR(32) NOT NULL,
	name VARCHAR(64) NOT NULL,
	avatar VARCHAR(255) NULL,
	UNIQUE KEY number (number)
);`

// seedPage is the config block of the seed page, letter by letter.
//
//go:embed seed.json
var seedPage string

// SeedConfig writes the seed page's config with only addresses and folders
// changed and a redis block added; more are further lines of its top level,
// which win over those of the page. It returns the path.
func (w *World) SeedConfig(t testing.TB, more ...string) string {
	t.Helper()
	return w.File(t, "seed.json", w.Seed(append([]string{`"redis": {"addr": "` + cmp.Or(w.Via.Redis, w.Redis.Addr) + `"}`}, more...)...))
}

// Seed is the text of the seed page's config with the addresses of this world.
func (w *World) Seed(more ...string) string {
	page := seedPage
	for _, line := range more {
		key, _, _ := strings.Cut(line, ":")
		page = withoutLine(page, key)
		page = strings.Replace(page, "{\n", "{\n    "+line+",\n", 1)
	}
	credentials := mysqltest.User + ":" + mysqltest.Password
	return strings.NewReplacer(
		"user:password@tcp(127.0.0.1:3306)/db?", credentials+"@tcp("+cmp.Or(w.Via.Source, w.MySQL.Addr)+")/db?",
		"user:password@tcp(127.0.0.1:3306)/db2?", credentials+"@tcp("+cmp.Or(w.Via.Destination, w.MySQL.Addr)+")/db2?",
		"127.0.0.1:20000", cmp.Or(w.Via.Receiver, strings.TrimPrefix(w.Receiver.URL, "http://")),
		`"/tmp"`, `"`+w.Dir+`"`,
	).Replace(page)
}

// withoutLine leaves out the line that sets key.
func withoutLine(text, key string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), key+":") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// File writes a file into Dir and returns its path.
func (w *World) File(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(w.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// DSN is how users write the data source name of a database.
func (w *World) DSN(database string) string {
	return mysqltest.User + ":" + mysqltest.Password + "@tcp(" + w.MySQL.Addr + ")/" + database
}

// Env are the variables of every process: alerts stay in this world.
func (w *World) Env(more ...string) []string {
	return append([]string{"CUPID_NOTIFY_PUSHBEAR_BASE_URL=" + w.Alerts.URL}, more...)
}
