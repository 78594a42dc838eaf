package config

import (
	"fmt"
	"strings"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/notify"
)

func (r *reader) alerts() notify.Config {
	return notify.Config{
		Language: notify.Language(r.word("alerts.language")),
		Repeat:   r.duration("alerts.repeat"),
		URLs:     r.alertURLs("alerts.urls"),
		DingTalk: notify.DingTalk{
			URL:    r.secretURL("alerts.dingtalk.url"),
			Secret: r.secret("alerts.dingtalk.secret"),
		},
		ServerChan: notify.ServerChan{
			SendKey: r.secret("alerts.serverChan.sendKey"),
			BaseURL: r.serviceURL("alerts.serverChan.baseURL"),
		},
		Pushbear: notify.Pushbear{
			SendKey: r.secret("alerts.pushbear.sendKey"),
			BaseURL: r.serviceURL("alerts.pushbear.baseURL"),
		},
	}
}

// serviceURL reads an address that has a default, so that "" is a mistake.
func (r *reader) serviceURL(key string) string {
	url := r.webURL(key)
	if url == "" && !r.bad(key) {
		r.missing(key, "want the address of the service, or no such key")
	}
	return url
}

// secretURL reads a web address that is a secret, because it holds a token.
func (r *reader) secretURL(key string) job.Secret {
	secret := r.secret(key)
	if secret.Empty() || r.bad(key) {
		return secret
	}
	_, at, _ := r.find(key)
	return job.NewSecret(r.webAddress(secret.Reveal(), at))
}

// alertURLs reads a list, or one text in which blanks divide the URLs: some hold commas.
// Each may be, or hold, a ${NAME}, and one such variable may hold several URLs.
func (r *reader) alertURLs(key string) []job.Secret {
	v, at, ok := r.find(key)
	if !ok {
		return nil
	}
	elements, isList := v.([]any)
	if !isList {
		elements = []any{v}
	}
	var all []job.Secret
	for i, element := range elements {
		text, isText := asText(element)
		if !isText {
			r.wrong(at, fmt.Sprintf("found %s at place %d", kindOf(element), i), "want URLs such as slack://…, telegram://… or generic+https://…")
			continue
		}
		mistakes := len(r.notes.mistakes)
		urls := r.expand(text, at).Reveal()
		if len(r.notes.mistakes) > mistakes {
			continue // what is left of it says nothing
		}
		for url := range strings.FieldsSeq(urls) {
			secret := job.NewSecret(url)
			if err := notify.CheckURL(secret); err != nil {
				r.wrong(at, fmt.Sprintf("found a URL at place %d that cannot be used: %v", len(all), err), "want URLs such as slack://…, telegram://… or generic+https://…, see docs/alerts.md")
			}
			all = append(all, secret)
		}
	}
	return all
}
