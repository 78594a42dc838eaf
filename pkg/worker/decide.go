package worker

import (
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// Counters of a job, by what became of a callback.
const (
	countClosedEqual      = "closed_equal"
	countClosedGone       = "closed_gone"
	countClosedUnverified = "closed_unverified"
	countHot              = "hot"
	countHotBound         = "hot_bound"
	countNoEffect         = "no_effect"
	countSeveral          = "parked_several"
	countGone             = "parked_gone"
	countDelivered        = "delivered"
	countFailed           = "failed"
	countUnknown          = "unanswered"
)

// reading is what both sides showed of one callback's row.
type reading struct {
	gone    bool         // the source row is not there any more
	several bool         // either side has several rows for the key
	verdict diff.Verdict // otherwise
	hash    string       // of the compared source columns
	details              // for the body
}

// rules are the waits of one job and destination.
type rules struct {
	confirm, hotBound time.Duration
	callback          job.Callback
}

// decision is what to do after a reading: settle, or send.
type decision struct {
	settle *job.Settlement // nil: send
	next   job.LeasedCallback
}

// decide is the one rule behind confirm, retry and verify: a due callback is
// closed when both sides are equal, waits while the source row is changing,
// and is sent otherwise.
func decide(c job.LeasedCallback, r reading, rules rules) decision {
	switch {
	case r.gone:
		return settled(c, job.Closed, 0, countClosedGone)
	case r.several:
		c.Error, c.Trouble = "several_rows", job.AlertSeveral
		return settled(c, job.Parked, 0, countSeveral)
	case r.verdict == diff.Equal && c.Doubt:
		// An older body may still land: equal now is not yet equal for good.
		c.Doubt, c.Trouble = false, ""
		return settled(c, job.Verify, rules.callback.VerifyDelay, "")
	case r.verdict == diff.Equal:
		return settled(c, job.Closed, 0, countClosedEqual)
	}
	c.Type = typeOf(r.verdict)
	changed := c.SourceHash != "" && c.SourceHash != r.hash
	c.SourceHash = r.hash
	if changed {
		return hot(c, rules)
	}
	c.HotSince = time.Time{}
	if c.Phase == job.Verify && c.Posted {
		c.Error, c.Trouble = "no_effect", job.AlertNoEffect
		return settled(renewed(c), job.Slow, jitter(rules.callback.SlowRetry), countNoEffect)
	}
	return decision{next: c}
}

// hot waits for a source row that changed since the last look: the destination
// may simply be one version behind. Beyond the bound it is called all the same.
func hot(c job.LeasedCallback, rules rules) decision {
	if c.HotSince.IsZero() {
		c.HotSince = c.LeasedAt
	}
	if c.Posted {
		c = renewed(c)
	}
	if c.LeasedAt.Sub(c.HotSince) < rules.hotBound {
		return settled(c, job.Confirm, rules.confirm, countHot)
	}
	return decision{next: c} // still with HotSince, by which answered knows why
}

// sendable decides once more over the row that would be sent, which was read
// after the one that was compared.
func sendable(c job.LeasedCallback, hash string, rules rules) decision {
	if c.SourceHash == hash {
		return decision{next: c}
	}
	c.SourceHash = hash
	return hot(c, rules)
}

// renewed is a callback whose last POST was answered with a yes but has to be
// repeated: a receiver that knows the old webhook id would swallow the repeat.
func renewed(c job.LeasedCallback) job.LeasedCallback {
	c.Posted = false
	c.Attempts = 0
	c.WebhookID = job.NewWebhookID()
	return c
}

// fastRetries is after how many failures a callback leaves the fast queue.
const fastRetries = 3

// answered says what becomes of a callback that was sent.
func answered(c job.LeasedCallback, a job.Answer, rules rules) decision {
	bound := !c.HotSince.IsZero()
	c.HotSince = time.Time{}
	d := outcome(c, a, rules)
	if bound {
		d.settle.Counters = strings.TrimSpace(d.settle.Counters + " " + countHotBound)
	}
	return d
}

func outcome(c job.LeasedCallback, a job.Answer, rules rules) decision {
	c.Status = statusText(a.Status)
	switch a.Outcome {
	case job.Delivered:
		c.Attempts, c.Error, c.Posted = 0, "", true
		if c.Trouble != job.AlertNoEffect { // which only a reading ends: the receiver said yes before
			c.Trouble = ""
		}
		if !rules.callback.Verify {
			return settled(c, job.Closed, 0, countDelivered+" "+countClosedUnverified)
		}
		return settled(c, job.Verify, rules.callback.VerifyDelay, countDelivered)
	case job.Gone:
		c.Error, c.Trouble = a.Code, job.AlertParked
		return settled(c, job.Parked, 0, countGone)
	}
	counter := countFailed
	if a.Outcome == job.Unknown {
		c.Doubt = true
		counter = countUnknown
	}
	c.Posted = false
	if a.Code == stoppedCode {
		return settled(c, job.Released, 0, "")
	}
	c.Error = a.Code
	c.Attempts++
	if c.Attempts <= fastRetries {
		if c.Trouble == job.AlertParked || c.Trouble == job.AlertSeveral {
			c.Trouble = "" // a person brought it back
		}
		return settled(c, job.Retry, delayed(rules.callback.Retry, a.RetryAfter), counter)
	}
	c.Trouble = job.AlertSlow
	return settled(c, job.Slow, delayed(rules.callback.SlowRetry, a.RetryAfter), counter)
}

// repaired reports whether a callback that was answered with a yes is done,
// going by what is read right after: the rows are equal, and the source's is the
// one that was sent. Where it is newer, or an older body is still on its way,
// equal now is not yet equal for good, and verifyDelay has to pass.
func repaired(c job.LeasedCallback, r reading) bool {
	return !r.gone && !r.several && r.verdict == diff.Equal && r.hash == c.SourceHash && !c.Doubt
}

// stoppedCode is the code of a POST that this process cut off because it stops.
const stoppedCode = "stopped"

// longestRetryAfter bounds what a receiver may ask for.
const longestRetryAfter = time.Hour

// delayed is the wait before the next attempt: the receiver may ask for more, within a bound.
func delayed(own, asked time.Duration) time.Duration {
	return max(jitter(own), min(asked, longestRetryAfter))
}

// putOff waits a moment with a callback that could not be worked on, through no
// fault of its receiver: no attempt is counted.
func putOff(c job.LeasedCallback) decision {
	const pause = 2 * time.Second
	to := c.Phase
	if to != job.Confirm && to != job.Verify && to != job.Slow {
		to = job.Retry
	}
	return settled(c, to, jitter(pause), "")
}

// unreadable waits among the slow ones: no attempt is counted, and people are told.
func unreadable(c job.LeasedCallback, rules rules) decision {
	c.Error, c.Trouble = "unreadable", job.AlertSlow
	return settled(c, job.Slow, jitter(rules.callback.SlowRetry), "")
}

func settled(c job.LeasedCallback, to job.Phase, delay time.Duration, counters string) decision {
	return decision{settle: &job.Settlement{Callback: c, To: to, Delay: delay, Counters: counters}}
}
