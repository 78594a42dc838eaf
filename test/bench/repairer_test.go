//go:build bench

package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/mysqltest"
)

// shop is the table of every delivery, but for its name.
const shop = "CREATE TABLE %s (id BIGINT UNSIGNED PRIMARY KEY, number VARCHAR(32) NOT NULL UNIQUE, name VARCHAR(64) NOT NULL)"

// repairer is a receiver that repairs in batches, and answers after a while.
type repairer struct {
	*httptest.Server
	far   *mysqltest.Database
	table string
	takes time.Duration
	rows  chan [3]string
	done  sync.WaitGroup

	mu    sync.Mutex
	well  chan struct{} // closed unless it hangs
	came  []time.Time
	first map[string]time.Time // when each name came; nil when nobody asks
}

func newRepairer(t *testing.T, far *mysqltest.Database, table string, takes time.Duration) *repairer {
	t.Helper()
	r := &repairer{far: far, table: table, takes: takes, rows: make(chan [3]string, 10_000), well: make(chan struct{})}
	close(r.well)
	r.Server = httptest.NewServer(r)
	r.done.Go(func() { r.repair(t) })
	t.Cleanup(func() {
		r.Close()
		close(r.rows)
		r.done.Wait()
	})
	return r
}

func (r *repairer) ServeHTTP(_ http.ResponseWriter, incoming *http.Request) {
	var body struct {
		SrcColumn struct{ ID, Number, Name string } `json:"srcColumn"`
	}
	if json.NewDecoder(incoming.Body).Decode(&body) != nil {
		return
	}
	row := body.SrcColumn
	select {
	case <-r.noted(row.Name):
	case <-incoming.Context().Done():
		return
	}
	if r.takes > 0 {
		time.Sleep(r.takes)
	}
	r.rows <- [3]string{row.ID, row.Number, row.Name}
}

// noted takes the time of a POST, and gives what it has to wait for.
func (r *repairer) noted(name string) (well <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.came = append(r.came, now)
	if _, again := r.first[name]; !again && r.first != nil {
		r.first[name] = now
	}
	return r.well
}

// hang answers nobody until recover.
func (r *repairer) hang() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.well = make(chan struct{})
}

// recover answers again, also those that still wait.
func (r *repairer) recover() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.well)
}

// arrivals are the times of all POSTs so far.
func (r *repairer) arrivals() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.came[:len(r.came):len(r.came)]
}

func (r *repairer) posts() int { return len(r.arrivals()) }

// forget begins to count anew.
func (r *repairer) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.came = nil
}

// repair writes what came, up to 500 rows at once.
func (r *repairer) repair(t *testing.T) {
	for row := range r.rows {
		values := []string{value(row)}
		for more := true; more && len(values) < 500; {
			select {
			case next, open := <-r.rows:
				if more = open; open {
					values = append(values, value(next))
				}
			default:
				more = false
			}
		}
		statement := "REPLACE INTO " + r.table + " (id,number,name) VALUES " + strings.Join(values, ",")
		if _, err := r.far.DB.ExecContext(context.WithoutCancel(t.Context()), statement); err != nil {
			t.Error(err)
			return
		}
	}
}

func value(row [3]string) string { return fmt.Sprintf("(%s,'%s','%s')", row[0], row[1], row[2]) }

// most is the greatest number of times within one span.
func most(times []time.Time, span time.Duration) (n int) {
	first := 0
	for last, at := range times {
		for at.Sub(times[first]) >= span {
			first++
		}
		n = max(n, last-first+1)
	}
	return n
}

// rate is how many came a second, from the first to the last.
func rate(times []time.Time) float64 {
	if len(times) < 2 {
		return 0
	}
	return float64(len(times)-1) / times[len(times)-1].Sub(times[0]).Seconds()
}
