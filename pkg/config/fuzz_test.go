package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/config"
)

// marker stands where a seed of the corpus has its password; Load gets a text
// in its place that the fuzzer cannot write anywhere else.
const marker, hidden = password, "hIdDeN7Q"

// FuzzLoad feeds broken configs in every syntax: no input may panic, every
// failure must be a readable *Error, and no password may be in it.
func FuzzLoad(f *testing.F) {
	for _, dir := range []string{"testdata/mistakes", "testdata/warnings", "testdata", samples} {
		entries, err := os.ReadDir(dir)
		require.NoError(f, err)
		for _, entry := range entries {
			if ext := filepath.Ext(entry.Name()); ext == ".json" || ext == ".yaml" || ext == ".toml" {
				text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
				require.NoError(f, err)
				f.Add(text, ext)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, ext string) {
		if ext != ".json" && ext != ".yaml" && ext != ".toml" {
			ext = ".json"
		}
		// Only a secret that stands as one: in a DSN, behind its user.
		secret := strings.ReplaceAll(string(text), ":"+marker+"@tcp", ":"+hidden+"@tcp")
		path := filepath.Join(t.TempDir(), "c"+ext)
		require.NoError(t, os.WriteFile(path, []byte(secret), 0o600))
		c, err := config.Load(config.Options{Path: path, Environ: []string{"CUPID_LOG_LEVEL=info"}})
		if err != nil {
			var broken *config.Error
			require.ErrorAs(t, err, &broken)
			require.NotEmpty(t, broken.Mistakes)
			require.NotContains(t, err.Error(), hidden)
			return
		}
		require.NotEmpty(t, c.Jobs)
		require.NotContains(t, strings.Join(c.Warnings, "\n"), hidden)
		masked, err := c.Masked()
		require.NoError(t, err)
		require.NotContains(t, string(masked), "@tcp")
		for _, bad := range c.Bad {
			require.NotContains(t, bad.Name+bad.Err.Error(), hidden)
		}
	})
}
