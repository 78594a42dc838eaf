package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/notify"
)

// write puts a config into a file whose name tells its syntax.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func load(t *testing.T, o config.Options) *config.Config {
	t.Helper()
	c, err := config.Load(o)
	require.NoError(t, err)
	return c
}

// loadJobs loads a job form from text, with secrets from the environment.
func loadJobs(t *testing.T, text string, environ ...string) *config.Config {
	t.Helper()
	return load(t, config.Options{Path: write(t, "cupid.yaml", text), Environ: environ})
}

const oneJob = `
jobs:
  - source: {dsn: "user:s3cr3t@tcp(127.0.0.1:3306)/db", table: user, byColumn: number}
    destinations:
      - dsn: user:s3cr3t@tcp(127.0.0.1:3306)/db2
        columns: [number, name]
        callback: {url: http://127.0.0.1:20000/cb}
`

// The block of the seed's page, as printed there.
func TestSeedPageLoadsAsPrinted(t *testing.T) {
	t.Parallel()
	c := load(t, config.Options{Path: "testdata/seed-page.json"})
	format, err := job.ParseTimeFormat("Y-m-d H:i:s")
	require.NoError(t, err)
	require.Equal(t, &config.Config{
		Path:    "testdata/seed-page.json",
		Form:    config.FormSeed,
		State:   "/tmp",
		Log:     config.Log{Dir: "/tmp", Format: "text", MaxSizeMB: 100, MaxFiles: 7},
		HTTP:    config.HTTP{Addr: "127.0.0.1:0"},
		Worker:  config.Worker{Comparers: 1, RangePoll: time.Second, CallbackPoll: time.Second},
		Load:    job.Load{ThreadsRunning: 128},
		Process: config.Process{ShutdownTimeout: 1500 * time.Millisecond, Lease: 30 * time.Second},
		Alerts: notify.Config{
			Language:   notify.English,
			Repeat:     10 * time.Minute,
			ServerChan: notify.ServerChan{BaseURL: notify.ServerChanURL},
			Pushbear: notify.Pushbear{
				SendKey: job.NewSecret("9724-73bdacb319007f53f83d0123213b4ec964"),
				BaseURL: "http://pushbear.ftqq.com",
			},
		},
		Jobs: []job.Job{{
			Name: "db.user",
			Source: job.Source{
				DSN:       job.NewSecret("user:password@tcp(127.0.0.1:3306)/db?charset=utf8"),
				Shard:     job.Shard{Database: "db", Table: "user"},
				ByColumns: []string{"number"},
			},
			Insert:       job.InsertScan{Enabled: true, Every: 2 * time.Second},
			Update:       job.UpdateScan{Enabled: true, Every: 2 * time.Second, Column: "update_time", Window: 5 * time.Second, Format: format},
			StartID:      "1",
			RangeRows:    10_000,
			Checksum:     job.ChecksumFast,
			LateCommit:   time.Minute,
			MaxRanges:    1000,
			MaxCallbacks: 100_000,
			ConfirmDelay: time.Second,
			HotBound:     time.Minute,
			Lenient:      true,
			Destinations: []job.Destination{{
				Name:      "db2.user",
				DSN:       job.NewSecret("user:password@tcp(127.0.0.1:3306)/db2?charset=utf8"),
				Table:     "user",
				ByColumns: []string{"number"},
				Columns:   []job.ColumnPair{{Source: "avatar", Destination: "avatar"}, {Source: "name", Destination: "name"}, {Source: "number", Destination: "number"}},
				Callback: job.Callback{
					URL: "http://127.0.0.1:20000/test/callback", Timeout: 3 * time.Second,
					Retry: 10 * time.Second, SlowRetry: 10 * time.Minute,
					Verify: true, VerifyDelay: 10 * time.Second, Concurrency: 8, Limit: job.Calls{BreakAfter: 10}, Body: job.BodySeed,
				},
			}},
		}},
	}, c)
}

