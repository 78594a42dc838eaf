package job_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestWebhookIDsAreNewAndHoldNoDot(t *testing.T) {
	t.Parallel()
	one, other := job.NewWebhookID(), job.NewWebhookID()
	require.NotEqual(t, one, other)
	require.Regexp(t, `^[A-Z2-7]{26}$`, one)
}
