package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
)

var secret = job.NewSecret("x")

const running = `
redis: {addr: "127.0.0.1:6379", password: first}
log: {level: info}
alerts: {urls: ["ntfy://ntfy.sh/one"]}
jobs:
  - source: {dsn: "u:p@tcp(127.0.0.1:3306)/db", table: a, byColumn: id}
    destinations: [{dsn: "u:p@tcp(127.0.0.1:3306)/far", columns: [id], callback: {url: "http://127.0.0.1/"}}]
`

func TestKeysOutsideOfTheJobsThatDiffer(t *testing.T) {
	t.Parallel()
	load := func(replace ...string) *config.Config {
		path := filepath.Join(t.TempDir(), "cupid.yaml")
		require.NoError(t, os.WriteFile(path, []byte(strings.NewReplacer(replace...).Replace(running)), 0o600))
		c, err := config.Load(config.Options{Path: path})
		require.NoError(t, err)
		return c
	}
	base := load()
	for want, replace := range map[string][]string{
		"":          {"table: a", "table: b"},
		"redis":     {"first", "second"},
		"log.level": {"info", "debug"},
		"alerts":    {"sh/one", "sh/two"},
		"state worker.comparers shutdownTimeout lease": {"log:", "state: /tmp\nworker: {comparers: 9}\nshutdownTimeout: 3s\nlease: 40s\nlog:"},
		"http.addr http.token load":                    {"log:", "http: {addr: \"127.0.0.1:9\", token: 0123456789abcdef}\nload: {queries: 3}\nlog:"},
	} {
		require.Equal(t, want, strings.Join(base.CommonDiffers(load(replace...)), " "))
	}
	none := *base
	none.Redis = nil
	require.Equal(t, []string{"redis"}, base.CommonDiffers(&none))
}

// What is added to a config later has to be looked at too.
func TestEveryFieldOfAConfigIsLookedAt(t *testing.T) {
	t.Parallel()
	elsewhere := map[string]bool{"Path": true, "Form": true, "Jobs": true, "Bad": true, "Warnings": true}
	var empty config.Config
	fields := reflect.TypeFor[config.Config]()
	for i := range fields.NumField() {
		field := fields.Field(i)
		if elsewhere[field.Name] {
			continue
		}
		for _, leaf := range leaves(field.Type) {
			other := config.Config{}
			set(t, reflect.ValueOf(&other).Elem().Field(i), leaf)
			require.NotEmpty(t, empty.CommonDiffers(&other), "%s.%v", field.Name, leaf)
		}
	}
}

// leaves are the paths to the fields of a struct; one empty path for anything else.
func leaves(of reflect.Type) [][]int {
	if of.Kind() != reflect.Struct || of.PkgPath() != reflect.TypeFor[config.Config]().PkgPath() {
		return [][]int{nil}
	}
	var all [][]int
	for i := range of.NumField() {
		all = append(all, []int{i})
	}
	return all
}

// set gives a field any value but its zero.
func set(t *testing.T, field reflect.Value, path []int) {
	t.Helper()
	if len(path) > 0 {
		field = field.FieldByIndex(path)
	}
	for field.Kind() == reflect.Struct || field.Kind() == reflect.Pointer {
		if field.Kind() == reflect.Pointer {
			field.Set(reflect.New(field.Type().Elem()))
			field = field.Elem()
			continue
		}
		if secret, is := reflect.TypeAssert[interface{ Reveal() string }](field); is && secret != nil {
			break
		}
		field = field.Field(0)
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString("x")
	case reflect.Bool:
		field.SetBool(true)
	case reflect.Int, reflect.Int64:
		field.SetInt(7)
	case reflect.Slice:
		field.Set(reflect.MakeSlice(field.Type(), 1, 1))
	default:
		field.Set(reflect.ValueOf(secret))
	}
}
