package app_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
)

// patient is a world, its config, and how the doctor sees the rest.
type patient struct {
	*world
	c *config.Config
	o app.DoctorOptions
}

// healthy is a fleet with nothing to complain of.
func healthy(t *testing.T) *patient {
	t.Helper()
	server := redistest.Start(t, redistest.Options{AOF: true, ExtraArgs: []string{"--appendfsync", "no"}}) // a busy disk is no complaint
	mysql := mysqltest.Shared(t)
	w := bareWorld(t, mysql.Database(t), mysql.Database(t), server)
	w.source.Exec(t, table)
	w.far.Exec(t, table)
	w.job.Update = job.UpdateScan{Enabled: true, Every: time.Second, Column: "updated", Window: time.Second}
	w.insert(w.source, 1, 2)
	p := &patient{world: w}
	p.look()
	return p
}

// look makes the config anew of the world's job.
func (p *patient) look() {
	p.c = p.config(p.job)
	p.c.Log.Dir, p.c.Log.MaxSizeMB, p.c.Log.MaxFiles = filepath.Join(p.t.TempDir(), "logs", "cupid"), 1, 2
}

func (p *patient) findings() []app.Finding {
	p.t.Helper()
	findings := app.Doctor(p.t.Context(), p.c, p.o)
	for _, f := range findings {
		text := fmt.Sprint(f)
		require.NotContains(p.t, text, mysqltest.Password)
		require.NotContains(p.t, text, planted)
		require.NotContains(p.t, text, "\n")
		if f.Level == app.FoundProblem {
			require.NotEmpty(p.t, f.Mend, "%v", f)
		}
	}
	return findings
}

// complaints are the findings that are not fine.
func (p *patient) complaints() (all []app.Finding) {
	p.t.Helper()
	for _, f := range p.findings() {
		if f.Level != app.FoundOK {
			all = append(all, f)
		}
	}
	return all
}

// complains requires one finding of this kind, and no other complaint but those that are not checked.
func (p *patient) complains(level app.Level, check, what, mend string) app.Finding {
	p.t.Helper()
	var found []app.Finding
	for _, f := range p.complaints() {
		if f.Level != app.FoundUnchecked {
			found = append(found, f)
		}
	}
	require.Len(p.t, found, 1, "%v", found)
	require.Equal(p.t, level, found[0].Level, "%v", found[0])
	require.Equal(p.t, check, found[0].Check)
	require.Contains(p.t, found[0].What, what)
	require.Contains(p.t, found[0].Mend, mend)
	return found[0]
}

func TestTheDoctorFindsAHealthyFleetFine(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	require.Empty(t, p.complaints())
	checks := map[string]bool{}
	for _, f := range p.findings() {
		checks[f.Check] = true
	}
	for _, check := range []string{app.CheckConfig, app.CheckReach, app.CheckClock, app.CheckTables, app.CheckUpdateTime, app.CheckRedis, app.CheckFleet, app.CheckReceiver, app.CheckFiles} {
		require.True(t, checks[check], check)
	}
	require.Zero(t, p.receiver.Count(), "nobody was called")
	require.Empty(t, p.dump(), "nothing was written")
	require.NoDirExists(t, p.c.Log.Dir)
}

func TestTheDoctorNamesAMissingGrant(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.source.Exec(t, "CREATE TABLE other (id INT)")
	name := "blind" + p.source.Name[len(p.source.Name)-6:]
	p.source.Exec(t, fmt.Sprintf("CREATE USER '%[1]s'@'%%' IDENTIFIED BY 'least'; GRANT SELECT ON other TO '%[1]s'@'%%'", name))
	t.Cleanup(func() { _, _ = p.source.DB.Exec(fmt.Sprintf("DROP USER '%s'@'%%'", name)) })
	p.job.Source.DSN = job.NewSecret(fmt.Sprintf("%s:least@tcp(%s)/%s", name, p.source.Server.Addr, p.source.Name))
	p.look()
	grant := fmt.Sprintf("GRANT SELECT ON %#q.`shop` TO '%s'@'%%'", p.source.Name, name)
	p.complains(app.FoundProblem, app.CheckTables, "the account may not read the table", grant)

	// A right to write shows the columns, and lets nobody read.
	p.source.Exec(t, fmt.Sprintf("GRANT INSERT ON shop TO '%s'@'%%'", name))
	p.complains(app.FoundProblem, app.CheckTables, "the account may not read the table", grant)
	p.source.Exec(t, grant)
	require.Empty(t, p.complaints(), "the mend is enough")
}

