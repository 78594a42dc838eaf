package checker

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// aof writes an append-only file: each line is a transaction, its commands divided by ";".
func aof(t *testing.T, lines ...string) string {
	t.Helper()
	dir := t.TempDir()
	var text strings.Builder
	command := func(words ...string) {
		fmt.Fprintf(&text, "*%d\r\n", len(words))
		for _, w := range words {
			fmt.Fprintf(&text, "$%d\r\n%s\r\n", len(w), w)
		}
	}
	for _, line := range lines {
		command("MULTI")
		for one := range strings.SplitSeq(line, ";") {
			words := strings.Fields(one)
			words[1] = "cupid:{db.user}:" + words[1]
			command(words...)
		}
		command("EXEC")
	}
	text.WriteString("*3\r\n$4\r\nHSET\r\n$90\r\ncut off")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.aof.manifest"), []byte("file a.base seq 1 type b\nfile a.1 seq 1 type i\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.1"), []byte(text.String()), 0o600))
	return dir
}

const claim0 = "HSET cursor insert:db.user 20;ZADD samples 5 insert-late:db.user:..20;LPUSH ranges insert:db.user:..10;LPUSH ranges insert:db.user:10..20"

func ack(id string) string {
	return "ZREM ranges:leased " + id + ";DEL range:" + id + ";HINCRBY stats rows 1;HINCRBY stats ranges 1"
}

func TestLedger(t *testing.T) {
	t.Parallel()
	sound := []string{
		claim0, ack("insert:db.user:..10"),
		"ZREM ranges:leased insert:db.user:10..20;RPUSH ranges insert:db.user:10..20", // reclaimed
		"LPUSH ranges insert:db.user:10..12;HSET range:x stalls 2;LPUSH ranges insert:db.user:12..20;ZREM ranges:leased insert:db.user:10..20;DEL range:x",
		ack("insert:db.user:10..12"), ack("insert:db.user:12..20"),
		"LPUSH ranges insert-late:db.user:..7;ZREM samples insert-late:db.user:..20;ZADD samples 5 insert-late:db.user:7..20",
		ack("insert-late:db.user:..7"),
		"HSET cursor insert:db.user 10",                                    // the table was truncated
		"HSET cursor insert:db.user 20;LPUSH ranges insert:db.user:10..20", // so this one is no second
		ack("insert:db.user:10..20"),
	}
	for name, c := range map[string]struct {
		more []string
		want string
	}{
		"sound":             {nil, ""},
		"a gap":             {[]string{"HSET cursor insert:db.user 40;LPUSH ranges insert:db.user:30..40", ack("insert:db.user:30..40")}, "the cursor stood at 20, the claim begins at 30"},
		"a gap within":      {[]string{"HSET cursor insert:db.user 40;LPUSH ranges insert:db.user:20..25;LPUSH ranges insert:db.user:30..40", ack("insert:db.user:20..25"), ack("insert:db.user:30..40")}, "does not begin at 25"},
		"short of cursor":   {[]string{"HSET cursor insert:db.user 40;LPUSH ranges insert:db.user:20..30", ack("insert:db.user:20..30")}, "went to 40, the claim ends at 30"},
		"an overlap":        {[]string{"HSET cursor insert:db.user 20;LPUSH ranges insert:db.user:10..20", ack("insert:db.user:10..20")}, "claimed twice"},
		"a jump":            {[]string{"HSET cursor insert:db.user 30"}, "from 20 to 30 without a range"},
		"never compared":    {[]string{"HSET cursor insert:db.user 30;LPUSH ranges insert:db.user:20..30"}, "never compared"},
		"a stray":           {[]string{ack("insert:db.user:1..2")}, "nobody claimed it"},
		"a late gap":        {[]string{"LPUSH ranges insert-late:db.user:7..9;ZREM samples insert-late:db.user:7..20", ack("insert-late:db.user:7..9")}, "ends at 9"},
		"parts with a hole": {[]string{"HSET cursor insert:db.user 30;LPUSH ranges insert:db.user:20..30", "LPUSH ranges insert:db.user:20..25;ZREM ranges:leased insert:db.user:20..30", ack("insert:db.user:20..25")}, "was divided into 20..25"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := ReadLedger(aof(t, append(slices.Clip(sound), c.more...)...), "cupid:", "db.user")
			require.NoError(t, err)
			if c.want == "" {
				require.Empty(t, l.Violations)
				require.Equal(t, []int{2, 3, 1, 1, 1, 5}, []int{l.Claims, l.Ranges, l.Late, l.Falls, l.Splits, l.Acks})
				return
			}
			require.Contains(t, strings.Join(l.Violations, "\n"), c.want)
		})
	}
}

func TestPosts(t *testing.T) {
	t.Parallel()
	at := func(second int) time.Time { return time.Unix(1000, 0).Add(time.Duration(second) * time.Second) }
	posts := []Post{
		{At: at(0), Webhook: "a", Status: 500}, {At: at(1), Webhook: "a", Status: 200},
		{At: at(2), Webhook: "b"}, {At: at(5), Webhook: "b", Status: 204}, {At: at(70), Webhook: "b", Status: 200},
	}
	r := CheckPosts(posts, []Fault{{Begin: at(1), End: at(3)}})
	require.Empty(t, r.Violations)
	require.Equal(t, []int{5, 2, 1}, []int{r.Posts, r.Webhooks, r.Repeated})
	require.Len(t, CheckPosts(posts, nil).Violations, 2)
}

func TestAppendOnlyFilesAreReadFromTheFirstOn(t *testing.T) {
	t.Parallel()
	kept := "file a.3.base.rdb seq 3 type b\nfile a.2.incr.aof seq 2 type h\nfile a.2.base.rdb seq 2 type h\nfile a.1.incr.aof seq 1 type h\nfile a.1.base.rdb seq 1 type h\nfile a.3.incr.aof seq 3 type i\n"
	names, err := increments(kept)
	require.NoError(t, err)
	require.Equal(t, []string{"a.1.incr.aof", "a.2.incr.aof", "a.3.incr.aof"}, names)
	_, err = increments("file a.3.base.rdb seq 3 type b\nfile a.3.incr.aof seq 3 type i\n")
	require.ErrorContains(t, err, "from the first to the last", "those before it were deleted")
}