func TestSeedFormTakesLaterKeysInAnyCase(t *testing.T) {
	t.Parallel()
	path := write(t, "my.conf", `{
		"WORKERNUMBER": "6", "Verify": false, "verifydelaysecond": 0.5, "confirmDelaySecond": 2, "slowRetrySecond": 60,
		"failureJobRetrySecond": "3", "pushbearBaseURL": "127.0.0.1:8080",
		"redis": {"addrs": ["10.0.0.1", "10.0.0.2:7000"], "username": "u", "password": "p", "prefix": "x:", "master": "m", "tls": true, "db": 2},
		"SRC": {"DSN": "u@tcp(h)/db", "Table": "t", "bycolumn": "k", "insert": "true", "INSERTINTERVALMILLISECOND": 500},
		"Des": [{"dsn": "u@tcp(h)/db2", "columns": {"k": "K"}, "callbacknotification": {"URL": "https://h/cb"}}],
	}`)
	c := load(t, config.Options{Path: path})
	require.Empty(t, c.Warnings)
	require.Equal(t, 4, c.Worker.Comparers)
	require.Equal(t, "http://127.0.0.1:8080", c.Alerts.Pushbear.BaseURL)
	require.Equal(t, &broker.Config{
		Addrs: []string{"10.0.0.1:6379", "10.0.0.2:7000"}, Username: "u", Password: job.NewSecret("p"),
		DB: 2, Prefix: "x:", Master: "m", TLS: true,
	}, c.Redis)
	j := c.Jobs[0]
	require.Equal(t, 500*time.Millisecond, j.Insert.Every)
	require.Equal(t, 2*time.Second, j.ConfirmDelay)
	d := j.Destinations[0]
	require.Equal(t, "t", d.Table)
	require.Equal(t, []string{"k"}, d.ByColumns)
	require.Equal(t, []job.ColumnPair{{Source: "k", Destination: "K"}}, d.Columns)
	require.False(t, d.Callback.Verify)
	require.Equal(t, 500*time.Millisecond, d.Callback.VerifyDelay)
	require.Equal(t, 3*time.Second, d.Callback.Retry)
	require.Equal(t, time.Minute, d.Callback.SlowRetry)
	require.Equal(t, "https://h/cb", d.Callback.URL)
}

// Several columns may relate rows, in both forms, as a list or a text.
func TestSeveralByColumns(t *testing.T) {
	t.Parallel()
	path := write(t, "c.json", `{"src": {"dsn": "u@tcp(h)/db", "table": "t", "byColumn": "region, code", "insert": true},
		"des": [{"dsn": "u@tcp(h)/db2", "columns": ["name"], "callbackNotification": {"url": "h"}, "byColumn": ["area", "no"]}]}`)
	j := load(t, config.Options{Path: path}).Jobs[0]
	require.Equal(t, []string{"region", "code"}, j.Source.ByColumns)
	require.Equal(t, []string{"area", "no"}, j.Destinations[0].ByColumns)
	j = loadJobs(t, strings.Replace(oneJob, "byColumn: number", "byColumn: [region, code]", 1), "CUPID_JOBS_0_DESTINATIONS_0_BY_COLUMN=area,no").Jobs[0]
	require.Equal(t, []string{"region", "code"}, j.Source.ByColumns)
	require.Equal(t, []string{"area", "no"}, j.Destinations[0].ByColumns)
}

// An insert that the seed file does not name is off, as it always was.
func TestSeedFormInsertIsOffUnlessGiven(t *testing.T) {
	t.Parallel()
	path := write(t, "c.json", `{"src": {"dsn": "u@tcp(h)/db", "table": "t", "byColumn": "k", "update": true, "updateColumn": "at"},
		"des": [{"dsn": "u@tcp(h)/db2", "columns": {"k": "k"}, "callbackNotification": {"url": "h"}}]}`)
	j := load(t, config.Options{Path: path}).Jobs[0]
	require.False(t, j.Insert.Enabled)
	require.True(t, j.Update.Enabled)
	require.True(t, j.Update.Format.Native())
}

func TestJobFormReadsTheSameFromEverySyntax(t *testing.T) {
	t.Parallel()
	fromYAML := loadJobs(t, oneJob)
	fromJSON := load(t, config.Options{Path: write(t, "c.json", `{"jobs": [{ // comment
		"source": {"dsn": "user:s3cr3t@tcp(127.0.0.1:3306)/db", "table": "user", "byColumn": "number"},
		"destinations": [{"dsn": "user:s3cr3t@tcp(127.0.0.1:3306)/db2", "columns": ["number", "name"], "callback": {"url": "127.0.0.1:20000/cb"}}],
	}]}`)})
	fromTOML := load(t, config.Options{Path: write(t, "c.toml", `
[[jobs]]
source = {dsn = "user:s3cr3t@tcp(127.0.0.1:3306)/db", table = "user", byColumn = "number"}
[[jobs.destinations]]
dsn = "user:s3cr3t@tcp(127.0.0.1:3306)/db2"
columns = {number = "number", name = "name"}
callback.url = "http://127.0.0.1:20000/cb"
`)})
	fromJSON.Path, fromTOML.Path = fromYAML.Path, fromYAML.Path
	require.Equal(t, fromYAML, fromJSON)
	require.Equal(t, fromYAML, fromTOML)
	require.Equal(t, config.FormJob, fromYAML.Form)
	require.Empty(t, fromYAML.Jobs[0].StartID)
	require.False(t, fromYAML.Jobs[0].Lenient)
	require.Nil(t, fromYAML.Redis)
}