func TestTheDoctorNamesAMissingIndex(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.far.Exec(t, "ALTER TABLE shop DROP INDEX number")
	f := p.complains(app.FoundProblem, app.CheckTables, "no index begins with the byColumn `number`", "ALTER TABLE")
	p.far.Exec(t, f.Mend)
	require.Empty(t, p.complaints(), "the mend is enough")
	p.far.Exec(t, "ALTER TABLE shop DROP INDEX number")
	p.job.Lenient = true
	p.look()
	p.complains(app.FoundWarning, app.CheckTables, "no index begins with the byColumn `number`", "ALTER TABLE")
}

func TestTheDoctorNamesAWrongTimeZone(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.source.Exec(t, "ALTER TABLE shop MODIFY updated DATETIME(3); UPDATE shop SET updated = UTC_TIMESTAMP() + INTERVAL 8 HOUR")
	p.complains(app.FoundProblem, app.CheckUpdateTime, "before the database's clock", `set update.zone, to "+08:00"`)
	p.source.Exec(t, "UPDATE shop SET updated = UTC_TIMESTAMP() - INTERVAL 330 MINUTE")
	p.complains(app.FoundWarning, app.CheckUpdateTime, "5h30m", `set update.zone, to "-05:30"`)
	p.job.Update.Zone = "-05:30"
	p.look()
	require.Empty(t, p.complaints(), "the mend is enough")
}

// set changes a setting of the server: turning appendonly off waits for the disk, longer than a client may.
func (p *patient) set(name, value string) {
	p.t.Helper()
	eventually.Until(p.t, patience, func() bool { return p.server.Client.ConfigSet(p.t.Context(), name, value).Err() == nil }, name+" "+value)
}

func TestTheDoctorNamesAnEvictingRedis(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.set("maxmemory-policy", "allkeys-lru")
	p.complains(app.FoundProblem, app.CheckRedis, "its maxmemory-policy is allkeys-lru", "redis-cli CONFIG SET maxmemory-policy noeviction")
	p.set("maxmemory-policy", "noeviction")
	p.set("appendonly", "no")
	p.complains(app.FoundWarning, app.CheckRedis, "appendonly no", "redis-cli CONFIG SET appendonly yes")
	p.set("appendonly", "yes")
	p.set("maxmemory", "1")
	p.complains(app.FoundProblem, app.CheckRedis, "nothing more is claimed or compared", "CONFIG SET maxmemory")
}

func TestTheDoctorNamesAnUnreachableEndpoint(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	p.callback().URL = "http://u:" + mysqltest.Password + "@" + l.Addr().String() + "/hook"
	p.look()
	f := p.complains(app.FoundProblem, app.CheckReceiver, "it is not reached from this host", "correct callback.url of destination far")
	require.Equal(t, "receiver "+l.Addr().String(), f.Where)
	p.callback().Off = true
	p.look()
	require.Empty(t, p.complaints(), "nobody calls it")
}

func TestTheDoctorNamesAWrongClock(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	for off, level := range map[time.Duration]app.Level{10 * time.Second: app.FoundWarning, -5 * time.Minute: app.FoundProblem} {
		p.o.Now = func() time.Time { return time.Now().Add(off) }
		complaints := p.complaints()
		require.Len(t, complaints, 3, "two databases and Redis")
		for _, f := range complaints {
			require.Equal(t, level, f.Level)
			require.Equal(t, app.CheckClock, f.Check)
			require.Contains(t, f.What, map[bool]string{true: "behind that of this host", false: "ahead of that of this host"}[off > 0])
			require.Contains(t, f.Mend, "timedatectl set-ntp true")
		}
	}
}

