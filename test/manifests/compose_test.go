package manifests

import (
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/config"
)

// load reads docker-compose.yml as version 2 of Docker Compose does. That version 1.29
// reads it, the e2e test on an engine shows.
func load(t *testing.T, env ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../../docker-compose.yml"}, cli.WithEnv(env), cli.WithName("cupid"), cli.WithResolvedPaths(true))
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	return project
}

func TestComposeFile(t *testing.T) {
	t.Parallel()
	project := load(t)
	require.ElementsMatch(t, []string{"database", "pipeline", "receiver", "redis", "scheduler", "worker"}, project.ServiceNames())
	for name, s := range project.Services {
		for _, port := range s.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, "%s publishes %d", name, port.Target)
		}
		require.Positive(t, s.MemLimit, name)
		require.Positive(t, s.CPUS, name)
		require.Positive(t, s.PidsLimit, name)
		require.Contains(t, s.SecurityOpt, "no-new-privileges:true", name)
		require.Equal(t, "unless-stopped", s.Restart, name)
		for variable, value := range s.Environment {
			if value != nil && name != "database" {
				require.NotContains(t, strings.ToLower(variable), "password", name)
			}
		}
	}
	require.Equal(t, 2, *project.Services["scheduler"].Scale)
	require.Equal(t, 3, *project.Services["worker"].Scale)
}

func TestComposeWaitsLongerThanCupidDrains(t *testing.T) {
	t.Parallel()
	project := load(t)
	for _, name := range []string{"scheduler", "worker"} {
		s := project.Services[name]
		drain, err := time.ParseDuration(*s.Environment["CUPID_SHUTDOWN_TIMEOUT"])
		require.NoError(t, err)
		require.Greater(t, time.Duration(*s.StopGracePeriod), drain+time.Second, name)
	}
}

func TestComposeRunsOnDatabasesOfYourOwn(t *testing.T) {
	t.Parallel()
	project := load(t, "CUPID_CONFIG=/etc/my.yaml", "SOURCE_DSN=a", "REDIS_PASSWORD=b", "DATABASE_IMAGE=mysql:8.4", "CUPID_REDIS_ADDR=10.0.0.1:6379")
	worker := project.Services["worker"]
	require.Equal(t, "/etc/my.yaml", worker.Volumes[0].Source)
	require.Equal(t, "a", *worker.Environment["SOURCE_DSN"])
	require.Equal(t, "b", *worker.Environment["REDIS_PASSWORD"])
	require.Nil(t, worker.Environment["DESTINATION_DSN"], "what is not set is not passed on")
	require.Equal(t, "10.0.0.1:6379", *worker.Environment["CUPID_REDIS_ADDR"])
	require.Equal(t, "mysql:8.4", project.Services["database"].Image)
	require.NotContains(t, worker.DependsOn, "database", "it is the demo's")
}

func TestComposeDemoConfig(t *testing.T) {
	t.Parallel()
	c, err := config.Load(config.Options{Path: "../../examples/compose/cupid.yaml", Environ: nil})
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	require.Len(t, c.Jobs, 1)
	require.Equal(t, "db.user", c.Jobs[0].Name)
}
