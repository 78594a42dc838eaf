package callbacktest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/testmain"
)

func TestMain(m *testing.M) { testmain.Run(m) }

func TestReceiverRecordsWhatCame(t *testing.T) {
	t.Parallel()
	receiver := callbacktest.New(t, nil)
	require.Equal(t, http.StatusOK, post(t, receiver, `{"type":1,"srcColumn":{"id":"7","name":"x","avatar":null}}`))
	require.Equal(t, http.StatusOK, post(t, receiver, `no JSON`))

	received := receiver.WaitFor(t, 2, time.Second)
	first := received[0]
	require.Equal(t, 1, first.N)
	require.Equal(t, http.MethodPost, first.Method)
	require.Equal(t, "/callback?x=1", first.Path)
	require.Equal(t, "yes", first.Header.Get("Cupid-Test"))
	require.WithinDuration(t, time.Now(), first.At, time.Minute)
	require.Equal(t, 1, first.Body.Type)
	require.Equal(t, "7", first.Body.Value("id"))
	require.Contains(t, first.Body.SrcColumn, "avatar")
	require.Nil(t, first.Body.SrcColumn["avatar"])
	require.Equal(t, "no JSON", string(received[1].Raw))
	require.Zero(t, received[1].Body)
}

func TestCountsByColumnAndType(t *testing.T) {
	t.Parallel()
	receiver := callbacktest.New(t, nil)
	for _, body := range []string{row(1, "7"), row(1, "7"), row(2, "7"), row(1, "8")} {
		post(t, receiver, body)
	}
	require.Equal(t, map[callbacktest.Key]int{{ID: "7", Type: 1}: 2, {ID: "7", Type: 2}: 1, {ID: "8", Type: 1}: 1}, receiver.Counts("id"))
	receiver.Reset()
	require.Zero(t, receiver.Count())
}

func TestScriptAndBehave(t *testing.T) {
	t.Parallel()
	receiver := callbacktest.New(t, callbacktest.Script(
		callbacktest.Reply{Status: 503, Header: http.Header{"Retry-After": {"3"}}},
		callbacktest.Reply{Status: 204, Delay: 20 * time.Millisecond},
	))
	require.Equal(t, 503, post(t, receiver, row(1, "1")))
	begin := time.Now()
	require.Equal(t, 204, post(t, receiver, row(1, "1")))
	require.GreaterOrEqual(t, time.Since(begin), 20*time.Millisecond)
	require.Equal(t, 204, post(t, receiver, row(1, "1")))
	receiver.Behave(callbacktest.Always(410))
	require.Equal(t, 410, post(t, receiver, row(1, "1")))
}

func TestHangLastsUntilTheCallerGivesUp(t *testing.T) {
	t.Parallel()
	receiver := callbacktest.New(t, callbacktest.HangRate(1, 1, nil))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := send(ctx, receiver, row(1, "1"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, 1, receiver.Count())
}

func TestFailRateIsTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	statuses := func(seed uint64) (statuses []int) {
		behavior := callbacktest.FailRate(seed, 0.3, 500, callbacktest.Always(200))
		for n := range 1000 {
			statuses = append(statuses, behavior(n+1, callbacktest.Body{}).Status)
		}
		return statuses
	}
	first, again, other := statuses(7), statuses(7), statuses(8)
	require.Equal(t, first, again)
	require.NotEqual(t, first, other)
	failed := 0
	for _, status := range first {
		if status == 500 {
			failed++
		}
	}
	require.InDelta(t, 300, failed, 60)
}

func TestRepairSeesTheRowAndFailsWithIt(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var repaired []string
	receiver := callbacktest.New(t, callbacktest.Repair(func(body callbacktest.Body) error {
		mu.Lock()
		defer mu.Unlock()
		if body.Value("id") == "13" {
			return errors.New("no luck")
		}
		repaired = append(repaired, body.Value("id"))
		return nil
	}))
	require.Equal(t, 200, post(t, receiver, row(1, "12")))
	require.Equal(t, 500, post(t, receiver, row(1, "13")))
	require.Equal(t, []string{"12"}, repaired)
}

func row(kind int, id string) string {
	return `{"type":` + string(rune('0'+kind)) + `,"srcColumn":{"id":"` + id + `"}}`
}

func post(t *testing.T, receiver *callbacktest.Receiver, body string) int {
	t.Helper()
	status, err := send(t.Context(), receiver, body)
	require.NoError(t, err)
	return status
}

func send(ctx context.Context, receiver *callbacktest.Receiver, body string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, receiver.URL+"/callback?x=1", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Cupid-Test", "yes")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}
