//go:build e2e

package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/test/fleet"
)

// chat has the messages that people read, as the service of ServerChan gets them.
type chat struct {
	mu   sync.Mutex
	said []string
}

func (c *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.URL.Path != "/SCTkey.send" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	c.said = append(c.said, strings.SplitN(r.FormValue("desp"), "\n", 2)[0])
}

func (c *chat) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.said...)
}

// A fleet whose receiver is down loses half of its workers. People hear of it, in
// their language, once from all that are left, and when it is over.
func TestAFleetTellsPeopleOnceAndWhenItIsOver(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	w.Fill(t, 1, 300)
	w.Receiver.Behave(callbacktest.Always(http.StatusBadGateway))
	people := &chat{}
	service := httptest.NewServer(people)
	t.Cleanup(service.Close)
	config := w.SeedConfig(t, `"failureJobRetrySecond": 1`, `"slowRetrySecond": 5`, `"verifyDelaySecond": 1`,
		`"alerts": {"language": "zh", "serverChan": {"sendKey": "${SERVER_CHAN_KEY}", "baseURL": "`+service.URL+`"}}`)
	all := launch(t, w, config, 1, 4, "SERVER_CHAN_KEY=SCTkey")
	w.Receiver.WaitFor(t, 10, time.Minute)
	for _, p := range all[1:3] {
		p.Kill(t)
	}
	receiver := strings.TrimPrefix(w.Receiver.URL, "http://")
	breaker := "cupid " + receiver + "：接收方一直失败，暂停调用一段时间"
	eventually.Until(t, time.Minute, func() bool { return len(people.all()) >= 2 }, "people hear of the receiver and its callbacks")
	said := strings.Join(people.all(), "\n")
	require.Contains(t, said, breaker)
	require.Regexp(t, `cupid db\.user -> db2\.user：\d+ 个回调快速重试全部失败，已进入慢队列`, said)

	w.Receiver.Behave(callbacktest.Repair(w.Repair))
	w.WaitUntilSettled(t, 2*time.Minute)
	eventually.Until(t, 2*time.Minute, func() bool { return len(people.all()) >= 4 }, "people hear that it is over")
	require.ElementsMatch(t, []string{
		"cupid " + receiver + "：已恢复：接收方恢复应答，已继续调用",
		"cupid db.user -> db2.user：已恢复：慢队列里已没有失败的回调",
	}, people.all()[2:])
	require.Len(t, people.all(), 4)
	require.NotZero(t, w.Alerts.Count(), "the seed's channel has them too")
}
