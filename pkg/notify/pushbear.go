package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/masixun71/cupid-go/pkg/job"
)

const pushbearURL = "https://pushbear.ftqq.com"

// pushbear is a service that is asked by GET <base>/sub?sendkey=…&text=…&desp=….
type pushbear struct {
	sub       *url.URL
	key       job.Secret
	transport http.RoundTripper
}

func newPushbear(c Config) (*pushbear, error) {
	base, err := url.Parse(strings.TrimRight(cmp.Or(c.PushbearBaseURL, pushbearURL), "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("pushbearBaseURL cannot be understood: want http://host[:port] or https://host[:port]")
	}
	transport := c.Transport
	if transport == nil {
		// Alerts are rare: no connection is kept for the next one.
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	}
	return &pushbear{sub: base.JoinPath("sub"), key: c.PushbearSendKey, transport: transport}, nil
}

// send asks once. It uses the transport itself: the errors of a client hold the
// address, and with it the key, which must not follow a redirect either.
func (p *pushbear) send(ctx context.Context, title, text string) error {
	u := *p.sub
	u.RawQuery = url.Values{"sendkey": {p.key.Reveal()}, "text": {title}, "desp": {text}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return errors.New("pushbear: the request cannot be made")
	}
	resp, err := p.transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("pushbear: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("pushbear: it answered %d", resp.StatusCode)
	}
	return refusal(io.LimitReader(resp.Body, 64<<10))
}

// refusal reads {"code":0,…}: the service answers 200 also to a wrong key.
// An answer in another form counts as success.
func refusal(body io.Reader) error {
	var answer struct{ Code int }
	if err := json.NewDecoder(body).Decode(&answer); err == nil && answer.Code != 0 {
		return fmt.Errorf("pushbear: it refused the message with code %d", answer.Code)
	}
	return nil
}
