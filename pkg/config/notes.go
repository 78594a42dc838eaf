package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// notes gathers what is to be said about a config while it is read.
type notes struct {
	mistakes []noted
	warnings []string
}

// noted is a mistake with the job it belongs to, or everyJob.
type noted struct {
	job int
	Mistake
}

const everyJob = -1

// mistake notes m, found at key, once.
func (n *notes) mistake(key string, m Mistake) {
	entry := noted{jobOf(key), m}
	if !slices.Contains(n.mistakes, entry) {
		n.mistakes = append(n.mistakes, entry)
	}
}

func (n *notes) warn(line string) {
	if !slices.Contains(n.warnings, line) {
		n.warnings = append(n.warnings, line)
	}
}

// of returns the mistakes of one job, or those that concern every job.
func (n *notes) of(job int) []Mistake {
	var own []Mistake
	for _, m := range n.mistakes {
		if m.job == job {
			own = append(own, m.Mistake)
		}
	}
	return own
}

// all returns every mistake: first the common ones, then job by job.
func (n *notes) all() []Mistake {
	sorted := slices.Clone(n.mistakes)
	slices.SortStableFunc(sorted, func(a, b noted) int { return a.job - b.job })
	var all []Mistake
	for _, m := range sorted {
		if !slices.Contains(all, m.Mistake) { // a flag can be wrong for every job
			all = append(all, m.Mistake)
		}
	}
	return all
}

// jobOf reads the number of the job that a key belongs to.
func jobOf(key string) int {
	rest, ok := strings.CutPrefix(key, "jobs.")
	if !ok {
		return everyJob
	}
	number, _, _ := strings.Cut(rest, ".")
	if n, err := strconv.Atoi(number); err == nil {
		return n
	}
	return everyJob
}

// kindOf names what stands in a file without showing it.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case map[string]any:
		return "a section"
	case []any:
		return "a list"
	case string:
		return "a text"
	case bool:
		return "true or false"
	case number, int, int64, uint64, float64:
		return "a number"
	}
	return "something else"
}

// shown is a value for people, when it is short and cannot be an address with a
// password that stands at the wrong key.
func shown(v any) string {
	switch v := v.(type) {
	case string:
		if !showable(v) {
			return "a text that is not shown"
		}
		return strconv.Quote(v)
	case bool, number, int, int64, uint64, float64:
		if text := fmt.Sprint(v); len(text) <= 64 {
			return text
		}
	}
	return kindOf(v)
}

func showable(s string) bool {
	return len(s) <= 64 && !strings.ContainsAny(s, "@\n\r") && !strings.Contains(s, "://")
}
