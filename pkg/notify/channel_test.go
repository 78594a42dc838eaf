package notify

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// secretText stands in every address and key of these tests.
const secretText = "geheim"

var sample = message{title: "cupid db.user: something happened to more than a few rows", body: "Look at the receiver."}

// request is what a service was asked.
type request struct {
	method, path, contentType, body string
	query                           url.Values
}

// service answers all requests the same way, and tells of them.
func service(t *testing.T, status int, answer string) (address string, asked chan request) {
	t.Helper()
	asked = make(chan request, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked <- request{r.Method, r.URL.Path, r.Header.Get("Content-Type"), string(body), r.URL.Query()}
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

// only makes the one channel of a config.
func only(t *testing.T, c Config) Channel {
	t.Helper()
	all, err := Channels(c, nil)
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}

func pushbearAt(address string) Config {
	return Config{Pushbear: Pushbear{SendKey: job.NewSecret("9724-geheim&+"), BaseURL: address + "/"}}
}

func serverChanAt(address string) Config {
	return Config{ServerChan: ServerChan{SendKey: job.NewSecret("SCTgeheim"), BaseURL: address}}
}

func dingTalkAt(address string) Config {
	return Config{DingTalk: DingTalk{URL: job.NewSecret(address + "/robot/send?access_token=geheim"), Secret: job.NewSecret("SECgeheim")}}
}

func genericAt(address string) Config {
	return Config{URLs: []job.Secret{job.NewSecret("generic+" + address + "/hook/geheim?token=geheim&template=json")}}
}

func TestPushbearForm(t *testing.T) {
	t.Parallel()
	address, asked := service(t, 200, `{"code":0,"message":"","data":"1 message queued"}`)
	c := only(t, pushbearAt(address))
	require.Equal(t, "alerts.pushbear pushbear", c.Place+" "+c.Kind)
	require.NoError(t, c.deliver(t.Context(), sample))
	require.Equal(t, request{
		method: "GET", path: "/sub",
		query: url.Values{"sendkey": {"9724-geheim&+"}, "text": {sample.title}, "desp": {sample.title + "\n\n" + sample.body}},
	}, <-asked)
}

func TestServerChanForm(t *testing.T) {
	t.Parallel()
	address, asked := service(t, 200, `{"code":0,"data":{"errno":0}}`)
	c := only(t, serverChanAt(address))
	require.NoError(t, c.deliver(t.Context(), sample))
	r := <-asked
	require.Equal(t, "POST /SCTgeheim.send application/x-www-form-urlencoded", r.method+" "+r.path+" "+r.contentType)
	form, err := url.ParseQuery(r.body)
	require.NoError(t, err)
	require.Equal(t, url.Values{"title": {"cupid db.user: something happen…"}, "desp": {sample.text()}}, form)
	require.Len(t, []rune(form.Get("title")), serverChanTitle)
	require.Equal(t, "接收端", shortened("接收端", 3), "characters are counted, not bytes")
}

func TestDingTalkForm(t *testing.T) {
	t.Parallel()
	address, asked := service(t, 200, `{"errcode":0,"errmsg":"ok"}`)
	c := only(t, dingTalkAt(address))
	require.NoError(t, c.deliver(t.Context(), sample))
	r := <-asked
	require.Equal(t, "POST /robot/send application/json", r.method+" "+r.path+" "+r.contentType)
	require.Equal(t, secretText, r.query.Get("access_token"))
	var body map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.body), &body))
	require.Equal(t, map[string]any{"msgtype": "text", "text": map[string]any{"content": sample.text()}}, body)

	at, err := strconv.ParseInt(r.query.Get("timestamp"), 10, 64)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), time.UnixMilli(at), time.Minute)
	mac := hmac.New(sha256.New, []byte("SECgeheim"))
	fmt.Fprintf(mac, "%d\nSECgeheim", at)
	require.Equal(t, base64.StdEncoding.EncodeToString(mac.Sum(nil)), r.query.Get("sign"))
}

func TestDingTalkWithoutSecretIsNotSigned(t *testing.T) {
	t.Parallel()
	address, asked := service(t, 200, `{"errcode":0}`)
	c := dingTalkAt(address)
	c.DingTalk.Secret = job.Secret{}
	require.NoError(t, only(t, c).deliver(t.Context(), sample))
	require.Equal(t, url.Values{"access_token": {secretText}}, (<-asked).query)
}

