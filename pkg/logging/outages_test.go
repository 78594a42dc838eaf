package logging

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestAnOutageIsSaidOncePerHalfMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		heard := map[string]int{}
		o := &Outages{OnDown: func(thing string, _ error) { heard[thing]++ }}
		log := slog.New(o.Handler(slog.NewTextHandler(&said, nil))).With("process", "p").WithGroup("g")
		redis := fmt.Errorf("fetch: %w", &job.DownError{Thing: "redis", Err: errors.New("refused")})
		database := &job.DownError{Thing: "database h:3306", Err: errors.New("gone")}
		lines := func(word string) int { return strings.Count(said.String(), word) }

		for second := range 95 {
			log.Warn("promote", "n", second, "error", redis)
			log.With("job", "j").Warn("fetch", "error", redis)
			log.Warn("scan", "error", database)
			log.Warn("another", "error", errors.New("a mistake"))
			log.Info("no error")
			time.Sleep(time.Second)
		}
		require.Equal(t, 4, lines("refused"), "at 0, 30, 60 and 90 s")
		require.Equal(t, 4, lines("gone"))
		require.Equal(t, 95, lines("a mistake"))
		require.Equal(t, 95, lines("no error"))
		require.Contains(t, said.String(), "such_lines_left_out=59")
		require.Contains(t, said.String(), "such_lines_left_out=29")
		require.Equal(t, map[string]int{"redis": 190, "database h:3306": 95}, heard)

		// At 95 s, 5 s after the last line.
		require.True(t, o.Over("redis"))
		log.Warn("promote", "error", redis)
		require.Equal(t, 4, lines("refused"), "what comes and goes is not said each time")
		require.False(t, o.Over("redis"))
		time.Sleep(quietTime)
		log.Warn("promote", "error", redis)
		require.Equal(t, 5, lines("refused"))
		require.True(t, o.Over("redis"))
	})
}
