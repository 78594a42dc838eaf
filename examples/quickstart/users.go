package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// The tables on both sides. The source's needs a key that grows and an indexed
// time of the last change; the destination's needs an index on the column that
// relates the rows, here number.
const (
	sourceTable = `CREATE TABLE user (
		id          BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
		number      BIGINT NOT NULL,
		name        VARCHAR(64) NOT NULL,
		avatar      VARCHAR(191) NULL,
		update_time DATETIME NOT NULL,
		INDEX (update_time))`
	copyTable = `CREATE TABLE user (
		number BIGINT PRIMARY KEY,
		name   VARCHAR(64) NOT NULL,
		avatar VARCHAR(191) NULL)`
)

// user is what both tables have in common.
type user struct {
	number int64
	name   string
	avatar sql.NullString
}

// put inserts users or, by number, updates them, in one statement.
func put(ctx context.Context, d *database, users ...user) error {
	if len(users) == 0 {
		return nil
	}
	args := make([]any, 0, 3*len(users))
	for _, u := range users {
		args = append(args, u.number, u.name, u.avatar)
	}
	_, err := d.ExecContext(ctx, "INSERT INTO user (number, name, avatar) VALUES (?, ?, ?)"+
		strings.Repeat(", (?, ?, ?)", len(users)-1)+
		" ON DUPLICATE KEY UPDATE name = VALUES(name), avatar = VALUES(avatar)", args...)
	if err != nil {
		return fmt.Errorf("put %d users: %w", len(users), err)
	}
	return nil
}

// all reads every user.
func all(ctx context.Context, d *database) (map[int64]user, error) {
	rows, err := d.QueryContext(ctx, "SELECT number, name, avatar FROM user")
	if err != nil {
		return nil, fmt.Errorf("read all users: %w", err)
	}
	defer rows.Close()
	users := map[int64]user{}
	for rows.Next() {
		var u user
		if err := rows.Scan(&u.number, &u.name, &u.avatar); err != nil {
			return nil, fmt.Errorf("read all users: %w", err)
		}
		users[u.number] = u
	}
	return users, rows.Err()
}

// countDifferent compares both tables without cupid. It is the judge at the end.
func countDifferent(ctx context.Context, source, copied *database) (int, error) {
	want, err := all(ctx, source)
	if err != nil {
		return 0, err
	}
	have, err := all(ctx, copied)
	if err != nil {
		return 0, err
	}
	different := 0
	for number, u := range want {
		if have[number] != u {
			different++
		}
	}
	return different, nil
}
