package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/config"
)

var everySecret = strings.Replace(oneJob, "byColumn: number}", `byColumn: number, replicas: ["u:s3cr3t@tcp(127.0.0.2:3306)/db"]}`, 1) + `
    callback: {secrets: [whsec_czNjcjN0], headers: {X-Key: s3cr3t}, bearer: s3cr3t, proxy: "http://u:s3cr3t@10.0.0.9:3128", networks: [10.0.0.0/8], maxBytes: 5, body: extended, destinationRow: true}
redis: {addr: "redis://user:s3cr3t@10.0.0.1/2"}
http: {token: s3cr3ts3cr3ts3cr3t}
alerts:
  urls: ["slack://hook:AAAAAAAAA-BBBBBBBBB-123456789123456789123456@webhook", "smtp://u:s3cr3t@mail/?from=a@b&to=c@d,e@f"]
  dingtalk: {url: "https://10.0.0.1/robot?access_token=s3cr3t", secret: s3cr3t}
  serverChan: {sendKey: s3cr3t}
  pushbear: {sendKey: s3cr3t, baseURL: "http://u:s3cr3t@127.0.0.1/x?token=s3cr3t"}
`

func TestMaskedShowsNoSecret(t *testing.T) {
	t.Parallel()
	text, err := loadJobs(t, everySecret, "CUPID_JOBS_0_DESTINATIONS_0_CALLBACK_URL=http://h/cb?key=s3cr3t").Masked()
	require.NoError(t, err)
	require.NotContains(t, string(text), password)
	require.NotContains(t, string(text), "czNjcjN0")
	require.NotContains(t, string(text), "AAAAAAAAA")
	for _, line := range []string{
		"dsn: '********'", "password: '********'", "token: '********'", "sendKey: '********'", "secret: '********'", "- '********'",
		"baseURL: http://********@127.0.0.1/x?********", "url: http://h/cb?********",
		"lateCommit: 1m", "name: db2.user", "comparers: 1", "addr: ['10.0.0.1:6379']",
	} {
		require.Contains(t, string(text), line)
	}
}

// A converted config means the same, also one that held ${ in a secret.
func TestConvertLoadsAsTheSame(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"testdata/seed-page.json", samples + "seed.json",
		write(t, "c.yaml", everySecret+"state: ''\nlog: {dir: /tmp, level: debug}\ndefaults: {update: {format: Y-m-d H:i:s, zone: Asia/Shanghai}}\n"),
		write(t, "e.yaml", strings.Replace(oneJob, "byColumn: number", "byColumn: [region, code]", 1)),
		write(t, "f.yaml", strings.Replace(oneJob, "columns:", "replicas: ['u:s3cr3t@tcp(127.0.0.1:3307)/db2']\n        maxLag: 7s\n        columns:", 1)),
		write(t, "d.yaml", oneJob+"notify: {pushbearSendKey: 'a$${b'}\n"),
	} {
		before := load(t, config.Options{Path: path})
		text, err := config.Convert(before)
		require.NoError(t, err)
		after := loadJobs(t, string(text))
		require.Empty(t, after.Warnings)
		after.Path, after.Form = before.Path, before.Form
		for i := range after.Jobs {
			after.Jobs[i].Lenient = before.Jobs[i].Lenient
		}
		require.Equal(t, before, after)
	}
}
