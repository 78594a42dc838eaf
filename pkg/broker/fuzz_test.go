package broker

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// replyOf makes a script's reply of a text: values stand between commas, "#" begins a
// number, "(" a list of what follows up to ")".
func replyOf(text string) []any {
	var reply, list []any
	nested := false
	for part := range strings.SplitSeq(text, ",") {
		if rest, opens := strings.CutPrefix(part, "("); opens {
			nested, list, part = true, nil, rest
		}
		part, closes := strings.CutSuffix(part, ")")
		var value any = part
		if digits, is := strings.CutPrefix(part, "#"); is {
			n, _ := strconv.ParseInt(digits, 10, 64)
			value = n
		} else if part == "nil" {
			value = nil
		}
		if nested {
			list = append(list, value)
		} else {
			reply = append(reply, value)
		}
		if nested && closes {
			reply, nested = append(reply, list), false
		}
	}
	return reply
}

// Whatever Redis answers (a script of another version, a proxy that cuts), it is an
// error or a value, never a panic.
func FuzzReplies(f *testing.F) {
	for _, reply := range []string{
		"ok", "spec", "spec,identity,db.user#id", "spec,details", "paused", "backlog", "backlog,#7", "backlog,many", "nil", "", "#1", "weird",
		"full", "lost", "portion,#3", "ok,#1700000000000,destination\x00a\x00shard\x00db.user\x00id\x00a:1\x00type\x00x\x00seen\x009\x00key\x001", "ok,#1,id\x00a:1\x00shard\x00db.user\x00type", "ok,#1,(a:1)", "ok,#1,x",
		"#1,#2,#3", "#1,x,#3", "insert:db.user:1..2,t,0,0,0",
	} {
		f.Add(reply)
	}
	q := &Queue{job: "db.user", spec: testSpec}
	f.Fuzz(func(t *testing.T, text string) {
		reply := replyOf(text)
		word, err := verdict(reply)
		if err == nil && word != "ok" {
			err := q.refusal(reply)
			require.Error(t, err, "what is not ok is refused")
		}
		_, _ = pushed(reply)
		_ = leaseRefusal(reply)
		_, _ = numbers(reply, 3)
		said, _ := texts(reply)
		for _, item := range said {
			c, err := parseCallback(item)
			if err == nil {
				require.NotEmpty(t, c.Shard.Table)
				require.NotEmpty(t, c.ID)
			}
		}
	})
}

func TestARefusalThatIsCutShortIsAnError(t *testing.T) {
	t.Parallel()
	q := &Queue{job: "db.user", spec: testSpec}
	for _, text := range []string{"spec", "spec,details", "backlog", "full", "weird"} {
		require.Error(t, q.refusal(replyOf(text)), text)
	}
	_, err := pushed(replyOf("full"))
	require.Error(t, err)
	_, limited := errors.AsType[*job.LimitError](q.refusal(replyOf("backlog,#7")))
	require.True(t, limited)
}
