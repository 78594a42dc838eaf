package fleet

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/masixun71/cupid-go/internal/callbacktest"
)

// Fill writes n source rows, with the ids first, first+1, …; not the copies.
func (w *World) Fill(t testing.TB, first, n int) {
	t.Helper()
	const digits = `(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)`
	w.Exec(t, `INSERT INTO db.user (id, number, name, avatar, balance)
		SELECT n + ?, CONCAT('n', n + ?), CONCAT('名 ', n), IF(n % 10 = 0, NULL, CONCAT('https://pictures/', n)), n / 100
		FROM (SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d AS n
			FROM `+digits+` a, `+digits+` b, `+digits+` c, `+digits+` d, `+digits+` e) numbers
		WHERE n < ?`, first, first, n)
}

// CopyAll brings the destination up to date, as a pipeline without a fault would.
func (w *World) CopyAll(t testing.TB) {
	t.Helper()
	w.Exec(t, copyRows+` ON DUPLICATE KEY UPDATE name = VALUES(name), avatar = VALUES(avatar)`)
}

const copyRows = `INSERT INTO db2.user (number, name, avatar) SELECT number, name, avatar FROM db.user`

// Exec runs a statement of the tests.
func (w *World) Exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := w.DB.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
}

// Copy brings source rows to the destination as they are at that moment: the
// shared lock makes two copies of one row land in the order of its changes.
func (w *World) Copy(ctx context.Context, ids ...string) error {
	tx, err := w.DB.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return fmt.Errorf("copy %d rows: %w", len(ids), err)
	}
	_, err = tx.ExecContext(ctx, copyRows+` WHERE id IN (`+strings.Join(ids, ",")+`) ORDER BY id LOCK IN SHARE MODE
		ON DUPLICATE KEY UPDATE name = VALUES(name), avatar = VALUES(avatar)`)
	if err != nil {
		return errors.Join(fmt.Errorf("copy %d rows: %w", len(ids), err), tx.Rollback())
	}
	return tx.Commit()
}

// Repair is the receiver that users are to write: it puts the row right.
func (w *World) Repair(body callbacktest.Body) error {
	id, err := strconv.ParseUint(body.Value("id"), 10, 64)
	if err != nil {
		return fmt.Errorf("a callback without an id: %w", err)
	}
	return w.Copy(context.Background(), strconv.FormatUint(id, 10))
}

// Row is a source row as a plain client reads it; nil stands for NULL.
type Row map[string]*string

// SourceRows reads rows of the source by id.
func (w *World) SourceRows(t testing.TB, where string) map[string]Row {
	t.Helper()
	rows, err := w.DB.QueryContext(t.Context(), "SELECT * FROM db.user WHERE "+where)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Row{}
	for rows.Next() {
		values, into := make([]*string, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := Row{}
		for i, name := range names {
			row[name] = values[i]
		}
		found[*row["id"]] = row
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// Differing lists the ids of source rows whose copy is missing or different.
func (w *World) Differing(t testing.TB) []string {
	t.Helper()
	rows, err := w.DB.QueryContext(t.Context(), `SELECT s.id FROM db.user s LEFT JOIN db2.user d ON d.number = s.number
		WHERE d.number IS NULL OR NOT (BINARY d.name <=> BINARY s.name AND BINARY d.avatar <=> BINARY s.avatar) ORDER BY s.id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}