// The nearest value wins: destination, job, defaults.
func TestCallbackSettingsAreShared(t *testing.T) {
	t.Parallel()
	c := loadJobs(t, `
defaults: {rangeRows: 500, callback: {retry: 1s, slowRetry: 2s, timeout: 4s}}
jobs:
  - name: a
    source: {dsn: u@tcp(h)/db, table: a, byColumn: k}
    callback: {url: h/job, slowRetry: 3s, timeout: 5s}
    destinations:
      - {name: one, dsn: u@tcp(h)/db2, columns: [k]}
      - {name: two, dsn: u@tcp(h)/db2, columns: [k], callback: {url: h/two, timeout: 6s}}
      - {name: three, dsn: u@tcp(h)/db2, columns: [k], callback: off}
  - name: b
    rangeRows: 7
    source: {dsn: u@tcp(h)/db, table: b, byColumn: k}
    callback: {url: h/b}
    destinations: [{dsn: u@tcp(h)/db2, columns: [k]}]
`)
	require.Equal(t, 500, c.Jobs[0].RangeRows)
	require.Equal(t, 7, c.Jobs[1].RangeRows)
	one, two, three := c.Jobs[0].Destinations[0].Callback, c.Jobs[0].Destinations[1].Callback, c.Jobs[0].Destinations[2].Callback
	require.Equal(t, []time.Duration{time.Second, 3 * time.Second, 5 * time.Second}, []time.Duration{one.Retry, one.SlowRetry, one.Timeout})
	require.Equal(t, 6*time.Second, two.Timeout)
	require.Equal(t, "http://h/two", two.URL)
	require.Equal(t, "http://h/job", one.URL)
	require.True(t, three.Off)
	require.False(t, two.Off)
	require.Equal(t, 2*time.Second, c.Jobs[1].Destinations[0].Callback.SlowRetry)
}

// One bad job is shown; the others run.
func TestOneBadJobOfMany(t *testing.T) {
	t.Parallel()
	path := write(t, "c.yaml", oneJob+`
  - name: broken
    rangeRows: none
    source: {dsn: "user:s3cr3t@tcp(", table: user, byColumn: number}
    destinations: []
  - source: {dsn: u@tcp(h)/db, table: user, byColumn: number}
    destinations: [{dsn: u@tcp(h)/db2, columns: [k], callback: off}]
  - destinations: [{dsn: u@tcp(h)/db2, columns: [k], callback: off}]
`)
	c := load(t, config.Options{Path: path})
	require.Len(t, c.Jobs, 1)
	require.Equal(t, "db.user", c.Jobs[0].Name)
	require.Len(t, c.Bad, 3)
	require.Equal(t, []string{"broken", "db.user", "jobs[3]"}, []string{c.Bad[0].Name, c.Bad[1].Name, c.Bad[2].Name})
	require.Len(t, c.Bad[0].Err.Mistakes, 3)
	require.Contains(t, c.Bad[0].Err.Error(), path+": jobs[1].rangeRows: found \"none\"")
	require.Contains(t, c.Bad[1].Err.Error(), "which is also the name of jobs[0]")
	for _, bad := range c.Bad {
		require.NotContains(t, bad.Err.Error(), password)
	}
}

// A mistake that concerns every job stops them all, and the jobs' own are told with it.
func TestCommonMistakeStopsAll(t *testing.T) {
	t.Parallel()
	path := write(t, "c.yaml", oneJob+"    rangeRows: none\nlog: {level: loud}\ndefaults: {confirmDelay: 1}\n")
	_, err := config.Load(config.Options{Path: path})
	var broken *config.Error
	require.ErrorAs(t, err, &broken)
	paths := make([]string, len(broken.Mistakes))
	for i, m := range broken.Mistakes {
		paths[i] = m.Path
	}
	require.Equal(t, []string{"log.level", "defaults.confirmDelay", "jobs[0].rangeRows"}, paths)
}