func TestTheDoctorNamesAFullDisk(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.o.Free = func(string) (uint64, error) { return 5 << 20, nil }
	p.complains(app.FoundProblem, app.CheckFiles, "5 MB are free", "df -h")
	p.o.Free = func(string) (uint64, error) { return 20 << 20, nil }
	p.c.Log.MaxSizeMB, p.c.Log.MaxFiles = 100, 9
	p.complains(app.FoundWarning, app.CheckFiles, "20 MB are free, up to 1000 MB may be needed", "log.maxFiles")

	p.o.Free = nil
	p.c.Log.MaxSizeMB = 1
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	p.c.Log.Dir = filepath.Join(file, "logs")
	var folder []app.Finding
	for _, f := range p.complaints() {
		if f.Level == app.FoundProblem {
			folder = append(folder, f)
		}
	}
	require.Len(t, folder, 1)
	require.Contains(t, folder[0].What, "this user cannot write there")
	require.Contains(t, folder[0].Mend, "mkdir -p "+p.c.Log.Dir)
}

func TestTheDoctorNamesANarrowerCharset(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.far.Exec(t, "ALTER TABLE shop MODIFY name VARCHAR(40) CHARACTER SET latin1")
	p.complains(app.FoundWarning, app.CheckTables, "a letter that latin1 lacks", fmt.Sprintf("ALTER TABLE %#q.`shop` MODIFY `name` varchar(40) CHARACTER SET utf8mb4", p.far.Name))
}

func TestTheDoctorNamesAReplicaThatIsFarBehind(t *testing.T) {
	t.Parallel()
	primary := mysqltest.Start(t, mysqltest.Options{ExtraArgs: []string{"--log-bin=on", "--server-id=1"}})
	replica := mysqltest.Start(t, mysqltest.Options{ExtraArgs: []string{"--server-id=2"}})
	p := healthy(t)
	source := replica.Database(t)
	source.Exec(t, table)
	p.job.Source.DSN, p.job.Source.Shard.Database = job.NewSecret(source.DSN), source.Name
	p.look()
	require.Empty(t, p.complaints())

	host, port, err := net.SplitHostPort(primary.Addr)
	require.NoError(t, err)
	source.Exec(t, fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='%s', MASTER_PORT=%s, MASTER_USER='%s', MASTER_PASSWORD='%s', MASTER_DELAY=3600",
		host, port, mysqltest.User, mysqltest.Password))
	p.complains(app.FoundProblem, app.CheckReplica, "its replication stands still", "START REPLICA")

	source.Exec(t, "START SLAVE")
	primary.Database(t).Exec(t, "CREATE TABLE waits (id INT)")
	p.c.Load.ReplicaLag = time.Second
	var f app.Finding
	p.until(func() bool {
		for _, f = range p.complaints() {
			if f.Check == app.CheckReplica && strings.Contains(f.What, "behind its primary, more than 1s") {
				return true
			}
		}
		return false
	}, "the replica says that it is behind")
	require.Equal(t, app.FoundProblem, f.Level)
	require.Contains(t, f.Mend, "SHOW REPLICA STATUS")
	source.Exec(t, "STOP SLAVE; RESET SLAVE ALL")
}

// fleetOfThree is led, and has processes that beat when they are told to.
func (p *patient) fleetOfThree() (beat func(id, version string)) {
	p.t.Helper()
	b := broker.Open(p.redis, broker.Options{})
	p.t.Cleanup(func() { require.NoError(p.t, b.Close()) })
	require.NoError(p.t, p.server.Client.SAdd(p.t.Context(), p.prefix+"jobs", "shop").Err())
	require.NoError(p.t, p.server.Client.Set(p.t.Context(), p.key("lock"), "token h:1", 0).Err())
	return func(id, version string) {
		p.t.Helper()
		require.NoError(p.t, b.Beat(p.t.Context(), job.Process{ID: id, Role: "worker", Host: "h", Version: version, Jobs: "shop"}))
	}
}

