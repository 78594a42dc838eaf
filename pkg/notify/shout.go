package notify

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"github.com/masixun71/cupid-go/pkg/job"
)

// shout is a channel of the shoutrrr library, which knows many services by a URL.
type shout struct {
	kind string
	url  job.Secret
	busy atomic.Bool // a message is on its way
}

// untitled are the services that refuse a title or leave it out.
var untitled = []string{"wecom", "signal", "pagerduty", "googlechat", "hangouts", "rocketchat", "notifiarr"}

// CheckURL says why a URL cannot be used, without a word of it.
func CheckURL(url job.Secret) error {
	_, err := newShout(url)
	return err
}

// newShout checks a URL without asking the service.
func newShout(secret job.Secret) (*shout, error) {
	s := &shout{url: secret}
	u, err := url.Parse(secret.Reveal())
	if err != nil || u.Scheme == "" {
		return nil, errors.New("the URL cannot be read")
	}
	s.kind, _, _ = strings.Cut(strings.ToLower(u.Scheme), "+")
	services := new(router.ServiceRouter).ListServices()
	if !slices.Contains(services, s.kind) {
		return nil, errors.New("no service of shoutrrr begins so")
	}
	switch {
	case s.kind == "logger":
		return nil, errors.New("the log has every alert anyway")
	case s.kind == "matrix" && u.User.Username() != "": // it would be asked for a token
		return s, nil
	}
	if _, err := new(router.ServiceRouter).Locate(secret.Reveal()); err != nil {
		return nil, fmt.Errorf("this is no URL of %s", s.kind) // the error itself holds parts of the URL
	}
	return s, nil
}

// send gives up waiting when ctx ends. The library cannot be told to; the message
// that is still on its way then ends by itself, and no other one begins before it.
func (s *shout) send(ctx context.Context, m message) error {
	if !s.busy.CompareAndSwap(false, true) {
		return errors.New("the last message is still on its way")
	}
	done := make(chan error, 1)
	go func() {
		defer s.busy.Store(false)
		done <- s.deliver(m)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *shout) deliver(m message) (err error) {
	defer func() {
		if recover() != nil { // a library that is asked by strangers' answers must not end the process
			err = errors.New("the answer could not be read")
		}
	}()
	service, err := new(router.ServiceRouter).Locate(s.url.Reveal())
	if err != nil {
		return harmless(err)
	}
	text, params := m.body, types.Params{types.TitleKey: m.title}
	switch {
	case slices.Contains(untitled, s.kind):
		text, params = m.text(), types.Params{}
	case s.kind == "smtp": // a header is ASCII
		params.SetTitle(mime.QEncoding.Encode("utf-8", m.title))
	}
	return harmless(service.Send(text, &params))
}

var (
	statusCode = regexp.MustCompile(`(?i)\b(?:status|code|http)[ :(]{1,3}([1-5][0-9][0-9])\b`)
	statusLine = regexp.MustCompile(`\b([1-5][0-9][0-9]) [A-Z]`)
)

// harmless keeps of an error what cannot be a part of a URL, a token or an answer
// that repeats one: the library's errors may hold all of that.
func harmless(err error) error {
	if err == nil {
		return nil
	}
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Errorf("it answered %d", answer.Code)
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
	for _, known := range []string{"connection refused", "connection reset", "no such host", "no route to host", "network is unreachable", "deadline exceeded", "timeout", "certificate", "EOF"} {
		if strings.Contains(text, known) {
			return errors.New(known)
		}
	}
	return errors.New("it did not take the message; what it said may hold the secret and is not shown")
}
