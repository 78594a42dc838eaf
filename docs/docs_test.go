// Package docs_test keeps what the documentation says true of the code.
package docs_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/config"
)

var update = flag.Bool("update", false, "rewrite the table of defaults")

// pages are the documents, by their path from the root of the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	paths := []string{"../README.md", "../README.zh-CN.md", "../CHANGELOG.md", "../CONTRIBUTING.md"}
	for _, pattern := range []string{"*.md", "*/*.md"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		paths = append(paths, found...)
	}
	all := map[string]string{}
	for _, path := range paths {
		all[path] = read(t, path)
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

var (
	block = regexp.MustCompile("(?s)(?:\\A|\n)```([a-z]*)\n(.*?)\n```")
	span  = regexp.MustCompile("`([^`\n]+)`")
	link  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// prose is a page without its code blocks.
func prose(page string) string { return block.ReplaceAllString(page, "") }

func TestLinksResolve(t *testing.T) {
	t.Parallel()
	for path, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(prose(page), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			require.FileExists(t, notFolder(target), "%s links to %s", path, m[1])
			if anchor != "" {
				require.Contains(t, anchors(read(t, target)), anchor, "%s links to %s", path, m[1])
			}
		}
	}
}

// notFolder stands for a folder by something that is surely in it.
func notFolder(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if entries, err := os.ReadDir(path); err == nil && len(entries) > 0 {
			return filepath.Join(path, entries[0].Name())
		}
	}
	return path
}

var heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)

// anchors are those that GitHub gives to the headings of a page.
func anchors(page string) []string {
	var all []string
	for _, m := range heading.FindAllStringSubmatch(prose(page), -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, m[1]))
	}
	return all
}

// commandLines are what a reader might type: spans, and the lines of shell and unit blocks.
func commandLines(page string) []string {
	var lines []string
	for _, m := range block.FindAllStringSubmatch(page, -1) {
		if m[1] == "sh" || m[1] == "ini" || m[1] == "yaml" {
			lines = append(lines, strings.Split(m[2], "\n")...)
		}
	}
	for _, m := range span.FindAllStringSubmatch(prose(page), -1) {
		lines = append(lines, m[1])
	}
	return lines
}

var (
	program    = regexp.MustCompile(`^(?:command=|ExecStart=)?(?:\S*/)?(cupid|scheduler|worker)((?: +[^\s|>&;]+)+)`)
	subCommand = regexp.MustCompile(`Use: "([a-z]+)[ "]`)
	flagName   = regexp.MustCompile(`(?:String|Bool|Int|Duration)Var(P?)\([^,]+, "([\w-]+)"(?:, "(\w)")?`)
)

func TestCommandsAndFlagsExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"help": true, "completion": true, "--help": true, "-h": true, "--version": true, "-v": true}
	sources, err := filepath.Glob("../cmd/internal/cli/*.go")
	require.NoError(t, err)
	for _, source := range sources {
		text := read(t, source)
		for _, m := range subCommand.FindAllStringSubmatch(text, -1) {
			known[m[1]] = true
		}
		for _, m := range flagName.FindAllStringSubmatch(text, -1) {
			known["--"+m[2]] = true
			if m[1] == "P" {
				known["-"+m[3]] = true
			}
		}
	}
	require.True(t, known["status"] && known["-c"] && known["--startId"], "the commands were found")
	for path, page := range pages(t) {
		for _, line := range commandLines(page) {
			m := program.FindStringSubmatch(strings.TrimSpace(line))
			if m == nil {
				continue
			}
			for i, arg := range strings.Fields(m[2]) {
				name, _, _ := strings.Cut(arg, "=")
				isCommand := i == 0 && m[1] == "cupid" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") == ""
				if isCommand || strings.HasPrefix(name, "-") {
					require.True(t, known[name], "%s: %q has %s", path, line, name)
				}
			}
		}
	}
}

var (
	target     = regexp.MustCompile(`(?m)^([a-z0-9-]+):`)
	makeTarget = regexp.MustCompile(`(?:^|\s)make ([a-z0-9-]+)`)
)

func TestMakeTargetsExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, m := range target.FindAllStringSubmatch(read(t, "../Makefile"), -1) {
		known[m[1]] = true
	}
	for path, page := range pages(t) {
		for _, line := range commandLines(page) {
			line, _, _ = strings.Cut(line, " #")
			for _, m := range makeTarget.FindAllStringSubmatch(line, -1) {
				require.True(t, known[m[1]], "%s: make %s", path, m[1])
			}
		}
	}
}

// TestNamesAreExplained: what the code calls something has to be found in the page about it.
func TestNamesAreExplained(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, pattern, page string }{
		"redis keys":   {"../pkg/broker/keys.go", `[pP]refix \+ "([^"{}]+)"`, "redis.md"},
		"fields":       {"../pkg/broker/callbacks.go", `\tcase "(\w+)":`, "redis.md"},
		"metrics":      {"../pkg/app/metrics.go", `Name: "(\w+)"`, "operations.md"},
		"gauges":       {"../pkg/app/collector.go", `gauge\("(\w+)"`, "operations.md"},
		"alerts":       {"../pkg/job/alert.go", `AlertKind = "(\w+)"`, "alerts.md"},
		"counters":     {"../pkg/worker/decide.go", `count\w+ += "(\w+)"`, "redis.md"},
		"answer codes": {"../pkg/callback/answer.go", `Code, why = "(\w+)"`, "callbacks.md"},
		"headers":      {"../pkg/callback/message.go", `\b(?:header|h\.Set)\("([\w-]+)"`, "callbacks.md"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := regexp.MustCompile(c.pattern).FindAllStringSubmatch(read(t, c.source), -1)
			require.NotEmpty(t, found, "%s has none", c.source)
			page := strings.ToLower(read(t, c.page))
			for _, m := range found {
				require.Contains(t, page, "`"+strings.ToLower(m[1]), "%s does not explain it", c.page)
			}
		})
	}
}

func TestTableOfDefaults(t *testing.T) {
	t.Parallel()
	const path, begin, end = "configuration.md", "<!-- defaults: go test ./docs -update -->\n", "<!-- end of defaults -->"
	page := read(t, path)
	before, rest, ok := strings.Cut(page, begin)
	require.True(t, ok, "%s lacks %q", path, begin)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok, "%s lacks %q", path, end)

	var table strings.Builder
	table.WriteString("\n| setting | seed form | default | meaning |\n|---|---|---|---|\n")
	for _, s := range config.Defaults() {
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", code(s.Key), code(s.SeedKey), code(s.Default), cell.Replace(s.Meaning))
	}
	want := before + begin + table.String() + "\n" + end + after
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, page, "run: go test ./docs -update")
}

// cell keeps a text from ending a cell of a table or opening a tag.
var cell = strings.NewReplacer("|", `\|`, "<", `\<`)

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// TestBothReadmesHaveTheSameCommands: a translation that lags behind misleads.
func TestBothReadmesHaveTheSameCommands(t *testing.T) {
	t.Parallel()
	blocks := func(path string) []string {
		var all []string
		for _, m := range block.FindAllStringSubmatch(read(t, path), -1) {
			if m[1] == "sh" {
				all = append(all, comments.ReplaceAllString(m[2], ""))
			}
		}
		return all
	}
	require.Equal(t, blocks("../README.md"), blocks("../README.zh-CN.md"))
}

var comments = regexp.MustCompile(`(?m) *#.*$`)
