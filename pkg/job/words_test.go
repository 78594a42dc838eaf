package job_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/masixun71/cupid-go/pkg/job"
)

// No way of printing a secret shows it, alone or inside what holds it.
func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	type config struct {
		dsn  job.Secret // fmt calls no method here
		DSN  job.Secret
		Keys []job.Secret
		At   *job.Secret
		By   map[string]job.Secret
	}
	secret := job.NewSecret("hunter2")
	require.Equal(t, "hunter2", secret.Reveal())
	c := config{dsn: secret, DSN: secret, Keys: []job.Secret{secret}, At: &secret, By: map[string]job.Secret{"k": secret}}

	var shown []string
	for _, value := range []any{secret, &secret, c, &c, job.Job{Source: job.Source{DSN: secret}}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			shown = append(shown, fmt.Sprintf(verb, value))
		}
		j, err := json.Marshal(value)
		require.NoError(t, err)
		y, err := yaml.Marshal(value)
		require.NoError(t, err)
		var logged bytes.Buffer
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("m", "secret", value)
		slog.New(slog.NewTextHandler(&logged, nil)).Info("m", "secret", value)
		shown = append(shown, string(j), string(y), logged.String())
	}
	for _, text := range shown {
		require.NotContains(t, text, "hunter2")
		require.NotContains(t, text, fmt.Sprintf("%x", "hunter2"))
	}
	require.Equal(t, "********", fmt.Sprint(secret))
	require.Contains(t, fmt.Sprintf("%+v", c), "********")
}

func TestSecretsAreReadAndAnEmptyOneIsSeen(t *testing.T) {
	t.Parallel()
	var s job.Secret
	require.True(t, s.Empty())
	require.Empty(t, s.String())
	require.NoError(t, json.Unmarshal([]byte(`"hunter2"`), &s))
	require.Equal(t, "hunter2", s.Reveal())
	require.False(t, s.Empty())
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, valid := range map[string]bool{
		"user": true, "db.user@host-1": true, "0_a": true, strings.Repeat("x", 64): true,
		"": false, ".user": false, "-a": false, "a b": false, "a:b": false, "a{b}": false, "a*": false, "ü": false, strings.Repeat("x", 65): false,
		"a\n": false,
	} {
		require.Equal(t, valid, job.ValidName(name), name)
	}
	for want, of := range map[string][2]string{
		"db.user":     {"db", "user"},
		"my_db.us_er": {"my db", "us:er"},
		"job":         {"", ""},
		"user":        {"", "user"},
		"a.___":       {"a", "你"},
	} {
		require.Equal(t, want, job.DefaultName(of[0], of[1]))
	}
	require.True(t, job.ValidName(job.DefaultName(strings.Repeat("d", 64), "t")))
}

func TestWordsForPeople(t *testing.T) {
	t.Parallel()
	for typ, name := range map[job.Type]string{job.Missing: "missing", job.Different: "different", job.Extra: "extra", 9: "unknown"} {
		require.Equal(t, name, typ.Name())
		require.Equal(t, fmt.Sprint(int(typ)), typ.String())
	}
	for outcome, name := range map[job.Outcome]string{
		job.Unknown: "unknown", job.Delivered: "delivered", job.Gone: "gone", job.Failed: "failed", job.NotSent: "not_sent",
	} {
		require.Equal(t, name, outcome.String())
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, &job.LimitError{What: "ranges", Have: 7}, "7 ranges are waiting")
	require.ErrorContains(t, &job.CursorError{Found: "12"}, "moved to 12")
	identity := &job.SpecError{Job: "j", Field: "identity", Mine: "mine", Found: "theirs"}
	require.ErrorContains(t, identity, "found theirs, this config says mine")
	require.ErrorContains(t, identity, "HDEL <prefix>{j}:spec identity")
	require.ErrorContains(t, &job.SpecError{Job: "j", Field: "details"}, "give all processes the same config")
}