func TestTheDoctorNamesAJobThatNobodyWorksOn(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	beat := p.fleetOfThree()
	require.Empty(t, p.complaints(), "nothing runs yet")
	beat("h:1", "v1")
	require.Empty(t, p.complaints())
	require.NoError(t, p.server.Client.Del(t.Context(), p.key("lock")).Err())
	p.complains(app.FoundWarning, app.CheckFleet, "no scheduler leads it", "start a scheduler")
	require.NoError(t, p.server.Client.Set(t.Context(), p.key("lock"), "token h:1", 0).Err())
	require.NoError(t, p.server.Client.HSet(t.Context(), p.prefix+"process:h:1", "jobs", "another").Err())
	p.complains(app.FoundWarning, app.CheckFleet, "no worker works on it", "start a worker")
	beat("h:1", "v1")
	_, err := p.operator().Pause(t.Context(), app.Pause{Job: "shop", Who: "eva", Reason: "moved"})
	require.NoError(t, err)
	p.complains(app.FoundWarning, app.CheckFleet, "it is paused by eva: moved", "cupid resume shop")
}

func TestTheDoctorNamesAConfigThatTheFleetDoesNotShare(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.receiver.Behave(p.repairing())
	fleet := p.runConfig(app.Both, p.config(p.job))
	p.done(2)
	p.until(func() bool { return len(p.complaints()) == 0 }, "the fleet shares it")
	p.job.Destinations[0].Columns = p.job.Destinations[0].Columns[:1]
	p.look()
	p.complains(app.FoundWarning, app.CheckFleet, "other columns, destinations or callback addresses", "restart them")
	p.job.Source.ScanKey = "number"
	p.look()
	for _, f := range p.complaints() {
		if f.Check == app.CheckFleet {
			require.Equal(t, app.FoundProblem, f.Level)
			require.Contains(t, f.What, "another source or scan key")
			require.Contains(t, f.Mend, "HDEL '"+p.key("spec")+"' identity")
		}
	}
	require.NoError(t, fleet.stop())
}

// TestTheDoctorIsContentWithTheLeastRights: what the documentation says is enough is not complained of.
func TestTheDoctorIsContentWithTheLeastRights(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	name := "least" + p.source.Name[len(p.source.Name)-6:]
	p.source.Exec(t, fmt.Sprintf("CREATE USER '%[1]s'@'%%' IDENTIFIED BY 'least'; GRANT SELECT ON shop TO '%[1]s'@'%%'; GRANT SELECT ON %[2]s.shop TO '%[1]s'@'%%'", name, p.far.Name))
	t.Cleanup(func() { _, _ = p.source.DB.Exec(fmt.Sprintf("DROP USER '%s'@'%%'", name)) })
	dsn := func(database string) job.Secret {
		return job.NewSecret(fmt.Sprintf("%s:least@tcp(%s)/%s", name, p.source.Server.Addr, database))
	}
	p.job.Source.DSN, p.job.Destinations[0].DSN = dsn(p.source.Name), dsn(p.far.Name)
	leastUser(t, p.server.Client, p.prefix)
	p.redis.Username, p.redis.Password = "cupid", job.NewSecret("s3cr3t")
	beat := p.fleetOfThree()
	beat("h:1", "v1")
	p.look()
	require.Empty(t, p.complaints())
	require.Empty(t, refusals(t, p.server.Client))
	hidden := 0
	for _, f := range p.findings() {
		if strings.Contains(f.What, "the account may not see") {
			hidden++
			require.Contains(t, f.Mend, fmt.Sprintf("ON *.* TO '%s'@'%%'", name))
		}
	}
	require.Equal(t, 4, hidden, "replication and transactions, of both databases")
}

