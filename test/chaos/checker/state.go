package checker

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Place says where to look: the fleet of one job between two tables on one server.
type Place struct {
	DB     *sql.DB
	Redis  *redis.Client
	Prefix string // "cupid:"
	Job    string // "db.user"
	// Source, Destination are tables; Key is the scan key, By relates the rows, Columns are compared.
	Source, Destination, Key, By string
	Columns                      []string
}

// Differing are the keys of source rows whose copy is missing or different.
func (p Place) Differing(ctx context.Context) ([]string, error) {
	equal := make([]string, len(p.Columns))
	for i, c := range p.Columns {
		equal[i] = fmt.Sprintf("BINARY d.%[1]s <=> BINARY s.%[1]s", c)
	}
	query := fmt.Sprintf("SELECT s.%[1]s FROM %[2]s s LEFT JOIN %[3]s d ON d.%[4]s = s.%[4]s WHERE d.%[4]s IS NULL OR NOT (%[5]s) ORDER BY s.%[1]s",
		p.Key, p.Source, p.Destination, p.By, strings.Join(equal, " AND "))
	rows, err := p.DB.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("compare the tables: %w", err)
	}
	defer rows.Close()
	var keys []string
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

// work are the keys that a fleet with nothing to do must not have.
var work = regexp.MustCompile(`^\{[^}]*\}:(range|callback|troubled?:|samples|permits)`)

// most is how many entries any other key may have: what is kept for people is bounded.
const most = 1000

// Left are the keys of work, and those that have grown too large.
func (p Place) Left(ctx context.Context) ([]string, error) {
	var left []string
	keys := p.Redis.Scan(ctx, 0, p.Prefix+"*", 1000).Iterator()
	for keys.Next(ctx) {
		name := strings.TrimPrefix(keys.Val(), p.Prefix)
		if work.MatchString(name) {
			left = append(left, name)
			continue
		}
		n, err := p.size(ctx, keys.Val())
		if err != nil {
			return nil, err
		}
		if n > most {
			left = append(left, fmt.Sprintf("%s with %d entries", name, n))
		}
	}
	slices.Sort(left)
	return left, keys.Err()
}

func (p Place) size(ctx context.Context, key string) (int64, error) {
	switch kind := p.Redis.Type(ctx, key).Val(); kind {
	case "list":
		return p.Redis.LLen(ctx, key).Result()
	case "zset":
		return p.Redis.ZCard(ctx, key).Result()
	case "hash":
		return p.Redis.HLen(ctx, key).Result()
	default:
		return 0, nil
	}
}

// Behind is the cursor of the insert scan and the greatest key, when they differ.
func (p Place) Behind(ctx context.Context) (string, error) {
	cursor, err := p.Redis.HGet(ctx, p.Prefix+"{"+p.Job+"}:cursor", "insert:"+p.Source).Result()
	if err != nil {
		return "", err
	}
	var top string
	if err := p.DB.QueryRowContext(ctx, fmt.Sprintf("SELECT COALESCE(MAX(%s), '') FROM %s", p.Key, p.Source)).Scan(&top); err != nil {
		return "", err
	}
	if cursor == top {
		return "", nil
	}
	return fmt.Sprintf("cursor %s of %s", cursor, top), nil
}
