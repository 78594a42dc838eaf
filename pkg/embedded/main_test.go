package embedded

import (
	"fmt"
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// envVictim names the state file of a process that is there to be killed.
const envVictim = "CUPID_TEST_EMBEDDED_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(envVictim); path != "" {
		fmt.Fprintln(os.Stderr, victim(path))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// victim changes and saves a store until it is killed.
func victim(path string) error {
	s, err := Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		s.redis.HSet(fmt.Sprintf("hash:%d", i%500), "field", fmt.Sprint(i))
		if err := s.save(); err != nil {
			return err
		}
		fmt.Println("saved")
	}
}
