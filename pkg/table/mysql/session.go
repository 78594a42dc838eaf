package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	charset   = "utf8mb4"
	collation = "utf8mb4_general_ci" // known to every version of both servers
)

// pinned are the settings that every session has, whatever the DSN says: two
// sides that read under different settings would differ in every row.
var pinned = []struct{ variable, value string }{
	{"time_zone", "'+00:00'"},
	{"sql_mode", "''"}, // among others no PAD_CHAR_TO_FULL_LENGTH
	{"sql_select_limit", "DEFAULT"},
	{"autocommit", "1"},
	{"group_concat_max_len", strconv.Itoa(packBytes)},
}

// connector opens sessions with everything pinned.
type connector struct {
	driver.Connector
	limit time.Duration // of one statement, on the server
	last  reading

	glances glances
}

// newConnector takes over what the DSN says of the way to the server (address,
// account, TLS, time-outs) and sets the rest.
func newConnector(config *mysql.Config, limit time.Duration) (*connector, error) {
	if config.Timeout == 0 {
		config.Timeout = defaultDialTimeout
	}
	if config.ReadTimeout == 0 {
		config.ReadTimeout = limit + readMargin
	}
	if config.WriteTimeout == 0 {
		config.WriteTimeout = limit + readMargin
	}
	if err := config.Apply(mysql.Charset(charset, collation)); err != nil {
		return nil, err
	}
	for _, pin := range pinned {
		delete(config.Params, pin.variable)
	}
	for _, variable := range limitVariables {
		delete(config.Params, variable.name)
	}
	// Without arguments a query uses the text protocol, which prints a FLOAT
	// otherwise than the binary one does: one protocol for both sides.
	config.InterpolateParams = true
	config.ParseTime = false // would lose zero dates and zones
	config.ColumnsWithAlias = false
	config.MultiStatements = false
	config.Logger = &mysql.NopLogger{} // every error is returned as well
	inner, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return &connector{Connector: inner, limit: limit}, nil
}

// driverConn is what database/sql uses of the driver's connection.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	driver.NamedValueChecker
}

// session is a connection that knows its id on the server, by which a query can
// be killed from elsewhere.
type session struct {
	driverConn
	id int64
}

// Connect opens a session and pins its settings.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	s, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.prepare(ctx, s); err != nil {
		_ = s.Close() // the first error says more
		return nil, err
	}
	return s, nil
}

func (c *connector) dial(ctx context.Context) (*session, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := conn.(driverConn)
	if !ok {
		_ = conn.Close()
		return nil, errors.New("the MySQL driver lacks a way to run queries with a context")
	}
	return &session{driverConn: inner}, nil
}

func (c *connector) prepare(ctx context.Context, s *session) error {
	for _, pin := range pinned {
		if err := s.exec(ctx, "SET SESSION "+pin.variable+"="+pin.value); err != nil {
			return fmt.Errorf("set %s: %w", pin.variable, err)
		}
	}
	if err := c.limitStatements(ctx, s); err != nil {
		return err
	}
	var err error
	if s.id, err = s.connectionID(ctx); err != nil {
		return fmt.Errorf("read the connection id: %w", err)
	}
	return nil
}

// limitVariables are the names of the statement limit: MariaDB's in seconds,
// MySQL's in milliseconds.
var limitVariables = []struct {
	name string
	text func(time.Duration) string
}{
	{"max_statement_time", func(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }},
	{"max_execution_time", func(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }},
}

// limitStatements sets whichever limit the server has. One that refuses both is
// used all the same: the client's own time-outs hold.
func (c *connector) limitStatements(ctx context.Context, s *session) error {
	for _, variable := range limitVariables {
		err := s.exec(ctx, "SET SESSION "+variable.name+"="+variable.text(c.limit))
		if err == nil {
			return nil
		}
		if _, answered := serverNumber(err); !answered {
			return fmt.Errorf("set %s: %w", variable.name, err)
		}
	}
	return nil
}

func (s *session) exec(ctx context.Context, statement string) error {
	_, err := s.ExecContext(ctx, statement, nil)
	return err
}

func (s *session) connectionID(ctx context.Context) (int64, error) {
	rows, err := s.QueryContext(ctx, "SELECT CONNECTION_ID()", nil)
	if err != nil {
		return 0, err
	}
	row := make([]driver.Value, 1)
	if err := errors.Join(rows.Next(row), rows.Close()); err != nil {
		return 0, err
	}
	switch id := row[0].(type) {
	case int64:
		return id, nil
	case uint64:
		return int64(id), nil
	}
	return 0, fmt.Errorf("the server answered a %T", row[0])
}
