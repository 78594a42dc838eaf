package app_test

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/job"
)

// replicated is a world whose source has replicas.
type replicated struct {
	*world
	primary  *mysqltest.Server
	replicas []*mysqltest.Server
}

// newReplicated has a source with so many replicas, which are in step.
func newReplicated(t *testing.T, replicas int) *replicated {
	t.Helper()
	r := &replicated{primary: mysqltest.StartPrimary(t, mysqltest.Options{})}
	r.world = bareWorld(t, r.primary.Database(t), r.primary.Database(t), redistest.Shared(t))
	r.source.Exec(t, table)
	r.far.Exec(t, table)
	r.job.Source.Replicas.MaxLag = 2 * time.Second
	for range replicas {
		replica := r.primary.Replica(t, mysqltest.Options{})
		replica.CatchUp(t, r.primary)
		r.replicas = append(r.replicas, replica)
		r.job.Source.Replicas.Servers = append(r.job.Source.Replicas.Servers, job.Replica{DSN: job.NewSecret(replica.DSN(r.source.Name))})
	}
	for _, server := range append(r.replicas, r.primary) {
		server.Exec(t, "SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1")
	}
	return r
}

// asked is how many statements a server was asked by the code under test, that
// read the table shop and hold one of these texts.
func asked(t *testing.T, server *mysqltest.Server, texts ...string) int {
	t.Helper()
	return statements(t, server, func(statement string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(statement, text) })
	})
}

// askedForKeys is how many of them read rows by their keys: in lists, or by ranges of numbers that follow each other.
func askedForKeys(t *testing.T, server *mysqltest.Server) int {
	t.Helper()
	return statements(t, server, func(statement string) bool {
		ofRange := strings.Contains(statement, "ORDER BY") || strings.Contains(statement, "COUNT(*)")
		return strings.Contains(statement, "`id` IN (") || !ofRange && strings.Contains(statement, "`id` BETWEEN ")
	})
}

func statements(t *testing.T, server *mysqltest.Server, match func(string) bool) (n int) {
	t.Helper()
	rows, err := server.Open(t, "mysql").QueryContext(t.Context(), "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE command_type = 'Query' AND argument LIKE 'SELECT%`shop`%'")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var statement string
		require.NoError(t, rows.Scan(&statement))
		if match(statement) {
			n++
		}
	}
	require.NoError(t, rows.Err())
	return n
}

// What tells statements apart: pages of rows, of hashes, and folds; bounds.
var ofRanges = []string{"ORDER BY `id` LIMIT 1000", "ORDER BY `id` LIMIT 9991", "BIT_XOR("}

const ofBounds = "MAX(`id`)"

// said is how many lines of the log hold all of these words.
func (r *replicated) said(words ...string) int { return len(r.log.lines(words...)) }

