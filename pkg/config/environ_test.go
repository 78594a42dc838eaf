package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
)

// Defaults give way to the file, the file to the environment, all to flags.
func TestOrderOfLayers(t *testing.T) {
	t.Parallel()
	text := oneJob + "    startID: 5\n    rangeRows: 20\ndefaults: {rangeRows: 10, maxRanges: 30}\nlog: {level: warn}\nlease: 40s\n"
	environ := []string{
		"CUPID_LEASE=50s", "CUPID_SHUTDOWN_TIMEOUT=9s", "CUPID_LOG_MAX_SIZE_MB=3", "CUPID_HTTP_ADDR=:8080",
		"CUPID_JOBS_0_START_ID=6", "CUPID_DEFAULTS_RANGE_ROWS=11", "CUPID_DEFAULTS_MAX_RANGES=31",
		"CUPID_JOBS_0_DESTINATIONS_0_CALLBACK_SLOW_RETRY=7s", "CUPID_JOBS_0_INSERT_EVERY=300ms",
		"CUPID_LOG_FORMAT=", "HOME=/root",
	}
	path := write(t, "c.yaml", text)
	c := load(t, config.Options{Path: path, Environ: environ})
	require.Empty(t, c.Warnings)
	require.Equal(t, "WARN", c.Log.Level.String())
	require.Equal(t, "text", c.Log.Format)
	require.Equal(t, 3, c.Log.MaxSizeMB)
	require.Equal(t, ":8080", c.HTTP.Addr)
	require.Equal(t, config.Process{ShutdownTimeout: 9 * time.Second, Lease: 50 * time.Second}, c.Process)
	j := c.Jobs[0]
	require.Equal(t, "6", j.StartID)
	require.Equal(t, 20, j.RangeRows, "a job's own value wins over what jobs share")
	require.Equal(t, 31, j.MaxRanges)
	require.Equal(t, 300*time.Millisecond, j.Insert.Every)
	require.Equal(t, 7*time.Second, j.Destinations[0].Callback.SlowRetry)

	c = load(t, config.Options{Path: path, Environ: environ, StartID: "7"})
	require.Equal(t, "7", c.Jobs[0].StartID)
}

func TestEnvironmentOverridesTheSeedForm(t *testing.T) {
	t.Parallel()
	c := load(t, config.Options{Path: "testdata/seed-page.json", StartID: "ab c", Environ: []string{
		"CUPID_REDIS_ADDR=10.0.0.1,10.0.0.2:7000", "CUPID_REDIS_PASSWORD=s3cr3t", "CUPID_WORKER_COMPARERS=3",
		"CUPID_JOBS_0_SOURCE_DSN=u@tcp(h)/other", "CUPID_JOBS_0_INSERT_EVERY=1m", "CUPID_JOBS_0_CALLBACK_VERIFY=false",
		"CUPID_TEST_REDIS_ADDR=127.0.0.1:1",
	}})
	require.Empty(t, c.Warnings)
	require.Equal(t, &broker.Config{
		Addrs: []string{"10.0.0.1:6379", "10.0.0.2:7000"}, Password: job.NewSecret("s3cr3t"), Prefix: "cupid:",
	}, c.Redis)
	require.Equal(t, 3, c.Worker.Comparers)
	require.Equal(t, "other.user", c.Jobs[0].Name)
	require.Equal(t, time.Minute, c.Jobs[0].Insert.Every)
	require.Equal(t, "ab c", c.Jobs[0].StartID)
	require.False(t, c.Jobs[0].Destinations[0].Callback.Verify)
}

func TestRedisURL(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]broker.Config{
		"redis://h":                     {Addrs: []string{"h:6379"}},
		"rediss://user:s3cr3t@h:7000/3": {Addrs: []string{"h:7000"}, Username: "user", Password: job.NewSecret("s3cr3t"), DB: 3, TLS: true},
		"redis://:s3cr3t@[::1]:7000/":   {Addrs: []string{"[::1]:7000"}, Password: job.NewSecret("s3cr3t")},
		"h":                             {Addrs: []string{"h:6379"}},
		"::1":                           {Addrs: []string{"[::1]:6379"}},
	} {
		want.Prefix = broker.DefaultPrefix
		c := loadJobs(t, oneJob, "CUPID_REDIS_ADDR="+addr)
		require.Equal(t, &want, c.Redis, addr)
	}
}

