package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

const (
	// lostPercent and corruptedPercent of all events are what this pipeline breaks.
	lostPercent      = 3
	corruptedPercent = 2

	// lag is how late the pipeline is. cupid confirms a difference before it
	// calls, so a row that is only late raises no callback.
	lag = 300 * time.Millisecond

	newPerSecond     = 40
	changedPerSecond = 20
	beat             = 500 * time.Millisecond // between two batches of live writes
)

// pipeline stands for the application that writes the source and for the change
// data capture behind it. It breaks some of what it carries and tells nobody.
type pipeline struct {
	source, copied *database
	dice           *rand.Rand
	next           int64  // number of the next new user
	intact         []user // of the history, arrived well and not changed since
	broken         breakage
	written        int // rows inserted or changed in the source
}

// breakage is what went wrong on the way, in rows.
type breakage struct {
	lost      int // inserts that never arrived: missing at the destination
	outdated  int // changes that never arrived: different there
	corrupted int // arrived with other content: different there
}

func (b breakage) minus(c breakage) breakage {
	return breakage{b.lost - c.lost, b.outdated - c.outdated, b.corrupted - c.corrupted}
}

func (b breakage) different() int { return b.outdated + b.corrupted }

func newPipeline(source, copied *database, seed uint64) *pipeline {
	return &pipeline{source: source, copied: copied, dice: rand.New(rand.NewPCG(seed, seed)), next: 10001}
}

// history writes rows that are an hour old and carries them.
func (p *pipeline) history(ctx context.Context, rows int) error {
	users := p.create(rows)
	if err := p.insert(ctx, users, time.Hour); err != nil {
		return err
	}
	if err := p.carry(ctx, users, nil); err != nil {
		return err
	}
	have, err := all(ctx, p.copied)
	for _, u := range users {
		if have[u.number] == u {
			p.intact = append(p.intact, u)
		}
	}
	return err
}

// live writes new and changed rows in batches and carries each after the lag.
func (p *pipeline) live(ctx context.Context, d time.Duration) error {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for range d / beat {
		created := p.create(int(newPerSecond * beat / time.Second))
		if err := p.insert(ctx, created, 0); err != nil {
			return err
		}
		changed, err := p.change(ctx, int(changedPerSecond*beat/time.Second))
		if err != nil {
			return err
		}
		if err := wait(ctx, time.After(lag)); err != nil {
			return err
		}
		if err := p.carry(ctx, created, changed); err != nil {
			return err
		}
		if err := wait(ctx, ticker.C); err != nil {
			return err
		}
	}
	return nil
}

// wait waits for c unless ctx ends before.
func wait(ctx context.Context, c <-chan time.Time) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// create makes up users.
func (p *pipeline) create(n int) []user {
	users := make([]user, n)
	for i := range users {
		u := user{number: p.next, name: fmt.Sprintf("user %d", p.next)}
		if p.next%3 == 0 { // the others have none: NULL
			u.avatar = sql.NullString{String: fmt.Sprintf("/avatar/%d.png", p.next), Valid: true}
		}
		users[i] = u
		p.next++
	}
	return users
}

// insert writes users into the source, last changed so long ago.
func (p *pipeline) insert(ctx context.Context, users []user, ago time.Duration) error {
	if len(users) == 0 {
		return nil
	}
	row := fmt.Sprintf("(?, ?, ?, NOW() - INTERVAL %d SECOND)", int(ago.Seconds())) // by the server's clock
	args := make([]any, 0, 3*len(users))
	for _, u := range users {
		args = append(args, u.number, u.name, u.avatar)
	}
	p.written += len(users)
	_, err := p.source.ExecContext(ctx, "INSERT INTO user (number, name, avatar, update_time) VALUES "+
		row+strings.Repeat(", "+row, len(users)-1), args...)
	if err != nil {
		return fmt.Errorf("write the source: %w", err)
	}
	return nil
}

// change renames up to n users of the history that have arrived well: a second
// fault in the same row would only blur the count. The newest come first, the
// server in this process is slow with rows in the middle of a table.
func (p *pipeline) change(ctx context.Context, n int) ([]user, error) {
	n = min(n, len(p.intact))
	if n == 0 {
		return nil, nil
	}
	rest := len(p.intact) - n
	changed := slices.Clone(p.intact[rest:])
	p.intact = p.intact[:rest]
	numbers := make([]any, n)
	for i := range changed {
		changed[i].name += " renamed"
		numbers[i] = changed[i].number
	}
	p.written += n
	_, err := p.source.ExecContext(ctx, "UPDATE user SET name = CONCAT(name, ' renamed'), update_time = NOW()"+
		" WHERE number IN (?"+strings.Repeat(", ?", n-1)+")", numbers...)
	if err != nil {
		return nil, fmt.Errorf("change the source: %w", err)
	}
	return changed, nil
}

// carry brings new and changed rows to the destination, most of them.
func (p *pipeline) carry(ctx context.Context, created, changed []user) error {
	arrived := append(p.damage(created, &p.broken.lost), p.damage(changed, &p.broken.outdated)...)
	return put(ctx, p.copied, arrived...)
}

// damage gives what is left of users on their way and counts the faults.
func (p *pipeline) damage(users []user, dropped *int) []user {
	var arrived []user
	for _, u := range users {
		switch roll := p.dice.IntN(100); {
		case roll < lostPercent:
			*dropped++
		case roll < lostPercent+corruptedPercent:
			p.broken.corrupted++
			arrived = append(arrived, corrupt(u))
		default:
			arrived = append(arrived, u)
		}
	}
	return arrived
}

// corrupt is what a wrong character set does to a name.
func corrupt(u user) user {
	u.name = strings.ReplaceAll(u.name, "e", "?")
	return u
}
