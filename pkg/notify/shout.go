package notify

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"github.com/masixun71/cupid-go/pkg/job"
)

// shout is a channel of the shoutrrr library, which knows many services by a URL.
type shout struct {
	kind string
	url  job.Secret
	way  atomic.Pointer[time.Time] // since when a message is on its way
}

// lost is after how long a message that is still on its way is not waited for any more: a service that never
// ends its answer would else silence the channel for good.
const lost = 10 * time.Minute

// Most services of the library ask through Go's shared client, which bounds nothing.
func init() { http.DefaultClient.Timeout = sendTimeout } //nolint:forbidigo,gochecknoinits // the library shares it; before anything can use it

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
// that is still on its way then ends by itself, and no other one begins before it,
// or before it is lost.
func (s *shout) send(ctx context.Context, m message) error {
	now := time.Now()
	if last := s.way.Load(); last != nil && now.Sub(*last) < lost || !s.way.CompareAndSwap(last, &now) {
		return errors.New("the last message is still on its way")
	}
	done := make(chan error, 1)
	go func() {
		defer s.way.CompareAndSwap(&now, nil)
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
