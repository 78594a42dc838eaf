package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/v2"
	"github.com/stretchr/testify/require"

	"github.com/knadh/koanf/providers/file"

	"github.com/masixun71/cupid-go/pkg/config"
)

const samples = "../../configs/"

var secrets = []string{
	"SOURCE_DSN=user:s3cr3t@tcp(127.0.0.1:3306)/db",
	"DESTINATION_DSN=user:s3cr3t@tcp(127.0.0.1:3306)/db2",
	"SOURCE_REPLICA_DSN=user:s3cr3t@tcp(127.0.0.1:3307)/db", "DESTINATION_REPLICA_DSN=user:s3cr3t@tcp(127.0.0.1:3307)/db2",
	"REDIS_PASSWORD=s3cr3t", "SENTINEL_PASSWORD=s3cr3t", "PUSHBEAR_SEND_KEY=s3cr3t", "SERVER_CHAN_SEND_KEY=s3cr3t",
	"ALERT_URL=generic+https://10.0.0.1/?token=s3cr3t", "DINGTALK_URL=https://10.0.0.1/?access_token=s3cr3t", "DINGTALK_SECRET=s3cr3t", "WEBHOOK_SECRET=whsec_c2VjcmV0",
	"RECEIVER_PASSWORD=s3cr3t", "ADMIN_TOKEN=s3cr3ts3cr3ts3cr3t",
}

// The reference file shows every setting, each at its default.
func TestReferenceFileHasTheDefaults(t *testing.T) {
	t.Parallel()
	k := koanf.New(".")
	require.NoError(t, k.Load(file.Provider(samples+"cupid.yaml"), yaml.Parser()))
	text, err := os.ReadFile(samples + "cupid.yaml")
	require.NoError(t, err)
	for _, s := range config.Defaults() {
		name := s.Key[strings.LastIndexByte(s.Key, '.')+1:]
		require.Regexp(t, `(?m)^[ #-]*`+name+`:`, string(text), s.Key)
		if s.Default != "" {
			require.Equal(t, s.Default, k.String(strings.Replace(s.Key, "jobs[]", "defaults", 1)), s.Key)
		}
	}
}

// What the reference file says is what the least file means.
func TestReferenceFileEqualsTheMinimalOne(t *testing.T) {
	t.Parallel()
	reference := load(t, config.Options{Path: samples + "cupid.yaml", Environ: secrets})
	minimal := load(t, config.Options{Path: samples + "minimal.yaml", Environ: secrets})
	require.Empty(t, reference.Warnings)
	require.Empty(t, minimal.Warnings)
	require.True(t, minimal.Jobs[0].Update.Enabled)
	minimal.Path = reference.Path
	minimal.Jobs[0].Update.Enabled, minimal.Jobs[0].Update.Column = false, ""
	require.Equal(t, reference, minimal)
}

var commented = regexp.MustCompile(`(?m)^( *(?:- )?)# ([A-Za-z]+:)`)

// Every line that is commented out works when it is not.
func TestReferenceFileUncommented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(samples + "cupid.yaml")
	require.NoError(t, err)
	all := commented.ReplaceAllString(string(text), "$1$2")
	all = regexp.MustCompile(`(?m)^ *(?:dsn|ca|cert|key|replica)Files?:.*\n|^ *bearer:.*\n|^cupid: every.*\n`).ReplaceAllString(all, "")
	all = strings.ReplaceAll(all, "  -     source", "  - source")
	c := load(t, config.Options{Path: write(t, "cupid.yaml", all), Environ: secrets})
	require.Equal(t, "Asia/Shanghai", c.Jobs[0].Update.Zone)
	require.Equal(t, "id", c.Jobs[0].Source.ScanKey)
	require.Len(t, c.Jobs[0].Destinations[0].Callback.Secrets, 1)
	require.Equal(t, "/var/lib/cupid", c.State)
	require.Len(t, c.Jobs[0].Source.Replicas.Servers, 1)
	require.Len(t, c.Jobs[0].Destinations[0].Replicas.Servers, 1)
}

// The sample of the seed form is the seed's page with a redis section.
func TestSeedSample(t *testing.T) {
	t.Parallel()
	page := load(t, config.Options{Path: "testdata/seed-page.json"})
	sample := load(t, config.Options{Path: samples + "seed.json"})
	require.Empty(t, sample.Warnings)
	require.Equal(t, []string{"127.0.0.1:6379"}, sample.Redis.Addrs)
	require.True(t, sample.Alerts.Pushbear.SendKey.Empty(), "who copies the sample must not tell a stranger of his alerts")
	sample.Redis, sample.Path, sample.Alerts = nil, page.Path, page.Alerts
	require.Equal(t, page, sample)
}
