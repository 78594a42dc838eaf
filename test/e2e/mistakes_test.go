//go:build e2e

package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/test/fleet"
)

// jobForm is the seed's job in the job form; each case damages a copy of it.
func jobForm(w *fleet.World) string {
	return `redis:
  addr: ` + w.Redis.Addr + `
jobs:
  - source:
      dsn: ` + w.DSN("db") + `
      table: user
      byColumn: number
    update:
      enabled: true
      column: update_time
    destinations:
      - dsn: ` + w.DSN("db2") + `
        table: user
        columns: [number, name, avatar]
        callback:
          url: ` + w.Receiver.URL + `
`
}

// mistake is a config that must be refused.
type mistake struct {
	seed   bool      // damages the seed's config instead of the job form
	damage [2]string // this text becomes that
	says   []string  // what stderr must name
	tables string    // statements before the start
}

var mistakes = map[string]mistake{
	"unknown key": {
		damage: [2]string{"    update:\n", "    confirmDelai: 2s\n    update:\n"}, says: []string{"jobs[0].confirmDelai", "confirmDelay"},
	},
	"missing table": {
		damage: [2]string{"table: user", "table: usr"}, says: []string{"db.usr"},
	},
	"missing table in the seed form": {
		seed: true, damage: [2]string{`"table": "user",//我们关注`, `"table": "usr",//我们关注`}, says: []string{"db.usr"},
	},
	"missing column": {
		damage: [2]string{"[number, name, avatar]", "{number: number, name: portrait}"}, says: []string{"portrait", "db2.user"},
	},
	"missing column in the seed form": {
		seed: true, damage: [2]string{`"avatar": "avatar"`, `"avatar": "portrait"`}, says: []string{"portrait", "db2.user"},
	},
	"no usable scan key": {
		tables: "CREATE TABLE db.keyless (number VARCHAR(32), name VARCHAR(64), avatar VARCHAR(255), update_time DATETIME, KEY (number), KEY (update_time))",
		damage: [2]string{"table: user", "table: keyless"}, says: []string{"db.keyless", "scanKey"},
	},
	"update column without index": {
		tables: "CREATE TABLE db.slow (id BIGINT PRIMARY KEY, number VARCHAR(32), name VARCHAR(64), avatar VARCHAR(255), update_time DATETIME, KEY (number))",
		damage: [2]string{"table: user", "table: slow"}, says: []string{"update_time", "ALTER TABLE `db`.`slow` ADD INDEX"},
	},
	"two destinations of one name": {
		damage: [2]string{"    destinations:\n", "    destinations:\n      - name: db2.user\n        dsn: u:p@tcp(127.0.0.1:1)/x\n        columns: [number, name]\n        callback: {url: http://127.0.0.1:1}\n      - name: db2.user\n        dsn: u:p@tcp(127.0.0.1:1)/y\n        columns: [number, name]\n        callback: {url: http://127.0.0.1:1}\n"},
		says:   []string{"db2.user", "name"},
	},
	"bad URL": {
		damage: [2]string{"url: http://", "url: ftp://"}, says: []string{"url", "http"},
	},
	"bad time format": {
		damage: [2]string{"column: update_time", "column: update_time\n      format: Y-m"}, says: []string{"format", "Y-m"},
	},
	"bad time format in the seed form": {
		seed: true, damage: [2]string{`"Y-m-d H:i:s"`, `"Y-q"`}, says: []string{"updateTimeFormate", "Y-q"},
	},
	"wrong MySQL password": {
		damage: [2]string{mysqltest.Password + "@", "WrongButSecret9@"}, says: []string{"user or the password"},
	},
	"no Redis": {
		damage: [2]string{"  addr:", "  prefix:"}, says: []string{"CUPID_REDIS_ADDR"},
	},
	"no Redis in the seed form": {
		seed: true, damage: [2]string{`"redis"`, `"redisOff"`}, says: []string{"redis", "CUPID_REDIS_ADDR"},
	},
	"broken JSON": {
		seed: true, damage: [2]string{`"des": [`, `"des": `}, says: []string{"seed.json"},
	},
}

