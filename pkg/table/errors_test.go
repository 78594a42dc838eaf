package table_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/table"
)

func TestConfigErrorListsAllProblems(t *testing.T) {
	t.Parallel()
	err := &table.ConfigError{Problems: []table.Problem{
		{Where: "source db.t", What: "the column x does not exist", Mend: "correct it"},
		{What: "the DSN is empty"},
	}}
	require.EqualError(t, err, "source db.t: the column x does not exist; correct it\nthe DSN is empty")
}
