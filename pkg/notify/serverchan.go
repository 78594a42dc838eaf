package notify

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"github.com/masixun71/cupid-go/pkg/job"
)

// ServerChanURL is where ServerChan is asked unless a config says otherwise.
const ServerChanURL = "https://sctapi.ftqq.com"

// serverChanTitle is the longest title that the service takes, in characters.
const serverChanTitle = 32

// ServerChan brings messages to WeChat: POST <base>/<send key>.send.
type ServerChan struct {
	SendKey job.Secret
	BaseURL string // "" is ServerChan's own
}

type serverChan struct {
	address job.Secret
	asker   asker
}

func newServerChan(c ServerChan, a asker) (*serverChan, error) {
	base, err := webAddress(cmp.Or(c.BaseURL, ServerChanURL))
	if err != nil {
		return nil, err
	}
	return &serverChan{address: job.NewSecret(base.JoinPath(c.SendKey.Reveal() + ".send").String()), asker: a}, nil
}

func (s *serverChan) send(ctx context.Context, m message) error {
	form := url.Values{"title": {shortened(m.title, serverChanTitle)}, "desp": {m.text()}}
	answer, err := s.asker.ask(ctx, http.MethodPost, s.address.Reveal(), "application/x-www-form-urlencoded", form.Encode())
	if err != nil {
		return err
	}
	return refusal(answer)
}

// shortened cuts a text to n characters.
func shortened(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return text
}
