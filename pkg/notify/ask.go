package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxAnswer is more than any of the services says.
const maxAnswer = 64 << 10

// asker makes single requests whose errors hold nothing of the address: it is, or
// holds, the key. It uses a transport itself: a redirect must not be followed with
// a key.
type asker struct{ transport http.RoundTripper }

// ask gives the body of a 2xx.
func (a asker) ask(ctx context.Context, method, address, contentType, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("the request cannot be made")
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := a.transport.RoundTrip(req)
	if err != nil {
		return nil, harmless(err) // a broken answer is quoted
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("it answered %d", resp.StatusCode)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("its answer was cut off: %w", harmless(err))
	}
	return answer, nil
}

// refusal reads {"code":0,…} or {"errcode":0,…}: the services answer 200 also to a
// wrong key. What they say besides may repeat the key. An answer in another form
// counts as success.
func refusal(answer []byte) error {
	var said struct{ Code, ErrCode int }
	if err := json.Unmarshal(answer, &said); err != nil {
		return nil //nolint:nilerr // it answered 2xx
	}
	if code := said.Code + said.ErrCode; code != 0 {
		return fmt.Errorf("it refused the message with code %d", code)
	}
	return nil
}

// webAddress reads the address of a service, without a slash at its end.
func webAddress(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the address cannot be understood: want http://host[:port] or https://host[:port]")
	}
	return u, nil
}