func TestRangesAreComparedOnAReplicaAndDecidedOnThePrimary(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(d *job.Destination){
		"hashes": func(*job.Destination) {},
		"rows":   func(d *job.Destination) { d.Columns[1].Options.Trim = true },
		"folds": func(d *job.Destination) {
			d.Columns = append(d.Columns, job.ColumnPair{Source: "id", Destination: "id"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplicated(t, 1)
			r.receiver.Behave(r.repairing())
			change(&r.job.Destinations[0])
			r.job.LateCommit = 6 * time.Second
			r.insert(r.source, upTo(500)...)
			r.insert(r.far, upTo(400)...)
			r.replicas[0].CatchUp(t, r.primary)
			p := r.runConfig(app.Both, r.config(r.job))
			r.scanned("500")
			r.settled()
			require.Positive(t, asked(t, r.replicas[0], ofRanges...), "the first look")
			require.Zero(t, askedForKeys(t, r.replicas[0]), "what is decided")
			require.Positive(t, askedForKeys(t, r.primary))
			require.Positive(t, asked(t, r.primary, ofBounds))
			require.Len(t, r.receiver.Counts("id"), 100)
			require.Equal(t, 1, r.receiver.Counts("id")[callbacktest.Key{ID: "401", Type: 1}])
			onReplicas := asked(t, r.replicas[0], ofRanges...)
			r.done(1000) // the second look
			require.Equal(t, onReplicas, asked(t, r.replicas[0], ofRanges...), "the second look is at the primary")
			require.Equal(t, 1, r.said("a replica is read"))
			metrics := scrape(t, p.Addr())
			require.Contains(t, metrics, `cupid_ranges_read_total{job="shop",on="replicas"} 1`)
			require.Contains(t, metrics, `cupid_replica_lag_seconds{server="`+r.replicas[0].Addr+`"} 0`)
		})
	}
}

// A replica that says it is in step and lacks rows: new rows are read at the primary
// at once, since it does not show their end; changed ones at the second look.
func TestRowsThatAReplicaLacksAreSeen(t *testing.T) {
	t.Parallel()
	r := newReplicated(t, 1)
	r.receiver.Behave(r.repairing())
	r.job.LateCommit, r.job.Source.Replicas.MaxLag = 7*time.Second, 6*time.Second
	r.job.Update = job.UpdateScan{Enabled: true, Every: r.job.Insert.Every, Column: "updated", Window: time.Second}
	r.insert(r.source, 1, 2, 3)
	r.insert(r.far, 1, 2, 3)
	r.replicas[0].CatchUp(t, r.primary)
	r.run(app.Scheduler)
	r.replicas[0].Exec(r.t, "STOP SLAVE; SET GLOBAL replicate_ignore_table = '"+r.source.Name+".shop'; START SLAVE")
	r.scanned("3")
	r.insert(r.source, 4)
	r.source.Exec(t, "UPDATE shop SET name = 'newer' WHERE id = 2")
	r.scanned("4")
	time.Sleep(3 * time.Second) // so far it says it is in step
	r.run(app.Worker)
	r.until(func() bool { return r.receiver.Counts("id")[callbacktest.Key{ID: "4", Type: 1}] == 1 }, "the new row is called")
	require.Zero(t, r.receiver.Counts("id")[callbacktest.Key{ID: "2", Type: 2}], "the changed row is not seen yet")
	r.until(func() bool { return r.differences() == 0 }, "the changed row is called")
	r.settled()
	require.Positive(t, asked(t, r.replicas[0], "ORDER BY `updated`"))
	require.NotEmpty(t, r.log.lines("msg=\"ranges claimed\"", "scan=update-late"))
	require.Zero(t, r.said("a replica is not read"))
}

// Two replicas: only the one that is near is read, and when there is none, the primary.
func TestAReplicaThatIsFarBehindIsNotRead(t *testing.T) {
	t.Parallel()
	r := newReplicated(t, 2)
	r.receiver.Behave(r.repairing())
	far, near := r.replicas[0], r.replicas[1]
	far.Exec(t, "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = 3600; START SLAVE")
	r.insert(r.source, 1)
	time.Sleep(4 * time.Second) // so far behind it must be
	near.CatchUp(t, r.primary)
	r.run(app.Both)
	for id := 2; id <= 10; id++ {
		r.insert(r.source, id)
		near.CatchUp(t, r.primary)
		r.settled()
	}
	require.Zero(t, asked(t, far, ofRanges...))
	require.Positive(t, asked(t, near, ofRanges...))
	require.Equal(t, 1, r.said("level=WARN", "a replica is not read", far.Addr, "behind its primary, allowed are 2s"))

	near.Exec(t, "STOP SLAVE")
	time.Sleep(1500 * time.Millisecond) // so long its last answer counts
	before := asked(t, r.primary, ofRanges...)
	r.until(func() bool {
		id := 11 + int(r.stat("rows"))
		r.insert(r.source, id)
		r.scanned(strconv.Itoa(id))
		r.settled()
		return asked(t, r.primary, ofRanges...) > before
	}, "the primary is read")
	require.Equal(t, 1, r.said("a replica is not read", near.Addr, "its replication stands still"))

	near.Exec(t, "START SLAVE")
	near.CatchUp(t, r.primary)
	before = asked(t, near, ofRanges...)
	r.until(func() bool {
		id := 1000 + int(r.stat("rows"))
		r.insert(r.source, id)
		r.scanned(strconv.Itoa(id))
		r.settled()
		return asked(t, near, ofRanges...) > before
	}, "the replica is read again")
	require.Equal(t, 2, r.said("level=INFO", "a replica is read", near.Addr))
}

// A replica that hangs, is gone, or has another table: the primary is read, and later the replica again.
func TestAReplicaThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm, mend func(r *replicated)
	}{
		"hangs":   {func(r *replicated) { r.replicas[0].Pause(r.t) }, func(r *replicated) { r.replicas[0].Resume(r.t) }},
		"is gone": {func(r *replicated) { r.replicas[0].Kill(r.t) }, func(r *replicated) { r.replicas[0].Restart(r.t) }},
		"lacks the table": {func(r *replicated) {
			r.replicas[0].Exec(r.t, "SET sql_log_bin = 0; RENAME TABLE "+r.source.Name+".shop TO "+r.source.Name+".away")
		}, func(r *replicated) {
			r.replicas[0].Exec(r.t, "SET sql_log_bin = 0; RENAME TABLE "+r.source.Name+".away TO "+r.source.Name+".shop; START SLAVE")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplicated(t, 1)
			r.receiver.Behave(r.repairing())
			r.insert(r.source, 1)
			r.replicas[0].CatchUp(t, r.primary)
			p := r.runConfig(app.Both, r.config(r.job))
			r.scanned("1")
			r.settled()
			require.Equal(t, 1, r.said("a replica is read"))
			unread := func() int { return r.said("level=WARN", "a replica is not read", r.replicas[0].Addr) }
			before := unread() // a busy machine may have answered too late at first
			c.harm(r)
			for id := 2; id <= 5; id++ {
				r.insert(r.source, id)
				r.scanned(strconv.Itoa(id))
				r.settled()
			}
			require.Equal(t, before+1, unread(), "once")
			ready, why := p.Ready(t.Context())
			require.True(t, ready, why)
			require.Zero(t, r.said("a range could not be compared"))
			c.mend(r)
			r.until(func() bool {
				id := 10 + int(r.stat("rows"))
				r.insert(r.source, id)
				r.scanned(strconv.Itoa(id))
				r.settled()
				return r.said("a replica is read") == 2
			}, "the replica is read again")
		})
	}
}

