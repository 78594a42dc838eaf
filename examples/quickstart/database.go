package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/server"
	gms "github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	_ "github.com/go-sql-driver/mysql" // the driver "mysql" of database/sql
	"github.com/sirupsen/logrus"
)

// database is a MySQL-compatible server inside this process. It keeps one
// database in memory and listens on a free port, so that any client can look in.
type database struct {
	*sql.DB
	host, port string
	dsn        string // as a config file names it
	server     *server.Server
	serving    sync.WaitGroup
}

// openDatabase starts a server and makes the database's table.
func openDatabase(ctx context.Context, name, table string) (*database, error) {
	logrus.SetOutput(io.Discard) // where the server logs
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for database %s: %w", name, err)
	}
	tables := memory.NewDatabase(name)
	tables.EnablePrimaryKeyIndexes()
	provider := memory.NewDBProvider(tables)
	s, err := server.NewServerWithHandler(
		server.Config{Protocol: "tcp", Listener: listener}, sqle.NewDefault(provider),
		gms.NewContext, memory.NewSessionBuilder(provider), nil, oneAtATime)
	if err != nil {
		return nil, fmt.Errorf("start database %s: %w", name, err)
	}
	d := &database{server: s, dsn: "root@tcp(" + listener.Addr().String() + ")/" + name}
	d.serving.Go(func() { _ = s.Start() }) // until Close
	if d.host, d.port, err = net.SplitHostPort(listener.Addr().String()); err == nil {
		d.DB, err = sql.Open("mysql", d.dsn+"?interpolateParams=true")
	}
	if err == nil {
		_, err = d.ExecContext(ctx, table)
	}
	if err != nil {
		return nil, fmt.Errorf("make the table of database %s: %w", name, err)
	}
	return d, nil
}

func (d *database) close() error {
	err := errors.Join(d.DB.Close(), d.server.Close())
	d.serving.Wait()
	return err
}

// oneAtATime lets one statement run after the other: tables in memory know no
// concurrency, and whoever reads would undo what is written meanwhile.
func oneAtATime(h mysql.Handler) (mysql.Handler, error) { return &serial{Handler: h}, nil }

type serial struct {
	mysql.Handler
	mu sync.Mutex
}

func (s *serial) ComQuery(ctx context.Context, c *mysql.Conn, query string, callback mysql.ResultSpoolFn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Handler.ComQuery(ctx, c, query, callback)
}

func (s *serial) ComMultiQuery(ctx context.Context, c *mysql.Conn, query string, callback mysql.ResultSpoolFn) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Handler.ComMultiQuery(ctx, c, query, callback)
}
