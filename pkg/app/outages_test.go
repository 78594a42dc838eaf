package app

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatNobodyNeedsAnyMoreIsNotDown(t *testing.T) {
	t.Parallel()
	o := newOutages()
	gone := errors.New("refused")
	ask := func(context.Context) error { return gone }
	one, another := o.probe("database a", ask), o.probe("database a", ask)
	o.probe("database b", ask)
	o.met("database a", gone)
	o.met("database b", gone)
	one()
	require.Equal(t, map[string]string{"database a": "refused", "database b": "refused"}, o.now(), "another job needs it")
	another()
	require.Equal(t, map[string]string{"database b": "refused"}, o.now())
	o.met("database a", gone)
	require.Len(t, o.now(), 1, "a loop that ends late changes nothing")
}