func TestTheDoctorNamesAMixOfVersions(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	beat := p.fleetOfThree()
	beat("h:1", "v1.2.0")
	beat("h:2", "v1.2.0")
	require.Empty(t, p.complaints())
	beat("h:3", "v1.1.0")
	p.complains(app.FoundWarning, app.CheckFleet, "v1.1.0: worker h:3; v1.2.0: worker h:1, worker h:2", "restart those of the older version")
	beat("h:3", "v1.2.0")
	late := redis.Z{Member: "h:3", Score: float64(time.Now().Add(-40 * time.Second).UnixMilli())}
	require.NoError(t, p.server.Client.ZAdd(t.Context(), p.prefix+"processes", late).Err())
	p.complains(app.FoundWarning, app.CheckFleet, "worker h:3 is silent for 4", "look at it on host h")
}

// TestTheDoctorGoesOnWhereServersAreDown: a database that does not answer is one problem.
func TestTheDoctorGoesOnWhereServersAreDown(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.far.Exec(t, "ALTER TABLE shop DROP INDEX number")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := l.Addr().String()
	require.NoError(t, l.Close())
	p.job.Source.DSN = job.NewSecret("cupid:" + mysqltest.Password + "@tcp(" + nobody + ")/db")
	p.look()
	p.c.Redis.Addrs = []string{nobody}
	second := p.job
	second.Name = "second"
	p.c.Jobs = append(p.c.Jobs, second)
	found := map[app.Level][]string{}
	for _, f := range p.findings() {
		found[f.Level] = append(found[f.Level], f.Check)
	}
	require.ElementsMatch(t, []string{app.CheckReach, app.CheckTables, app.CheckTables, app.CheckRedis}, found[app.FoundProblem], "the index is named for each job")
	require.ElementsMatch(t, []string{app.CheckClock, app.CheckTables, app.CheckTables, app.CheckFleet}, found[app.FoundUnchecked])
	require.Contains(t, found[app.FoundOK], app.CheckReceiver)

	// A wrong password is a problem of the database too, and not of each job again.
	p.job.Source.DSN = job.NewSecret("cupid:wrong@tcp(" + p.source.Server.Addr + ")/" + p.source.Name)
	p.far.Exec(t, "ALTER TABLE shop ADD INDEX (number)")
	p.look()
	p.complains(app.FoundProblem, app.CheckReach, "refuses the user or the password", "correct user and password")
}

// TestTheDoctorEndsWhereServersHang: who takes connections and says nothing is no reason to wait for ever.
func TestTheDoctorEndsWhereServersHang(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, mute.Close()) })
	p.job.Source.DSN = job.NewSecret("cupid:x@tcp(" + mute.Addr().String() + ")/db")
	p.look()
	p.c.Redis.Addrs = []string{mute.Addr().String()}
	p.o.Patience = 500 * time.Millisecond
	began := time.Now()
	found := map[string]string{}
	for _, f := range p.findings() {
		if f.Level == app.FoundProblem {
			found[f.Check] = f.What
		}
	}
	require.Less(t, time.Since(began), 10*time.Second)
	require.Len(t, found, 2)
	require.Contains(t, found[app.CheckReach], "it does not answer")
	require.Contains(t, found[app.CheckRedis], "no answer in time")
}

func TestTheDoctorPassesOnTheMistakesOfAConfig(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.c.Bad = []config.BadJob{{Name: "bad", Err: &config.Error{File: "shop.json", Mistakes: []config.Mistake{{Path: "jobs[1].source", Found: "missing"}}}}}
	p.c.Warnings = []string{"workerNumber is 2, 3 is used"}
	var got []string
	for _, f := range p.complaints() {
		got = append(got, string(f.Level)+" "+f.Check+" "+f.What)
	}
	require.Equal(t, []string{"problem config jobs[1].source: missing", "warning config workerNumber is 2, 3 is used"}, got)
}

func TestTheDoctorLooksAtTheStateFolderWithoutARedis(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.c.Redis, p.c.State = nil, t.TempDir()
	require.Empty(t, p.complaints())
	p.o.Free = func(string) (uint64, error) { return 0, errors.New("nobody knows") }
	for _, f := range p.complaints() {
		require.Equal(t, app.FoundUnchecked, f.Level)
	}
	p.o.Free = func(string) (uint64, error) { return 0, nil }
	require.Len(t, p.complaints(), 2, "the log folder and the state folder")
}
