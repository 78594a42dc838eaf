package callback_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/masixun71/cupid-go/pkg/callback"
	"github.com/masixun71/cupid-go/pkg/job"
)

func ExampleEndpoint_Send() {
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(string(body))
	}))
	defer receiver.Close()

	endpoint, err := callback.New(job.Callback{URL: receiver.URL + "/test/callback"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer endpoint.Close()
	answer := endpoint.Send(context.Background(), job.Delivery{
		Job:         "db.user",
		Destination: "db2.user",
		WebhookID:   "msg_5Zp1",
		Attempt:     1,
		Type:        job.Missing,
		Columns:     []string{"id", "name", "avatar"},
		Values:      [][]byte{[]byte("7"), []byte("x"), nil},
	})
	fmt.Println(answer.Outcome, answer.Code)
	// Output:
	// {"type":1,"srcColumn":{"id":"7","name":"x","avatar":null}}
	// delivered http_200
}
