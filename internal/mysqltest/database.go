package mysqltest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// Database is an empty database of one test.
type Database struct {
	Name string
	DSN  string  // for the code under test
	DB   *sql.DB // for the test; one Exec may hold several statements
	// Server is where it lives.
	Server *Server
}

// Database creates a database with a name that nothing else has. It is dropped
// when t ends, unless t failed: then it stays, to be looked at, as long as its
// server or until the next run on it.
func (s *Server) Database(t testing.TB) *Database { t.Helper(); return s.Named(t, s.name(t.Name())) }

// Named is Database with a name as people give one, on a server that nobody else has.
func (s *Server) Named(t testing.TB, name string) *Database {
	t.Helper()
	if _, err := s.admin.ExecContext(t.Context(), "CREATE DATABASE `"+name+"` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"); err != nil {
		t.Fatalf("create database %s: %v", name, err)
	}
	db, err := s.open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.drop(t, name, db) })
	return &Database{Name: name, DSN: s.DSN(name), DB: db, Server: s}
}

// Exec runs statements, separated by semicolons; with args only one.
func (d *Database) Exec(t testing.TB, statements string, args ...any) {
	t.Helper()
	if _, err := d.DB.ExecContext(t.Context(), statements, args...); err != nil {
		t.Fatalf("database %s: %v\n%s", d.Name, err, statements)
	}
}

func (s *Server) drop(t testing.TB, name string, db *sql.DB) {
	t.Helper()
	_ = db.Close() // fails when the test killed the server
	if t.Failed() {
		t.Logf("database %s is kept; %s", name, s.origin())
		return
	}
	if s.daemon != nil && !s.daemon.Running() {
		return // the test ended its server, and the directory goes with it
	}
	ctx, cancel := bounded() // t.Context() is over by now
	defer cancel()
	if _, err := s.admin.ExecContext(ctx, "DROP DATABASE `"+name+"`"); err != nil {
		t.Errorf("drop database %s: %v", name, err)
	}
}

// Names of databases are "cupid_<run>_<serial>_<test>": what makes them unique
// comes first and is never cut off, and what is left over can be told by its run.
const (
	namePrefix = "cupid_"
	runBytes   = 4
)

func (s *Server) name(test string) string {
	const most = 64 // bytes, MySQL's limit
	name := []byte(fmt.Sprintf("%s%s_%d_%s", namePrefix, s.run, s.serial.Add(1), strings.TrimPrefix(test, "Test")))
	for i, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			name[i] = '_'
		}
	}
	return strings.ToLower(string(name[:min(len(name), most)]))
}

// connect opens the admin handle and marks this run as alive by a named lock,
// which the server lets go of when the test binary dies. Then it drops the
// databases of runs that are over.
func (s *Server) connect() (err error) {
	random := make([]byte, runBytes)
	_, _ = rand.Read(random) // never fails
	s.run = hex.EncodeToString(random)
	if s.admin, err = s.open(""); err != nil {
		return err
	}
	ctx, cancel := bounded()
	defer cancel()
	if s.marker, err = s.admin.Conn(ctx); err != nil {
		return fmt.Errorf("connect to %s: %w", s.Addr, err)
	}
	var got sql.NullInt64
	if err = s.marker.QueryRowContext(ctx, "SELECT GET_LOCK(?, 0)", namePrefix+s.run).Scan(&got); err != nil {
		return fmt.Errorf("mark the run: %w", err)
	}
	return s.sweep(ctx)
}

func (s *Server) sweep(ctx context.Context) error {
	rows, err := s.admin.QueryContext(ctx, "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'cupid\\_%\\_%'")
	if err != nil {
		return fmt.Errorf("look for leftover databases: %w", err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return fmt.Errorf("look for leftover databases: %w", err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("look for leftover databases: %w", err)
	}
	for _, name := range names {
		if err := s.dropIfOver(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) dropIfOver(ctx context.Context, name string) error {
	run, ours := runOf(name)
	if !ours {
		return nil
	}
	var free bool
	if err := s.admin.QueryRowContext(ctx, "SELECT IS_FREE_LOCK(?)", namePrefix+run).Scan(&free); err != nil {
		return fmt.Errorf("ask whether run %s is over: %w", run, err)
	}
	if !free {
		return nil
	}
	if _, err := s.admin.ExecContext(ctx, "DROP DATABASE IF EXISTS `"+name+"`"); err != nil {
		return fmt.Errorf("drop leftover database %s: %w", name, err)
	}
	return nil
}

// runOf takes the run out of a database's name.
func runOf(name string) (run string, ours bool) {
	run, _, _ = strings.Cut(strings.TrimPrefix(name, namePrefix), "_")
	random, err := hex.DecodeString(run)
	return run, err == nil && len(random) == runBytes
}
