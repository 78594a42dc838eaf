package mysql

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/go-sql-driver/mysql"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table"
)

// errSyntax is the answer to a statement that a server does not know.
const errSyntax = 1064

// errNoSuchThread is the answer to a KILL that came too late.
const errNoSuchThread = 1094

// errPrivilege is the answer to who lacks a right on the whole server.
const errPrivilege = 1227

// mistakes are the server's numbers that waiting does not mend.
var mistakes = map[uint16]struct{ what, mend string }{
	1044:         {"the account may not use the database", "GRANT SELECT on it to the DSN's account"},
	1045:         {"the server refuses the user or the password", "correct user and password in the DSN"},
	1049:         {"the database does not exist on the server", "correct the database name in the DSN"},
	1054:         {"a column does not exist", "correct the column name, or restart after a change of the table"},
	1130:         {"the server does not let this host in", "CREATE USER for this host, or correct the DSN's address"},
	1142:         {"the account may not read the table", "GRANT SELECT on it to the DSN's account"},
	1143:         {"the account may not read a column", "GRANT SELECT on it to the DSN's account"},
	1146:         {"the table does not exist", "correct the table name"},
	1176:         {"an index does not exist", "restart after a change of the table's indexes"},
	errPrivilege: {"the account lacks a privilege", "GRANT SELECT to the DSN's account"},
	1698:         {"the server refuses the user or the password", "correct user and password in the DSN"},
	1820:         {"the account must change its password first", "ALTER USER … IDENTIFIED BY …"},
	1862:         {"the account's password has expired", "ALTER USER … IDENTIFIED BY …"},
	3118:         {"the account is locked", "ALTER USER … ACCOUNT UNLOCK"},
	4151:         {"the account is locked", "ALTER USER … ACCOUNT UNLOCK"},
}

// driverMistakes are what the driver finds while it logs in.
var driverMistakes = map[error]string{
	mysql.ErrNoTLS:             "the server does not offer the TLS that the DSN asks for",
	mysql.ErrCleartextPassword: "the server wants the password in clear, which the DSN does not allow",
	mysql.ErrNativePassword:    "the server wants a password form that the DSN does not allow",
	mysql.ErrOldPassword:       "the server wants an outdated password form",
	mysql.ErrUnknownPlugin:     "the server wants a way to log in that is not known here",
}

// Numbers that say nothing about the statement.
var (
	// away: the server takes nobody at the moment, or is stopping.
	away = []uint16{1040, 1047, 1053, 1152, 1158, 1159, 1160, 1161, 1203, 1226, 3168, 3169}
	// ended: another session or a person ended the statement.
	ended = []uint16{1205, 1213, 1317, 1927, 4031}
)

// classify tells three kinds apart: a mistake, which ends the wait; a server that is
// away, which is waited for; and one that answers but cannot give these rows.
func (d *Database) classify(operation string, err error) error {
	if what, mend, ok := mistake(err); ok {
		found := &table.ConfigError{Problems: []table.Problem{{Where: d.address, What: what, Mend: mend}}}
		if d.onMistake != nil {
			d.onMistake(found)
		}
		return found
	}
	number, answered := serverNumber(err)
	var kind error = discreet{err}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), slices.Contains(ended, number):
	case !answered && !errors.Is(err, mysql.ErrPktTooLarge), slices.Contains(away, number):
		kind = &job.DownError{Thing: d.Thing(), Err: kind}
	default:
		kind = unreadable{kind}
	}
	return fmt.Errorf("%s at %s: %w", operation, d.address, kind)
}

// unreadable is job.ErrUnreadable with the server's own words.
type unreadable struct{ error }

func (e unreadable) Is(target error) bool { return target == job.ErrUnreadable }

func (e unreadable) Unwrap() error { return e.error }

func mistake(err error) (what, mend string, ok bool) {
	if number, fromServer := serverNumber(err); fromServer {
		if m, known := mistakes[number]; known {
			return fmt.Sprintf("%s (error %d)", m.what, number), m.mend, true
		}
		return "", "", false
	}
	for known, what := range driverMistakes {
		if errors.Is(err, known) {
			return what, "correct the DSN's parameters", true
		}
	}
	if _, bad := errors.AsType[*tls.CertificateVerificationError](err); bad {
		return "the server's certificate cannot be trusted", "correct the DSN's tls parameter", true
	}
	return "", "", false
}

// serverNumber is the number of an error that the server answered.
func serverNumber(err error) (uint16, bool) {
	if answer, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return answer.Number, true
	}
	return 0, false
}

// quoted is what servers put values, and pieces of the query, between.
var quoted = regexp.MustCompile(`(?s)'.*'`)

// ownState begins the states of errors that people's own functions and triggers raise, in their own words.
const ownState = "45"

// discreet hides what a server quotes: it may be a row's value.
type discreet struct{ error }

func (e discreet) Error() string {
	if answer, ok := errors.AsType[*mysql.MySQLError](e.error); ok && string(answer.SQLState[:2]) == ownState {
		return fmt.Sprintf("Error %d (%s): a stored function that the statement uses says …", answer.Number, answer.SQLState[:])
	}
	return quoted.ReplaceAllString(e.error.Error(), "'…'")
}

func (e discreet) Unwrap() error { return e.error }