// An account with SELECT alone may read no lag: the replica is not used, and a line says what is missing.
func TestTheRightsThatReadingAReplicaNeeds(t *testing.T) {
	t.Parallel()
	r := newReplicated(t, 1)
	r.receiver.Behave(r.repairing())
	r.primary.Exec(t, "CREATE USER reader@'%' IDENTIFIED BY '"+mysqltest.Password+"'; GRANT SELECT ON "+r.source.Name+".shop TO reader@'%'; GRANT SELECT ON "+r.far.Name+".shop TO reader@'%'")
	r.replicas[0].CatchUp(t, r.primary)
	reader := func(dsn job.Secret) job.Secret {
		return job.NewSecret(strings.Replace(dsn.Reveal(), mysqltest.User+":", "reader:", 1))
	}
	r.job.Source.DSN, r.job.Destinations[0].DSN = reader(r.job.Source.DSN), reader(r.job.Destinations[0].DSN)
	r.job.Source.Replicas.Servers[0].DSN = reader(r.job.Source.Replicas.Servers[0].DSN)
	r.insert(r.source, 1)
	r.run(app.Both)
	r.scanned("1")
	r.settled()
	require.Equal(t, 1, r.said("a replica is not read", "the account lacks a privilege", "GRANT REPLICA MONITOR"))
	require.Zero(t, asked(t, r.replicas[0], ofRanges...))
	r.primary.Exec(t, "GRANT REPLICA MONITOR ON *.* TO reader@'%'")
	r.replicas[0].CatchUp(t, r.primary)
	r.replicas[0].Exec(t, "KILL USER reader") // sessions keep the rights that they began with
	r.until(func() bool {
		id := 10 + int(r.stat("rows"))
		r.insert(r.source, id)
		r.scanned(strconv.Itoa(id))
		r.settled()
		return asked(t, r.replicas[0], ofRanges...) > 0
	}, "the replica is read")
}

