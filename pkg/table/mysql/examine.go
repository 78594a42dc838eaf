package mysql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/table"
)

// Health is what a server shows of itself to whoever looks after it.
type Health struct {
	Version string
	Account string // as GRANT wants it
	Now     time.Time
	Zone    *time.Location
	// Replica says that it is one. Behind is how far, negative when replication stands still.
	Replica bool
	Behind  time.Duration
	// Oldest is how long the oldest open transaction is open; 0 without one.
	Oldest time.Duration
	// Hidden is what the account may not see, and what would let it.
	Hidden []table.Problem
}

// Examine asks a server how it is. What the account may not see is no error.
func (d *Database) Examine(ctx context.Context) (Health, error) {
	c, err := d.clock(ctx)
	if err != nil {
		return Health{}, err
	}
	h := Health{Now: c.now, Zone: c.zone}
	if h.Version, h.Account, err = d.identify(ctx); err != nil {
		return h, err
	}
	monitor := "REPLICATION CLIENT"
	if strings.Contains(h.Version, "MariaDB") {
		monitor = "REPLICA MONITOR"
	}
	h.Replica, h.Behind, err = d.replication(ctx)
	if err := h.hidden(err, d, "whether it is a replica, and how far behind", monitor); err != nil {
		return h, err
	}
	h.Oldest, err = d.oldest(ctx)
	err = h.hidden(err, d, "how long transactions are open", "PROCESS")
	return h, err
}

// GrantSQL is the right to read a table, for an account as Examine names it.
func (d *Database) GrantSQL(table, account string) string {
	return fmt.Sprintf("GRANT SELECT ON %s.%s TO %s", quote(d.name), quote(table), account)
}

// hidden takes an error that says that a right is missing.
func (h *Health) hidden(err error, d *Database, what, right string) error {
	if _, denied := errors.AsType[*table.ConfigError](err); !denied {
		return err
	}
	h.Hidden = append(h.Hidden, table.Problem{
		Where: d.address, What: "the account may not see " + what, Mend: fmt.Sprintf("GRANT %s ON *.* TO %s", right, h.Account),
	})
	return nil
}

// identify reads the server's version and the account in use.
func (d *Database) identify(ctx context.Context) (version, account string, err error) {
	// QUOTE each part: an account may hold a quote, and a host an @.
	rows, err := d.rows(ctx, "read the account", "SELECT VERSION(),"+
		" CONCAT(QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', CHAR_LENGTH(CURRENT_USER()) - CHAR_LENGTH(REPLACE(CURRENT_USER(), '@', '')))),"+
		" '@', QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))")
	if err != nil || len(rows) != 1 {
		return "", "", err
	}
	return string(rows[0][0]), string(rows[0][1]), nil
}

// denied reports whether the server refuses the account a table, and which account that is.
func (d *Database) denied(ctx context.Context, name string) (account string, denied bool) {
	const errTableDenied = 1142
	var one int
	err := d.pool.QueryRowContext(ctx, "SELECT 1"+schema{table: name}.from("")+" LIMIT 0").Scan(&one)
	if number, answered := serverNumber(err); !answered || number != errTableDenied {
		return "", false
	}
	if _, account, err = d.identify(ctx); err != nil {
		account = "the DSN's account"
	}
	return account, true
}

// oldest is how long the oldest open transaction is open. The server notes its
// beginning on the host's own wall clock.
func (d *Database) oldest(ctx context.Context) (time.Duration, error) {
	rows, err := d.rows(ctx, "read the open transactions",
		"SELECT TIMESTAMPDIFF(SECOND, MIN(trx_started), CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', 'SYSTEM')) FROM information_schema.INNODB_TRX")
	if err != nil || len(rows) != 1 {
		return 0, err
	}
	return time.Duration(max(0, atoi(rows[0][0]))) * time.Second, nil
}
