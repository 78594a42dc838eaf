package app

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBuildIsDescribedFromWhatIsKnown(t *testing.T) {
	t.Parallel()
	checkout := &debug.BuildInfo{
		Main: debug.Module{Version: "v1.2.1-0.20261127010203-0123456789ab+dirty"},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"},
			{Key: "vcs.time", Value: "2026-11-27T01:02:03Z"},
		},
	}
	for name, c := range map[string]struct {
		linked Build
		info   *debug.BuildInfo
		want   Build
	}{
		"nothing":           {want: Build{Version: "devel"}},
		"go build, no git":  {info: &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, want: Build{Version: "devel"}},
		"go install":        {info: &debug.BuildInfo{Main: debug.Module{Version: "v1.2.0"}}, want: Build{Version: "v1.2.0"}},
		"go build":          {info: checkout, want: Build{checkout.Main.Version, "0123456789abcdef0123456789abcdef01234567", "2026-11-27T01:02:03Z"}},
		"the linker's wins": {linked: Build{"v1.2.0", "c0ffee", "2026-01-01T00:00:00Z"}, info: checkout, want: Build{"v1.2.0", "c0ffee", "2026-01-01T00:00:00Z"}},
	} {
		require.Equal(t, c.want, describe(c.linked, c.info), name)
	}
}

func TestBuildTellsPeopleWhatIsUnknown(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^devel \(commit unknown, date unknown, go1\S* \w+/\w+\)$`, Build{Version: "devel"}.String())
	require.Regexp(t, `^v1.2.0 \(commit 0123456789ab, 2026-11-27T01:02:03Z, go1\S* \w+/\w+\)$`,
		Build{"v1.2.0", "0123456789abcdef", "2026-11-27T01:02:03Z"}.String())
}
