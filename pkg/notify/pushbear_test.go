package notify

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

const sendKey = "9724-geheim&+"

func service(t *testing.T, h http.HandlerFunc) Config {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return Config{PushbearSendKey: job.NewSecret(sendKey), PushbearBaseURL: s.URL + "/"}
}

func TestPushbearForm(t *testing.T) {
	t.Parallel()
	asked := make(chan *http.Request, 1)
	c := service(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		io.WriteString(w, `{"code":0,"message":"","data":"1 message queued"}`)
	})
	c.Window = time.Millisecond
	n, err := New(c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	n.Start()
	n.Notify(slow)
	r := <-asked
	require.NoError(t, n.Stop(t.Context()))
	require.Equal(t, "GET", r.Method)
	require.Equal(t, "/sub", r.URL.Path)
	require.Equal(t, url.Values{"sendkey": {sendKey}, "text": {title(slow)}, "desp": {text(slow)}}, r.URL.Query())
}

func TestErrorsDoNotHoldTheKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
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
			io.WriteString(w, `{"code":40001,"message":"bad key `+sendKey+`"}`)
		}, "it refused the message with code 40001"},
		"cut": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			n, err := New(service(t, test.h), slog.New(slog.NewTextHandler(&out, nil)))
			require.NoError(t, err)
			n.tell(t.Context(), slow)
			require.Contains(t, out.String(), test.want)
			require.NotContains(t, out.String(), "geheim")
		})
	}
}

func TestRefusedConnectionDoesNotShowTheKey(t *testing.T) {
	t.Parallel()
	c := service(t, nil)
	s := httptest.NewServer(nil)
	c.PushbearBaseURL = s.URL
	s.Close()
	n, err := New(c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	n.Notify(slow)
	err = n.Stop(t.Context())
	require.ErrorContains(t, err, "send alert slow of db.user -> db2.user: pushbear: ")
	require.ErrorContains(t, err, "refused")
	require.NotContains(t, err.Error(), "geheim")
}

func TestBadBaseURLIsRefused(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"pushbear.ftqq.com", "ftp://host", "http://", "http://[", "://"} {
		_, err := New(Config{PushbearSendKey: job.NewSecret(sendKey), PushbearBaseURL: base}, slog.New(slog.DiscardHandler))
		require.ErrorContains(t, err, "pushbearBaseURL cannot be understood", base)
	}
}
