package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
)

var (
	statusCode = regexp.MustCompile(`(?i)\b(?:status|code|http)[ :(]{1,3}([1-5][0-9][0-9])\b`)
	statusLine = regexp.MustCompile(`\b([1-5][0-9][0-9]) [A-Z]`)
)

// phrases are what the network may say, the more special before the more general.
var phrases = []string{
	"connection refused", "connection reset", "no such host", "no route to host", "network is unreachable",
	"certificate has expired", "certificate signed by unknown authority", "certificate",
	"timeout", "EOF",
}

// harmless keeps of an error what cannot be a part of a URL, a token or an answer
// that repeats one: the errors of libraries may hold all of that.
func harmless(err error) error {
	if err == nil {
		return nil
	}
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Errorf("it answered %d", answer.Code)
	}
	for _, ended := range []error{context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, ended) {
			return ended
		}
	}
	text := err.Error()
	if found := statusCode.FindStringSubmatch(text); found != nil {
		return errors.New("it answered " + found[1])
	}
	for _, found := range statusLine.FindAllStringSubmatchIndex(text, -1) {
		code, err := strconv.Atoi(text[found[2]:found[3]])
		if words := http.StatusText(code); err == nil && words != "" && strings.HasPrefix(text[found[3]+1:], words) {
			return fmt.Errorf("it answered %d", code)
		}
	}
	for _, known := range phrases {
		if strings.Contains(text, known) {
			return errors.New(known)
		}
	}
	return errors.New("it did not take the message; what it said may hold the secret and is not shown")
}
