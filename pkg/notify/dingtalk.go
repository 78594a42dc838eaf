package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// DingTalk is a robot in a group.
type DingTalk struct {
	URL    job.Secret // its webhook, which holds its token
	Secret job.Secret // signs requests, where the robot wants that
}

type dingTalk struct {
	hook   job.Secret
	secret job.Secret
	asker  asker
}

func newDingTalk(c DingTalk, a asker) (*dingTalk, error) {
	if _, err := webAddress(c.URL.Reveal()); err != nil {
		return nil, err
	}
	return &dingTalk{hook: c.URL, secret: c.Secret, asker: a}, nil
}

func (d *dingTalk) send(ctx context.Context, m message) error {
	type text struct {
		Content string `json:"content"`
	}
	body, err := json.Marshal(struct {
		Kind string `json:"msgtype"`
		Text text   `json:"text"`
	}{"text", text{m.text()}})
	if err != nil {
		return fmt.Errorf("write the message: %w", err)
	}
	address, err := d.signed(time.Now())
	if err != nil {
		return err
	}
	answer, err := d.asker.ask(ctx, http.MethodPost, address, "application/json", string(body))
	if err != nil {
		return err
	}
	return refusal(answer)
}

// signed is the webhook's address with the time in ms and its signature.
func (d *dingTalk) signed(now time.Time) (string, error) {
	u, err := webAddress(d.hook.Reveal())
	if err != nil || d.secret.Empty() {
		return d.hook.Reveal(), err
	}
	at := strconv.FormatInt(now.UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(d.secret.Reveal()))
	mac.Write([]byte(at + "\n" + d.secret.Reveal()))
	query := u.Query()
	query.Set("timestamp", at)
	query.Set("sign", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	u.RawQuery = query.Encode()
	return u.String(), nil
}
