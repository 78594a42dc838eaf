package app

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// What the linker was told with -X: a release, an image, or make build.
var version, commit, date string

// Build says what a program was built from.
type Build struct {
	Version string // "v1.2.0", or "v1.2.0-3-gabc1234-dirty" between releases
	Commit  string // of git; empty when unknown
	Date    string // of that commit, RFC 3339 in UTC; empty when unknown
}

// ThisBuild is the running program's.
var ThisBuild = func() Build {
	info, _ := debug.ReadBuildInfo()
	return describe(Build{version, commit, date}, info)
}()

// Version is the running program's version in one word.
var Version = ThisBuild.Version

// describe fills what the linker was not told with what the Go command noted:
// "go install …@v1.2.0" knows the version, "go build" in a checkout the commit.
func describe(b Build, info *debug.BuildInfo) Build {
	if info != nil {
		if v := info.Main.Version; v != "(devel)" {
			b.Version = cmp.Or(b.Version, v)
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = cmp.Or(b.Commit, s.Value)
			case "vcs.time":
				b.Date = cmp.Or(b.Date, s.Value)
			}
		}
	}
	b.Version = cmp.Or(b.Version, "devel")
	return b
}

// String is for people and bug reports.
func (b Build) String() string {
	const short = 12 // digits of a commit, enough to find it
	id := b.Commit[:min(len(b.Commit), short)]
	return fmt.Sprintf("%s (commit %s, %s, %s %s/%s)",
		b.Version, cmp.Or(id, "unknown"), cmp.Or(b.Date, "date unknown"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
