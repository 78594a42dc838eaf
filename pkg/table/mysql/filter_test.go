package mysql_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/job"
)

func TestAConditionThatTheServerDoesNotUnderstandIsAMistake(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	for _, side := range []*mysqltest.Database{p.source, p.destination} {
		side.Exec(t, "CREATE TABLE t (id BIGINT PRIMARY KEY, number VARCHAR(20) NOT NULL UNIQUE, kind INT NOT NULL DEFAULT 1)")
		side.Exec(t, "INSERT INTO t (id, number) VALUES (1, 'a'), (2, 'b'), (3, 'c')")
	}
	for condition, words := range map[string]string{
		"nope = 1":    "the server does not understand the condition `where`: ",
		"1) OR (1":    "the server does not understand the condition `where`: ",
		"kind = = 'x": "the server does not understand the condition `where`: ",
	} {
		p.job.Source.Where, p.job.Destinations[0].Where = condition, condition
		problems := p.problems(t)
		require.Len(t, problems, 2, condition)
		for _, problem := range problems {
			require.Contains(t, problem.What, words)
			require.NotContains(t, problem.String(), "'x")
		}
	}

	p.job.Source.Where, p.job.Destinations[0].Where = "id <> 2 -- not the second", "kind = 1 AND '?' <> '%'"
	plan := p.plan(t)
	r, err := job.ParseRange("insert:" + p.job.Source.Shard.String() + ":0..10")
	require.NoError(t, err)
	require.Equal(t, []string{"1", "3"}, pages(t, plan.Source, r, 1))
	rows, err := plan.Source.Lookup(t.Context(), []string{"1", "2", "3"}, true)
	require.NoError(t, err)
	require.Len(t, rows, 2)
	hashes, _, _, err := plan.Source.PageHashes(t.Context(), r, 0, 10)
	require.NoError(t, err)
	require.Len(t, hashes, 2)
}
