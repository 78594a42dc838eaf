package broker

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Adopt copies the jobs of another store that this Redis does not know yet, and
// gives their names. It may be repeated after it was cut off: a key that is there is
// left alone, and the cursor, which makes a job known, comes last.
// Nobody may work on the other store meanwhile.
func (b *Broker) Adopt(ctx context.Context, other *Broker) (names []string, err error) {
	all, err := other.rdb.SMembers(ctx, other.jobsKey()).Result()
	if err != nil {
		return nil, fmt.Errorf("adopt jobs: %w", redisError(err))
	}
	slices.Sort(all)
	for _, name := range all {
		mine, theirs := keys{prefix: b.jobPrefix(name)}, keys{prefix: other.jobPrefix(name)}
		known, err := b.rdb.Exists(ctx, mine.cursor()).Result()
		if err != nil {
			return names, fmt.Errorf("adopt job %s: %w", name, redisError(err))
		}
		if known > 0 {
			continue
		}
		if err := b.adoptJob(ctx, other, mine, theirs); err != nil {
			return names, fmt.Errorf("adopt job %s: %w", name, err)
		}
		if err := b.rdb.SAdd(ctx, b.jobsKey(), name).Err(); err != nil {
			return names, fmt.Errorf("adopt job %s: %w", name, redisError(err))
		}
		names = append(names, name)
	}
	return names, nil
}

func (b *Broker) adoptJob(ctx context.Context, other *Broker, mine, theirs keys) error {
	var found []string
	scan := other.rdb.Scan(ctx, 0, globEscape(theirs.prefix)+"*", 1000).Iterator()
	for scan.Next(ctx) {
		found = append(found, scan.Val())
	}
	if err := scan.Err(); err != nil {
		return redisError(err)
	}
	slices.Sort(found)
	for _, key := range append(slices.DeleteFunc(found, func(k string) bool {
		return k == theirs.lock() || k == theirs.cursor() // nobody leads there; the cursor comes last
	}), theirs.cursor()) {
		if err := b.adoptKey(ctx, other, key, mine.prefix+strings.TrimPrefix(key, theirs.prefix)); err != nil {
			return err
		}
	}
	return nil
}

// adoptKey copies one key in one command, unless it is there.
func (b *Broker) adoptKey(ctx context.Context, other *Broker, from, to string) error {
	there, err := b.rdb.Exists(ctx, to).Result()
	if err != nil || there > 0 {
		return wrapRedis(err)
	}
	kind, err := other.rdb.Type(ctx, from).Result()
	if err != nil {
		return redisError(err)
	}
	switch kind {
	case "hash":
		fields, err := other.rdb.HGetAll(ctx, from).Result()
		if err != nil || len(fields) == 0 {
			return wrapRedis(err)
		}
		left, err := other.rdb.TTL(ctx, from).Result()
		if err != nil {
			return redisError(err)
		}
		pipe := b.rdb.TxPipeline()
		pipe.HSet(ctx, to, fields)
		if left > 0 { // a day's counters
			pipe.Expire(ctx, to, left)
		}
		_, err = pipe.Exec(ctx)
		return wrapRedis(err)
	case "list":
		items, err := other.rdb.LRange(ctx, from, 0, -1).Result()
		if err != nil || len(items) == 0 {
			return wrapRedis(err)
		}
		return wrapRedis(b.rdb.RPush(ctx, to, anys(items)...).Err())
	case "zset":
		members, err := other.rdb.ZRangeWithScores(ctx, from, 0, -1).Result()
		if err != nil || len(members) == 0 {
			return wrapRedis(err)
		}
		return wrapRedis(b.rdb.ZAdd(ctx, to, members...).Err())
	case "set":
		members, err := other.rdb.SMembers(ctx, from).Result()
		if err != nil || len(members) == 0 {
			return wrapRedis(err)
		}
		return wrapRedis(b.rdb.SAdd(ctx, to, anys(members)...).Err())
	case "none":
		return nil
	default:
		return fmt.Errorf("key %s is a %s, which cupid does not write", from, kind)
	}
}

func wrapRedis(err error) error {
	if err == nil {
		return nil
	}
	return redisError(err)
}

func anys(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

// globEscape makes a prefix match itself in SCAN.
func globEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}
