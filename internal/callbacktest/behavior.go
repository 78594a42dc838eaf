package callbacktest

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Always answers with one status.
func Always(status int) Behavior {
	return func(int, Body) Reply { return Reply{Status: status} }
}

// Script gives the replies in order, then the last one for ever.
func Script(replies ...Reply) Behavior {
	return func(n int, _ Body) Reply { return replies[min(n, len(replies))-1] }
}

// Repair puts each row right and answers 200, or 500 when it cannot: the
// receiver that users are to write.
func Repair(repair func(Body) error) Behavior {
	return func(_ int, body Body) Reply {
		if err := repair(body); err != nil {
			return Reply{Status: http.StatusInternalServerError, Body: err.Error()}
		}
		return Reply{}
	}
}

// RepairLater answers 200 and puts the row right after a while, as receivers do
// that work from a queue of their own.
func RepairLater(after time.Duration, repair func(Body) error) Behavior {
	return func(_ int, body Body) Reply {
		time.AfterFunc(after, func() { _ = repair(body) })
		return Reply{}
	}
}

// FailRate answers status to a share of the requests, chosen by seed; the
// others go to next.
func FailRate(seed uint64, share float64, status int, next Behavior) Behavior {
	return sometimes(seed, share, Always(status), next)
}

// HangRate hangs on a share of the requests, chosen by seed; the others go to next.
func HangRate(seed uint64, share float64, next Behavior) Behavior {
	return sometimes(seed, share, func(int, Body) Reply { return Reply{Hang: true} }, next)
}

func sometimes(seed uint64, share float64, this, next Behavior) Behavior {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	return func(n int, body Body) Reply {
		mu.Lock()
		hit := random.Float64() < share
		mu.Unlock()
		if hit {
			return this(n, body)
		}
		return next(n, body)
	}
}
