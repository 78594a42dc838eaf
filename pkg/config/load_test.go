package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/config"
)

// The block of the seed's page, as printed there.
func TestSeedPageLoadsAsPrinted(t *testing.T) {
	t.Parallel()
	c, err := config.Load(config.Options{Path: "testdata/seed-page.json"})
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	require.Len(t, c.Jobs, 1)
	t.Logf("%+v", c)
}