func TestMistakesEndInOneLineAndExitCodeTwo(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			if m.tables != "" {
				w.Exec(t, m.tables)
			}
			path := m.config(t, w)
			for _, command := range []string{fleet.Scheduler, fleet.Worker} {
				requireMistake(t, fleet.Run(t, w.Env(), command, "-c", path), m.says)
			}
		})
	}
}

// config writes the damaged config.
func (m mistake) config(t *testing.T, w *fleet.World) string {
	t.Helper()
	file, text := strings.ReplaceAll(filepath.Base(t.Name()), " ", "_")+".yaml", jobForm(w)
	if m.seed {
		file, text = "seed.json", w.Seed(`"redis": {"addr": "`+w.Redis.Addr+`"}`)
	}
	damaged := strings.Replace(text, m.damage[0], m.damage[1], 1)
	require.NotEqual(t, text, damaged)
	return w.File(t, file, damaged)
}

func requireMistake(t *testing.T, r fleet.Result, says []string) {
	t.Helper()
	require.Equal(t, 2, r.Code, "stderr: %s", r.Stderr)
	last := lastMessage(r.Stderr)
	t.Log(last)
	for _, word := range says {
		require.Contains(t, last, word)
	}
	require.NotContains(t, r.Stdout+r.Stderr, "WrongButSecret9")
	require.NotContains(t, last, "\n", "one line")
}

// lastMessage is what a command said besides its log.
func lastMessage(stderr string) string {
	var said []string
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "time=") {
			said = append(said, line)
		}
	}
	return strings.TrimSpace(strings.Join(said, ""))
}

func TestMistakesOfTheCommandLine(t *testing.T) {
	t.Parallel()
	for _, command := range []string{fleet.Scheduler, fleet.Worker, fleet.Cupid} {
		requireMistake(t, fleet.Run(t, nil, command), []string{"-c FILE"})
		requireMistake(t, fleet.Run(t, nil, command, "-c", "/nowhere/cupid.json"), []string{"/nowhere/cupid.json"})
		requireMistake(t, fleet.Run(t, nil, command, "--confg", "x"), []string{"--confg"})
	}
}

func TestASecondConfigForAKnownJob(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	processes := launch(t, w, w.SeedConfig(t), 1, 1)
	fleet.WaitForReady(t, processes...)

	w.Exec(t, "CREATE TABLE db.other LIKE db.user")
	other := strings.Replace(jobForm(w), "table: user", "table: other", 1)
	other = strings.Replace(other, "- source", "- name: db.user\n    source", 1)
	path := w.File(t, "other.yaml", other)
	for _, command := range []string{fleet.Scheduler, fleet.Worker, fleet.Cupid} {
		requireMistake(t, fleet.Run(t, w.Env(), command, "-c", path), []string{"db.user", "db.other"})
	}
}

func TestAWrongRedisPassword(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	require.NoError(t, w.Redis.Client.ConfigSet(t.Context(), "requirepass", "OnlyThisIsRight").Err())
	for said, password := range map[string]string{"wrong": "  password: WrongButSecret9\n", "none": ""} {
		path := w.File(t, said+".yaml", strings.Replace(jobForm(w), "redis:\n", "redis:\n"+password, 1))
		for _, command := range []string{fleet.Scheduler, fleet.Worker} {
			requireMistake(t, fleet.Run(t, w.Env(), command, "-c", path), []string{w.Redis.Addr, "password"})
		}
	}
}

func TestTheSeedFormWarnsAndStarts(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	w.Exec(t, "ALTER TABLE db.user DROP KEY update_time")
	path := w.SeedConfig(t, `"workerNumbr": 3`)
	for _, p := range launch(t, w, path, 1, 1) {
		p.WaitForStatus(t, "/readyz", http.StatusOK, time.Minute)
		require.Contains(t, p.Output(), "workerNumbr")
		require.Contains(t, p.Output(), "workerNumber", "the nearest name")
		require.Contains(t, p.Output(), "ALTER TABLE `db`.`user` ADD INDEX")
	}
}