func TestShoutrrrForm(t *testing.T) {
	t.Parallel()
	address, asked := service(t, 204, "")
	c := only(t, genericAt(address))
	require.Equal(t, "alerts.urls[0] generic", c.Place+" "+c.Kind)
	require.NoError(t, c.deliver(t.Context(), sample))
	r := <-asked
	require.Equal(t, "POST /hook/geheim application/json", r.method+" "+r.path+" "+r.contentType)
	require.JSONEq(t, `{"title":"`+sample.title+`","message":"`+sample.body+`"}`, r.body)

	host := strings.TrimPrefix(address, "http://")
	c = only(t, Config{URLs: []job.Secret{job.NewSecret("rocketchat://" + host + "/token/geheim")}})
	require.Equal(t, "rocketchat", c.Kind)
	require.Equal(t, "db.user: x\n\nLook.", message{"db.user: x", "Look."}.text(), "for services that know no title")
}

func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	answers := map[string]struct {
		h    http.HandlerFunc
		want string
	}{
		"status":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "it answered 500"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) }, "it answered 302"},
		"bad redirect": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://[?"+r.URL.RawQuery)
			w.WriteHeader(http.StatusFound)
		}, "it answered 302"},
		"refusal": {func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"code":40001,"message":"bad key `+r.URL.String()+`"}`)
		}, "it refused the message with code 40001"},
		"refusal of dingtalk": {func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"errcode":310000,"errmsg":"bad key `+r.URL.String()+`"}`)
		}, "it refused the message with code 310000"},
		"cut": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"no HTTP": {func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			fmt.Fprintf(conn, "what is %s?\r\n\r\n", r.URL)
			conn.Close()
		}, "it did not take the message"},
	}
	for place, at := range map[string]func(string) Config{
		"pushbear": pushbearAt, "serverChan": serverChanAt, "dingtalk": dingTalkAt, "generic": genericAt,
	} {
		fails := func(t *testing.T, address, want string) {
			t.Helper()
			err := only(t, at(address)).Test(t.Context(), English, "here")
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), secretText)
		}
		for name, answer := range answers {
			if place == "generic" && name != "status" && name != "cut" && name != "no HTTP" {
				continue // the library follows redirects, and reads no answers
			}
			t.Run(place+" "+name, func(t *testing.T) {
				t.Parallel()
				s := httptest.NewServer(answer.h)
				t.Cleanup(s.Close)
				fails(t, s.URL, answer.want)
			})
		}
		t.Run(place+" refused", func(t *testing.T) {
			t.Parallel()
			fails(t, gone.URL, "connection refused")
		})
	}
}

func TestHangingServiceIsGivenUp(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	t.Cleanup(func() { close(end); s.Close() })
	for _, at := range []func(string) Config{pushbearAt, genericAt} {
		c := only(t, at(s.URL))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		require.ErrorIs(t, c.deliver(ctx, sample), context.DeadlineExceeded)
		cancel()
		if c.Kind == "generic" {
			require.EqualError(t, c.deliver(t.Context(), sample), "the last message is still on its way", "hanging messages do not heap up")
		}
	}
}

// TestAnAnswerWithoutEnd: a service that drips for ever is given up, and asked again.
func TestAnAnswerWithoutEnd(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 {
			return
		}
		for r.Context().Err() == nil {
			io.WriteString(w, "drip ")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}))
	t.Cleanup(s.Close)
	c := only(t, genericAt(s.URL))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.Error(t, c.deliver(ctx, sample))
	require.Eventually(t, func() bool { return c.deliver(t.Context(), sample) == nil }, 4*sendTimeout, 200*time.Millisecond)

	long := time.Now().Add(-lost)
	stuck := &shout{kind: c.Kind, url: genericAt(s.URL).URLs[0]}
	stuck.way.Store(&long)
	require.NoError(t, stuck.send(t.Context(), sample), "a message that was lost silences nobody")
}