func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	large := write(t, "large.json", "{")
	require.NoError(t, os.Truncate(large, 2<<20))
	for path, want := range map[string]string{
		filepath.Join(dir, "none.json"): "the file cannot be read: no such file or directory, want a config file",
		dir:                             "the file is a directory, want a config file",
		large:                           "the file is larger than 1024 KB, want a config file",
		os.DevNull:                      "the file is not a regular file, want a config file",
	} {
		_, err := config.Load(config.Options{Path: path})
		require.EqualError(t, err, path+": "+want)
	}
}

func TestByteOrderMarkAndWindowsLines(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("testdata/seed-page.json")
	require.NoError(t, err)
	text := "\ufeff"
	for _, c := range string(page) {
		if c == '\n' {
			text += "\r"
		}
		text += string(c)
	}
	require.Len(t, load(t, config.Options{Path: write(t, "c.json", text)}).Jobs, 1)
}

func TestDSNFromFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "dsn"), []byte("user:s3cr3t@tcp(h)/shop\n"), 0o600))
	path := filepath.Join(dir, "c.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`
jobs:
  - source: {dsnFile: dsn, table: user, byColumn: number}
    destinations: [{dsnFile: `+filepath.Join(dir, "dsn")+`, columns: [k], callback: off}]
`), 0o600))
	j := load(t, config.Options{Path: path}).Jobs[0]
	require.Equal(t, "shop.user", j.Name)
	require.Equal(t, "user:s3cr3t@tcp(h)/shop", j.Source.DSN.Reveal())
}

func TestReplicas(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "dsn"), []byte("u:s3cr3t@tcp(c)/db2\n"), 0o600))
	path := filepath.Join(dir, "c.yaml")
	text := strings.Replace(oneJob, "byColumn: number}", `byColumn: number, replicas: ["u:${PASSWORD}@tcp(a)/db", "u@tcp(b)/db"]}`, 1)
	text = strings.Replace(text, "columns:", "replicaFiles: dsn\n        maxLag: 2s\n        columns:", 1)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	j := load(t, config.Options{Path: path, Environ: []string{"PASSWORD=s3cr3t"}}).Jobs[0]
	require.Len(t, j.Source.Replicas.Servers, 2)
	require.Equal(t, "u:s3cr3t@tcp(a)/db", j.Source.Replicas.Servers[0].DSN.Reveal())
	require.Equal(t, 10*time.Second, j.Source.Replicas.MaxLag, "a sixth of lateCommit")
	require.Equal(t, job.Replicas{
		Servers: []job.Replica{{DSN: job.NewSecret("u:s3cr3t@tcp(c)/db2"), DSNFile: filepath.Join(dir, "dsn")}}, MaxLag: 2 * time.Second,
	}, j.Destinations[0].Replicas)
	require.Equal(t, time.Minute, j.ReplicaSlack())
	require.Zero(t, loadJobs(t, oneJob).Jobs[0].ReplicaSlack())
}

func TestColumnsAsSectionListOrVariable(t *testing.T) {
	t.Parallel()
	text := `
jobs:
  - source: {dsn: u@tcp(h)/db, table: user, byColumn: number}
    destinations:
      - {dsn: u@tcp(h)/db1, callback: off, columns: {a.b: c.d, Z: z, 1: "2"}}
      - {dsn: u@tcp(h)/db2, callback: off, columns: [b, a]}
      - {dsn: u@tcp(h)/db3, callback: off, columns: "b, a"}
      - {dsn: u@tcp(h)/db4, callback: off}
`
	d := loadJobs(t, text, "CUPID_JOBS_0_DESTINATIONS_3_COLUMNS=b,a").Jobs[0].Destinations
	require.Equal(t, []job.ColumnPair{{Source: "1", Destination: "2"}, {Source: "Z", Destination: "z"}, {Source: "a.b", Destination: "c.d"}}, d[0].Columns)
	for _, same := range d[1:] {
		require.Equal(t, []job.ColumnPair{{Source: "a", Destination: "a"}, {Source: "b", Destination: "b"}}, same.Columns)
	}
}

// Keys beyond 2^63 come through digit for digit.
func TestStartIDKeepsItsDigits(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"0", "18446744073709551615", "\"99999999999999999999\"", "abc"} {
		c := loadJobs(t, oneJob+"    startID: "+id+"\n")
		require.Equal(t, strings.Trim(id, "\""), c.Jobs[0].StartID)
	}
}
