package app_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/browsertest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/app"
)

// logIn opens the dashboard and shows it the token.
func (w *apiWorld) logIn(v browsertest.View) *browsertest.Tab {
	w.t.Helper()
	tab := browsertest.New(w.t, v)
	tab.Open("http://" + w.addr + "/")
	tab.Allow("status of 401") // before the login, and for the wrong token
	tab.Until("document.querySelector('#token')")
	tab.Type("#token", "wrong")
	tab.Type("input[name=user]", "eva")
	tab.Press("\r")
	tab.Sees("the token is wrong")
	tab.Type("#token", tokenOfTests)
	tab.Press("\r")
	tab.Sees("users")
	return tab
}

func (w *apiWorld) length(queue string) int64 {
	return w.server.Client.ZCard(context.Background(), w.key("callbacks:"+queue)).Val()
}

func (w *apiWorld) until(condition func() bool, what string) {
	w.t.Helper()
	require.True(w.t, eventually.Holds(patience, condition), what)
}

func TestTheDashboardShowsWhatIsWrongAndWhatToPress(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t, redistest.Shared(t))
	tab := w.logIn(browsertest.View{})
	tab.Sees("No worker runs")
	tab.Until("!document.body.innerText.includes('failed again and again')")

	w.wait("slow", 2300) // more than one request does
	tab.Click("#troubles .more")
	tab.Sees("2300 callbacks of users failed again and again")
	tab.Sees("Retry all 2,300 now")
	tab.Run("[...document.querySelectorAll('#troubles button')].find((b) => b.innerText.includes('Retry all')).focus()")
	tab.Press("\r") // without a mouse
	tab.Until("document.querySelector('dialog[open]')")
	tab.Until("document.querySelector('dialog input[name=user]').value === 'eva'")
	tab.Press("\r")
	tab.Sees("2,300 done")
	require.Zero(t, w.length("slow"))
	tab.Until("!document.body.innerText.includes('failed again and again')")
	events := w.ok("GET", "/api/v1/events?job=users", "").Events
	require.Len(t, events, 1)
	require.Equal(t, "eva from 127.0.0.1", events[0].Who)

	tab.Click("#language")
	tab.Sees("没有 worker 在运行")
	tab.Open("http://" + w.addr + "/")
	tab.Sees("没有 worker 在运行")
	require.InDelta(t, 1, tab.Number("document.documentElement.lang === 'zh-CN' ? 1 : 0"), 0)
	tab.Click("#logout")
	tab.Until("document.querySelector('#token')")
	tab.Open("http://" + w.addr + "/#/callbacks")
	tab.Until("document.querySelector('#token')")
}

func TestCallbacksAreFilteredAndActedOnInTheDashboard(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t, redistest.Shared(t))
	w.wait("slow", 300)
	w.wait("retry", 5)
	tab := w.logIn(browsertest.View{Width: 390, Height: 844, Phone: true})
	rows := func(n int) {
		t.Helper()
		tab.Until(fmt.Sprintf("document.querySelectorAll('.callbacks tbody tr').length === %d", n))
	}
	tab.Run("location.hash = '#/callbacks?job=users&queue=slow'")
	rows(100)
	tab.Click("#next")
	tab.Sees("101 to 200")
	tab.Choose("select[name=queue]", "retry")
	tab.Sees("far:db.user:retry4")
	rows(5)
	tab.Choose("select[name=queue]", "slow")
	rows(100)
	tab.Choose("select[name=limit]", "250")
	tab.Sees("near:db.user:slow2")
	tab.Choose("select[name=destination]", "near")
	tab.Until("![...document.querySelectorAll('.callbacks code')].some((c) => c.innerText.startsWith('far:'))")

	// Two of them are parked, with a reason.
	tab.Click(".callbacks tbody tr:nth-child(1) input")
	tab.Click(".callbacks tbody tr:nth-child(2) input")
	tab.Sees("2 selected")
	tab.Click("#act-park")
	tab.Until("document.querySelector('dialog[open]')")
	tab.Press("\r")
	tab.Until("document.querySelector('dialog input:invalid')") // a reason is asked for
	require.Zero(t, w.length("parked"))
	tab.Type("dialog input[name=reason]", "ticket 7")
	tab.Click("dialog button[type=submit]")
	tab.Sees("2 done")
	require.EqualValues(t, 2, w.length("parked"))

	// All others of near are dropped.
	tab.Click("#everything")
	tab.Click("#act-drop")
	tab.Type("dialog input[name=reason]", "they were test data")
	tab.Click("dialog button[type=submit]")
	tab.Sees("98 done")
	require.EqualValues(t, 200, w.length("slow"))

	tab.Choose("select[name=queue]", "parked")
	tab.Sees("by eva from 127.0.0.1: ticket 7")
	tab.Click("#everything")
	tab.Click("#act-unpark")
	tab.Click("dialog button[type=submit]")
	w.until(func() bool { return w.length("parked") == 0 }, "they are unparked")

	tab.Run("location.hash = '#/jobs/users'")
	tab.Sees("127.0.0.1:1/db.user#id")
	tab.Run("[...document.querySelectorAll('button')].find((b) => b.innerText === 'Pause').click()")
	tab.Type("dialog input[name=reason]", "the receiver is moved")
	tab.Click("dialog button[type=submit]")
	tab.Sees("eva from 127.0.0.1: the receiver is moved")
	tab.Run("location.hash = '#/events'")
	tab.Sees("they were test data")
}

