package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/config"
)

var update = flag.Bool("update", false, "write the golden files")

// password stands in every DSN of testdata.
const password = "s3cr3t"

// Every file in testdata/mistakes has one mistake, named by the file, and the
// exact message in a .want file beside it.
func TestMistakes(t *testing.T) {
	t.Parallel()
	eachFile(t, "testdata/mistakes", func(t *testing.T, path string) string {
		t.Helper()
		_, err := config.Load(config.Options{Path: path})
		var mistakes *config.Error
		require.ErrorAs(t, err, &mistakes)
		return err.Error()
	})
}

// Every file in testdata/warnings loads, with the warnings in its .want file.
func TestWarnings(t *testing.T) {
	t.Parallel()
	eachFile(t, "testdata/warnings", func(t *testing.T, path string) string {
		t.Helper()
		c, err := config.Load(config.Options{Path: path})
		require.NoError(t, err)
		return strings.Join(c.Warnings, "\n")
	})
}

func eachFile(t *testing.T, dir string, message func(*testing.T, string) string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) == ".want" {
			continue
		}
		t.Run(entry.Name(), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(dir, entry.Name())
			got := message(t, path) + "\n"
			require.NotContains(t, got, password)
			golden := path + ".want"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}
