package notify

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// DefaultRepeat is how often a group is told again while it goes on.
const DefaultRepeat = 10 * time.Minute

// Config says where alerts go besides the log.
type Config struct {
	// Language is that of the messages; default English.
	Language Language
	// Repeat is how often a group is told again while it goes on; default DefaultRepeat.
	Repeat time.Duration
	// URLs are those of shoutrrr: slack://…, telegram://…, generic+https://….
	URLs []job.Secret
	// DingTalk turns on a group robot of DingTalk.
	DingTalk DingTalk
	// ServerChan turns on ServerChan.
	ServerChan ServerChan
	// Pushbear turns on pushbear, or a service of the same form.
	Pushbear Pushbear
}

// message is what people read.
type message struct {
	title, body string
}

// text is the whole message in one, for channels that know no title.
func (m message) text() string { return m.title + "\n\n" + m.body }

// Channel is one way to people.
type Channel struct {
	Place string // its key in the config, "alerts.urls[0]"
	Kind  string // "slack", "pushbear", …

	send func(context.Context, message) error
}

// Channels are all that the config names. The transport makes the requests of those
// that are written here; nil is one of their own. The errors hold no secrets.
func Channels(c Config, transport http.RoundTripper) ([]Channel, error) {
	if transport == nil {
		// Alerts are rare: no connection is kept for the next one.
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	}
	asker := asker{transport}
	var all []Channel
	for i, url := range c.URLs {
		s, err := newShout(url)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", urlPlace(i), err)
		}
		all = append(all, Channel{Place: urlPlace(i), Kind: s.kind, send: s.send})
	}
	for _, own := range []struct {
		place, kind string
		on          bool
		make        func() (sender, error)
	}{
		{"alerts.dingtalk", "dingtalk", !c.DingTalk.URL.Empty(), func() (sender, error) { return newDingTalk(c.DingTalk, asker) }},
		{"alerts.serverChan", "serverChan", !c.ServerChan.SendKey.Empty(), func() (sender, error) { return newServerChan(c.ServerChan, asker) }},
		{"alerts.pushbear", "pushbear", !c.Pushbear.SendKey.Empty(), func() (sender, error) { return newPushbear(c.Pushbear, asker) }},
	} {
		if !own.on {
			continue
		}
		s, err := own.make()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", own.place, err)
		}
		all = append(all, Channel{Place: own.place, Kind: own.kind, send: s.send})
	}
	return all, nil
}

type sender interface {
	send(context.Context, message) error
}

func urlPlace(i int) string { return fmt.Sprintf("alerts.urls[%d]", i) }

// Test sends one message that says that it is a test. host is where it comes from.
func (c Channel) Test(ctx context.Context, l Language, host string) error {
	return c.deliver(ctx, message{title: l.words().test, body: fmt.Sprintf(l.words().testBody, host)})
}

// deliver sends in bounded time.
func (c Channel) deliver(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return c.send(ctx, m)
}
