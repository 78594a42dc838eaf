package config

import (
	"fmt"
	"slices"
	"strings"
)

// texts reads a list, or one text that commas divide.
func (r *reader) texts(key string) []string {
	v, at, ok := r.find(key)
	if !ok {
		return nil
	}
	elements, isList := v.([]any)
	if !isList {
		s, isText := asText(v)
		if !isText {
			r.wrong(at, "found "+kindOf(v), "want a text or a list of texts")
			return nil
		}
		if strings.TrimSpace(s) == "" {
			return nil
		}
		for part := range strings.SplitSeq(s, ",") {
			elements = append(elements, part)
		}
	}
	var all []string
	for i, element := range elements {
		s, isText := asText(element)
		if s = strings.TrimSpace(s); !isText || s == "" {
			r.wrong(at, fmt.Sprintf("found %s at place %d", kindOf(element), i), "want texts that are not empty")
			return nil
		}
		all = append(all, s)
	}
	return all
}

// names reads names of columns, each of which may stand there once.
func (r *reader) names(key string) []string {
	all := r.texts(key)
	for i, name := range all {
		if slices.ContainsFunc(all[:i], func(known string) bool { return strings.EqualFold(known, name) }) {
			_, at, _ := r.find(key)
			r.wrong(at, "found "+shown(name)+" twice", "want each column once")
			return nil
		}
	}
	return all
}