// A destination's replica that is behind makes rows suspect; they are read again at
// the primary, and nobody is called.
func TestAReplicaOfADestinationRaisesNoCalls(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]job.ColumnOptions{"hashes": {}, "rows": {Trim: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplicated(t, 1)
			r.job.Destinations[0].Columns[1].Options = options
			r.job.Destinations[0].Replicas = job.Replicas{
				Servers: []job.Replica{{DSN: job.NewSecret(r.replicas[0].DSN(r.far.Name))}}, MaxLag: 30 * time.Second,
			}
			r.job.Source.Replicas = job.Replicas{}
			r.replicas[0].Exec(t, "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = 5; START SLAVE")
			r.insert(r.far, upTo(50)...)
			r.insert(r.source, upTo(50)...)
			r.run(app.Both)
			r.done(50)
			require.Positive(t, asked(t, r.replicas[0], "`number` IN ("))
			require.Zero(t, r.stat("differences"))
			require.Zero(t, r.receiver.Count())
			require.Positive(t, askedForKeys(t, r.primary), "the suspects")
		})
	}
}

// TestTheDoctorNamesAReplicaOfAnotherServer: its rows are those of somebody else.
func TestTheDoctorNamesAReplicaOfAnotherServer(t *testing.T) {
	t.Parallel()
	r := newReplicated(t, 1)
	c := r.config(r.job)
	said := func() (all []app.Finding) {
		for _, f := range app.Doctor(t.Context(), c, app.DoctorOptions{}) {
			if f.Check == app.CheckReplica && f.Level == app.FoundWarning {
				all = append(all, f)
			}
		}
		return all
	}
	require.Empty(t, said())
	other := mysqltest.StartPrimary(t, mysqltest.Options{})
	_, port, err := net.SplitHostPort(other.Addr)
	require.NoError(t, err)
	var file, position string // from its end on: what it has done so far is nothing to the replica
	require.NoError(t, other.Database(t).DB.QueryRowContext(t.Context(), "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'BINLOG_SNAPSHOT_FILE'").Scan(&file))
	require.NoError(t, other.Database(t).DB.QueryRowContext(t.Context(), "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'BINLOG_SNAPSHOT_POSITION'").Scan(&position))
	r.replicas[0].Exec(t, fmt.Sprintf("STOP SLAVE; CHANGE MASTER TO MASTER_PORT=%s, MASTER_USE_GTID=no, MASTER_LOG_FILE='%s', MASTER_LOG_POS=%s; START SLAVE", port, file, position))
	var found []app.Finding
	r.until(func() bool {
		found = said()
		return len(found) == 1 && strings.Contains(found[0].What, "it follows another server than ")
	}, "it is named")
	require.Contains(t, found[0].Mend, "name replicas of ")
}

// What doctor and explain say of replicas.
func TestReplicasAreShownToPeople(t *testing.T) {
	t.Parallel()
	r := newReplicated(t, 2)
	r.job.Destinations[0].Replicas = job.Replicas{Servers: []job.Replica{{DSN: job.NewSecret(r.replicas[1].DSN(r.far.Name))}}, MaxLag: time.Second}
	r.replicas[1].Exec(t, "STOP SLAVE")
	told := map[app.Level]int{}
	c := r.config(r.job)
	for _, f := range app.Doctor(t.Context(), c, app.DoctorOptions{}) {
		if f.Check == app.CheckReplica {
			told[f.Level]++
			if f.Level == app.FoundWarning {
				require.Equal(t, "no range is read there: its replication stands still", f.What)
			}
		}
	}
	require.Equal(t, map[app.Level]int{app.FoundOK: 1, app.FoundWarning: 2}, told)
	var text strings.Builder
	require.NoError(t, app.Explain(t.Context(), c, &text))
	require.Regexp(t, `\n  replica +`+r.replicas[0].Addr+`/\S+, 0s behind; first looks at ranges, up to 2s behind\n`, text.String())
	require.Regexp(t, `\n    replica +`+r.replicas[1].Addr+`/\S+, not read: its replication stands still; `, text.String())
}
