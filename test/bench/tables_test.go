//go:build bench

package bench

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
)

const defaultRows = 1_000_000

// every is the share of damaged rows: one in a thousand, missing and different by turns.
const every = 1000

// tables is the seed page's table on three sides: the source, a copy with the
// source's ids, and a copy with ids of its own in another order.
type tables struct {
	server *mysqltest.Server
	db     *sql.DB
	rows   int
}

func rows(t testing.TB) int { t.Helper(); return setting(t, "ROWS", defaultRows) }

func newTables(t testing.TB) *tables {
	t.Helper()
	b := &tables{rows: rows(t)}
	b.server = mysqltest.Start(t, mysqltest.Options{ExtraArgs: []string{
		"--innodb-buffer-pool-size=4G", "--innodb-log-file-size=1G", "--innodb-doublewrite=0", "--max-connections=300",
	}})
	d := b.server.Database(t)
	b.db = d.DB
	t.Logf("filling three tables of %d rows", b.rows)
	began := time.Now()
	for _, statement := range []string{
		"CREATE DATABASE db CHARACTER SET utf8mb4", "CREATE DATABASE db2 CHARACTER SET utf8mb4", "CREATE DATABASE db3 CHARACTER SET utf8mb4",
		`CREATE TABLE db.user (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, number VARCHAR(32) NOT NULL, name VARCHAR(64) NOT NULL,
			avatar VARCHAR(255) NULL, update_time DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
			UNIQUE KEY number (number), KEY update_time (update_time))`,
		`CREATE TABLE db2.user (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, number VARCHAR(32) NOT NULL, name VARCHAR(64) NOT NULL, avatar VARCHAR(255) NULL,
			UNIQUE KEY number (number))`,
		`CREATE TABLE db3.user (own_id BIGINT UNSIGNED NOT NULL PRIMARY KEY, number VARCHAR(32) NOT NULL, name VARCHAR(64) NOT NULL, avatar VARCHAR(255) NULL,
			UNIQUE KEY number (number))`,
		fmt.Sprintf(`INSERT INTO db.user (id, number, name, avatar, update_time) SELECT seq, CONCAT('u', LPAD(seq * 7919 %% 1000000007, 10, '0')),
			CONCAT('name of user ', seq), IF(seq %% 10 = 0, NULL, CONCAT('https://pictures.example/avatars/', seq, '.png')), '2026-01-01' FROM db.seq_1_to_%d`, b.rows),
		fmt.Sprintf(`INSERT INTO db2.user SELECT id, number, IF(id %% %[1]d = 0, CONCAT(name, '!'), name), avatar FROM db.user WHERE id %% %[1]d <> %[2]d`, 2*every, every),
		// A permutation of the ids: the copy's order has nothing to do with the source's.
		fmt.Sprintf(`INSERT INTO db3.user SELECT (id * 1000003) %% 4294967291, number, IF(id %% %[1]d = 0, CONCAT(name, '!'), name), avatar FROM db.user WHERE id %% %[1]d <> %[2]d`, 2*every, every),
		"ANALYZE TABLE db.user, db2.user, db3.user",
	} {
		b.exec(t, statement)
	}
	t.Logf("filled in %s", time.Since(began).Round(time.Second))
	return b
}

func (b *tables) exec(t testing.TB, statement string) {
	t.Helper()
	_, err := b.db.ExecContext(t.Context(), statement)
	require.NoError(t, err, statement)
}

// damaged is how many rows are missing or different.
func (b *tables) damaged() int { return b.rows / every }

// bare is the database's own limit, the best of three.
func (b *tables) bare(t testing.TB, destination string, columns string) time.Duration {
	t.Helper()
	best := b.bareOnce(t, destination, columns)
	for range 2 {
		best = min(best, b.bareOnce(t, destination, columns))
	}
	t.Logf("bare: %s, and the same FROM %s: %s", bareQuery("db.user", columns), destination, best.Round(time.Millisecond))
	return best
}

// bareOnce folds all rows of both sides, side by side, over the same row string,
// ungrouped, with nothing around it.
func (b *tables) bareOnce(t testing.TB, destination string, columns string) time.Duration {
	t.Helper()
	began := time.Now()
	var both sync.WaitGroup
	for _, table := range []string{"db.user", destination} {
		both.Go(func() {
			var n, hash uint64
			require.NoError(t, b.db.QueryRowContext(context.Background(), bareQuery(table, columns)).Scan(&n, &hash))
		})
	}
	both.Wait()
	return time.Since(began)
}

func bareQuery(table, columns string) string {
	return "SELECT COUNT(*), BIT_XOR(CRC32(CONCAT_WS(',', " + columns + ", ISNULL(avatar))) * 2654435769) FROM " + table
}