// mailServer takes every mail, or no account, and tells what it heard until it was left.
func mailServer(t *testing.T, account string) (address string, heard chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	heard = make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "220 mail\r\n")
		var all strings.Builder
		data := false
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			line := lines.Text()
			all.WriteString(line + "\n")
			answer := "250 ok"
			switch {
			case data && line != ".":
				continue
			case data:
				data = false
			case strings.HasPrefix(line, "EHLO"):
				answer = "250-mail\r\n250 AUTH PLAIN"
			case strings.HasPrefix(line, "AUTH"):
				answer = account
			case line == "DATA":
				data, answer = true, "354 go on"
			case line == "QUIT":
				answer = "221 bye"
			}
			io.WriteString(conn, answer+"\r\n")
		}
		heard <- all.String()
	}()
	return l.Addr().String(), heard
}

func TestMailForm(t *testing.T) {
	t.Parallel()
	address, heard := mailServer(t, "235 ok")
	c := only(t, Config{URLs: []job.Secret{job.NewSecret("smtp://user:geheim@" + address + "/?from=a@b.c&to=d@e.f,g@h.i")}})
	require.NoError(t, c.deliver(t.Context(), message{"cupid db：接收方一直失败", "第一行\n\n第二行"}))
	mail := <-heard
	for _, line := range []string{
		"MAIL FROM:<a@b.c>", "RCPT TO:<d@e.f>", "RCPT TO:<g@h.i>", `Content-Type: text/plain; charset="UTF-8"`, "第一行", "第二行",
	} {
		require.Contains(t, mail, line+"\n")
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(regexp.MustCompile(`Subject: (.*)`).FindStringSubmatch(mail)[1])
	require.NoError(t, err)
	require.Equal(t, "cupid db：接收方一直失败", subject)
	require.Regexp(t, `Subject: [ -~]+\n`, mail, "a header is ASCII")
}

func TestMailServerThatRefusesTheAccount(t *testing.T) {
	t.Parallel()
	address, _ := mailServer(t, "535 5.7.8 bad "+secretText)
	c := only(t, Config{URLs: []job.Secret{job.NewSecret("smtp://user:geheim@" + address + "/?from=a@b.c&to=d@e.f,g@h.i")}})
	err := c.deliver(t.Context(), sample)
	require.ErrorContains(t, err, "535")
	require.NotContains(t, err.Error(), secretText)
}

func TestBadAddressesAreRefused(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"pushbear.ftqq.com", "ftp://host", "http://", "http://[", "://"} {
		for _, c := range []Config{pushbearAt(base), serverChanAt(base), dingTalkAt(base)} {
			if base == "http://" && !c.DingTalk.URL.Empty() {
				continue // with the robot's path behind it, it is one
			}
			_, err := Channels(c, nil)
			require.ErrorContains(t, err, "the address cannot be understood", base)
			require.NotContains(t, err.Error(), secretText)
		}
	}
}

// No service is asked when a URL is checked, and no word of a URL is repeated.
func TestURLsAreChecked(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"slack://hook:AAAAAAAAA-BBBBBBBBB-123456789123456789123456@webhook", "telegram://110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawg@telegram?chats=@c",
		"lark://open.feishu.cn/token?secret=s", "discord://token@1234567890", "matrix://user:geheim@127.0.0.1:1/", "wecom://key",
		"ntfy://host/topic", "gotify://h/AzyoeNS.D4iJLVa",
	} {
		require.NoError(t, CheckURL(job.NewSecret(good)), good)
	}
	for bad, want := range map[string]string{
		"geheim":                "the URL cannot be read",
		"://geheim":             "the URL cannot be read",
		"geheim://x":            "no service of shoutrrr begins so",
		"telegram://geheim@x":   "this is no URL of telegram",
		"discord://geheim":      "this is no URL of discord",
		"logger://":             "the log has every alert anyway",
		"slack://geheim@geheim": "this is no URL of slack",
	} {
		require.EqualError(t, CheckURL(job.NewSecret(bad)), want, bad)
	}
}

func TestHarmlessErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"telegram: API error: 401 Unauthorized for geheim":  "it answered 401",
		"unexpected HTTP status: 404 (geheim)":              "it answered 404",
		"dial tcp: lookup geheim: no such host":             "no such host",
		"x509: certificate signed by geheim":                "certificate",
		"token geheim is wrong":                             "it did not take the message; what it said may hold the secret and is not shown",
		"443 geheim is no status, but 500 in geheim is not": "it did not take the message; what it said may hold the secret and is not shown",
	} {
		require.EqualError(t, harmless(fmt.Errorf("send to geheim: %s", text)), want)
	}
	require.NoError(t, harmless(nil))
}