// What a URL says gives way to the key that says it too.
func TestRedisKeysWinOverTheURL(t *testing.T) {
	t.Parallel()
	c := loadJobs(t, oneJob, "CUPID_REDIS_ADDR=redis://a:b@h/3", "CUPID_REDIS_DB=4", "CUPID_REDIS_PASSWORD=c")
	require.Equal(t, 4, c.Redis.DB)
	require.Equal(t, "a", c.Redis.Username)
	require.Equal(t, "c", c.Redis.Password.Reveal())
}

func TestUnknownVariables(t *testing.T) {
	t.Parallel()
	c := loadJobs(t, oneJob+"notify: {pushbearSendKey: '${CUPID_MY_KEY}$${X}'}\n",
		"CUPID_LOG_LEVL=debug", "CUPID_XYLOPHONE_AND_MORE=s3cr3t", "CUPID_MY_KEY=key", "CUPID_JOBS_0_RANGE_ROW=5")
	require.Equal(t, []string{
		"CUPID_JOBS_0_RANGE_ROW: unknown variable, did you mean CUPID_JOBS_N_RANGE_ROWS?",
		"CUPID_LOG_LEVL: unknown variable, did you mean CUPID_LOG_LEVEL?",
		"CUPID_XYLOPHONE_AND_MORE: unknown variable, want CUPID_ and the name of a setting",
	}, c.Warnings)
	require.Equal(t, "key${X}", c.Alerts.Pushbear.SendKey.Reveal())
}

func TestMistakesInVariablesAndFlags(t *testing.T) {
	t.Parallel()
	path := write(t, "c.yaml", oneJob)
	for _, c := range []struct{ environ, startID, want string }{
		{"CUPID_LOG_LEVEL=loud", "", `CUPID_LOG_LEVEL: found "loud", want one of debug, info, warn, error`},
		{"CUPID_JOBS_1_RANGE_ROWS=5", "", "CUPID_JOBS_1_RANGE_ROWS: found no such element in the file, want a number below the count of the list, from 0"},
		{"CUPID_JOBS_0_DESTINATIONS_1_TABLE=x", "", "CUPID_JOBS_0_DESTINATIONS_1_TABLE: found no such element in the file, want a number below the count of the list, from 0"},
		{"CUPID_JOBS_0_RANGE_ROWS=many", "", `CUPID_JOBS_0_RANGE_ROWS: found "many", want a whole number from 1 to 10000000`},
		{"CUPID_REDIS_PASSWORD=s3cr3t", "", `redis.addr: missing, want host:port, or "" for no Redis`},
		{"", "-5", `-s: found "-5", want a whole number from 0, or the text of a text key`},
		{"", "a\nb", `-s: found a text that is not shown, want a whole number from 0, or the text of a text key`},
	} {
		_, err := config.Load(config.Options{Path: path, Environ: []string{c.environ}, StartID: c.startID})
		require.EqualError(t, err, path+": "+c.want)
	}
}

// Every setting has one variable, and no two share one.
func TestVariableNames(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, s := range config.Defaults() {
		require.Empty(t, seen[s.Environ()], s.Key)
		seen[s.Environ()] = s.Key
	}
	require.Equal(t, "log.maxSizeMB", seen["CUPID_LOG_MAX_SIZE_MB"])
	require.Equal(t, "alerts.pushbear.baseURL", seen["CUPID_ALERTS_PUSHBEAR_BASE_URL"])
	require.Equal(t, "jobs[].destinations[].dsnFile", seen["CUPID_JOBS_N_DESTINATIONS_N_DSN_FILE"])
}
