package notify

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"github.com/masixun71/cupid-go/pkg/job"
)

const pushbearURL = "https://pushbear.ftqq.com"

// Pushbear is a service that is asked by GET <base>/sub?sendkey=…&text=…&desp=….
type Pushbear struct {
	SendKey job.Secret
	BaseURL string // "" is pushbear's own
}

type pushbear struct {
	sub   *url.URL
	key   job.Secret
	asker asker
}

func newPushbear(c Pushbear, a asker) (*pushbear, error) {
	base, err := webAddress(cmp.Or(c.BaseURL, pushbearURL))
	if err != nil {
		return nil, err
	}
	return &pushbear{sub: base.JoinPath("sub"), key: c.SendKey, asker: a}, nil
}

func (p *pushbear) send(ctx context.Context, m message) error {
	u := *p.sub
	u.RawQuery = url.Values{"sendkey": {p.key.Reveal()}, "text": {m.title}, "desp": {m.text()}}.Encode()
	answer, err := p.asker.ask(ctx, http.MethodGet, u.String(), "", "")
	if err != nil {
		return err
	}
	return refusal(answer)
}
