package pulse_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/pulse"
)

func TestALoopThatDoesNotTurnInTimeIsSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m pulse.Monitor
		require.Empty(t, m.Silent(), "where nothing loops nothing hangs")

		m.Turn("slow", time.Minute)
		m.Turn("fast", time.Second)
		time.Sleep(time.Second)
		require.Empty(t, m.Silent(), "in time is in time")
		time.Sleep(time.Millisecond)
		require.Equal(t, []pulse.Silence{{Loop: "fast", For: time.Second + time.Millisecond}}, m.Silent())

		m.Turn("fast", time.Second)
		require.Empty(t, m.Silent(), "it turns again")
		time.Sleep(time.Hour)
		require.Len(t, m.Silent(), 2)
		m.End("fast")
		m.End("slow")
		m.End("never there")
		require.Empty(t, m.Silent(), "a loop that ended owes nothing")
	})
}