func TestTenThousandCallbacksAreListedWithoutAStall(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t, redistest.Shared(t))
	const many = 10_000
	w.wait("slow", many)
	tab := w.logIn(browsertest.View{})
	tab.Run(`
		window.longest = 0;
		new PerformanceObserver((all) => all.getEntries().forEach((e) => { window.longest = Math.max(window.longest, e.duration) })).observe({entryTypes: ["longtask"]});
		window.seen = new Set();
		location.hash = "#/callbacks?job=users&queue=slow&limit=1000"`)
	for first := 0; first < many; first += 1000 {
		tab.Until(fmt.Sprintf("document.querySelector('.callbacks code')?.innerText.endsWith(':slow%d')", first))
		tab.Run("document.querySelectorAll('.callbacks code').forEach((c) => seen.add(c.innerText))")
		if first+1000 < many {
			tab.Click("#next")
		}
	}
	require.InDelta(t, many, tab.Number("seen.size"), 0)
	longest := time.Duration(tab.Number("longest")) * time.Millisecond
	t.Logf("the page stood still for %s at most", longest)
	require.Less(t, longest, 2*time.Second, "also on a machine that has other things to do")
}

func TestTheDashboardSaysThatRedisIsGoneAndBackAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{AOF: true})
	w := newAPIWorld(t, server)
	tab := w.logIn(browsertest.View{Dark: true})
	tab.Allow("status of 503")
	server.Kill(t)
	tab.Sees("Redis does not answer")
	require.InDelta(t, 1, tab.Number("document.title.startsWith('(!)') ? 1 : 0"), 0)
	server.Restart(t)
	tab.Until("!document.body.innerText.includes('Redis does not answer')")
	w.redis(func(ctx context.Context, pipe redis.Pipeliner) { pipe.HSet(ctx, w.key("stats"), "rows", 20) })
	tab.Sees("users")
}

// TestARowIsShownWhereTheConfigAllowsIt, beside what each destination holds of it, with a note of who
// looked; its values stand on the page alone.
func TestARowIsShownWhereTheConfigAllowsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(w.source, 1, 2)
	w.insert(w.far, 1, 2)
	w.far.Exec(t, "UPDATE shop SET name = 'another' WHERE id = 2")
	c := w.config(w.job)
	c.HTTP.Rows = true
	shows, hides := w.runConfig(app.Scheduler, c), w.runConfig(app.Scheduler, w.config(w.job))

	tab := browsertest.New(t, browsertest.View{Width: 390, Height: 844, Phone: true})
	tab.Open("http://" + shows.Addr() + "/#/row?job=shop&key=2")
	tab.Until("document.querySelector('#verdict')?.innerText === 'different'")
	tab.Until("document.querySelectorAll('tr.differs').length === 1")
	tab.Sees(planted + "-name-2")
	tab.Sees("another")
	tab.Type("input[name=key]", "1")
	tab.Press("\r")
	tab.Until("document.querySelector('#verdict')?.innerText === 'equal'")
	tab.Sees(planted + "-name-1")
	events := strings.Join(w.server.Client.LRange(t.Context(), w.key("events"), 0, -1).Val(), "\n")
	require.Contains(t, events, "key 2")
	require.NotContains(t, events, planted)
	require.NotContains(t, w.log.String(), planted)

	tab.Open("http://" + hides.Addr() + "/#/row?job=shop&key=2")
	tab.Sees("http.rows is false")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+hides.Addr()+"/api/v1/row", strings.NewReader(`{"job":"shop","key":"2"}`))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusForbidden, answer.StatusCode)
}
