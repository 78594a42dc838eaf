package broker

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestEventsComeNewestFirstWithRedisTime(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		before, err := f.raw.Time(f.Context()).Result()
		require.NoError(f, err)
		for _, e := range []job.Event{
			{Job: "db.user", Kind: "pause", Who: "alice@desk", What: `receiver is "moved" by \Bob\, 接收端`},
			{Job: "db.user", Kind: job.EventAlertRaised, Who: "vm:1", What: "two\nlines"},
			{Kind: "fleet", Who: "vm:1", What: "all"},
		} {
			require.NoError(f, f.broker.NoteEvent(f.Context(), e))
		}
		events, err := f.broker.Events(f.Context(), "db.user", 10)
		require.NoError(f, err)
		require.Len(f, events, 2)
		for i := range events {
			require.WithinRange(f, events[i].At, before.Truncate(time.Millisecond), before.Add(time.Minute))
			events[i].At = time.Time{}
		}
		require.Equal(f, []job.Event{
			{Job: "db.user", Kind: job.EventAlertRaised, Who: "vm:1", What: "two lines"},
			{Job: "db.user", Kind: "pause", Who: "alice@desk", What: `receiver is "moved" by \Bob\, 接收端`},
		}, events)
		fleet, err := f.broker.Events(f.Context(), "", 10)
		require.NoError(f, err)
		require.Len(f, fleet, 1)
		require.Equal(f, "all", fleet[0].What)
		newest, err := f.broker.Events(f.Context(), "db.user", 1)
		require.NoError(f, err)
		require.Len(f, newest, 1)
		none, err := f.broker.Events(f.Context(), "db.user", 0)
		require.NoError(f, err)
		require.Empty(f, none)
	})
}

func TestEventsAreBounded(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		key := f.broker.eventsKey("db.user")
		require.NoError(f, f.raw.LPush(f.Context(), key, "no event", `{"at":1}`).Err())
		for i := range 1010 {
			require.NoError(f, f.broker.NoteEvent(f.Context(), job.Event{Job: "db.user", Kind: "n", What: strconv.Itoa(i)}))
		}
		require.EqualValues(f, 1000, f.raw.LLen(f.Context(), key).Val())
		require.NoError(f, f.broker.NoteEvent(f.Context(), job.Event{Job: "db.user", Kind: "long", Who: "\x00\xff", What: strings.Repeat("接", 1000)}))
		events, err := f.broker.Events(f.Context(), "db.user", 2000)
		require.NoError(f, err)
		require.Len(f, events, 1000)
		require.Equal(f, strings.Repeat("接", 166)+"…", events[0].What)
		require.Equal(f, " \ufffd", events[0].Who)
		require.Equal(f, "1009", events[1].What)
		require.NoError(f, f.raw.LPush(f.Context(), key, "by hand", `{"at":"x","kind":"k"}`, `{}`).Err())
		events, err = f.broker.Events(f.Context(), "db.user", 4)
		require.NoError(f, err)
		require.Len(f, events, 1, "what is no event is left out")
	})
}

func TestEventsOfAllJobsAreOneList(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		require.NoError(f, f.raw.SAdd(f.Context(), f.broker.jobsKey(), "a", "b").Err())
		for i, name := range []string{"a", "b", "", "a", "nobody"} {
			line := fmt.Sprintf(`{"at":%d,"kind":"retry","who":"eva","what":"%d"}`, 1000+i, i)
			require.NoError(f, f.raw.LPush(f.Context(), f.broker.eventsKey(name), line).Err())
		}
		all, err := f.broker.AllEvents(f.Context(), 3)
		require.NoError(f, err)
		var found []string
		for _, e := range all {
			found = append(found, e.Job+" "+e.What)
		}
		require.Equal(f, []string{"a 3", " 2", "b 1"}, found)
	})
}
