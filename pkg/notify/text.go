package notify

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Language is that of the messages. The log is in English.
type Language string

// The languages.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// sentence says what happened to n things, what there is to do, and what is so when it is over.
type sentence struct{ what, do, over string }

// words are all that messages are made of.
type words struct {
	alerts         map[job.AlertKind]sentence
	other          string // a kind that has no sentence: its name and count
	again, over    string
	lasted         string // of people's knowledge of it
	lastError      string
	colon          string
	test, testBody string
}

var languages = map[Language]words{English: english, Chinese: chinese}

func (l Language) words() words { return languages[cmp.Or(l, English)] }

// message tells of an alert.
func (l Language) message(t job.Telling) message {
	return message{title: l.title(t), body: l.body(t)}
}

// Say is one line of what happened, and where.
func (l Language) Say(t job.Telling) string { return strings.TrimPrefix(l.title(t), "cupid ") }

// title is one line that names the place and what happened.
func (l Language) title(t job.Telling) string {
	w := l.words()
	s, known := w.alerts[t.Kind]
	what := fmt.Sprintf(w.other, t.Kind, t.Count)
	if known {
		what = counted(s.what, t.Count)
	}
	switch t.News {
	case job.NewsAgain:
		what = fmt.Sprintf(w.again, lasting(t.For)) + what
	case job.NewsOver:
		what = w.over + cmp.Or(s.over, string(t.Kind))
	case job.NewsOn:
	}
	return "cupid " + place(t.Alert) + w.colon + what
}

// body is the last error and what there is to do.
func (l Language) body(t job.Telling) string {
	w := l.words()
	if t.News == job.NewsOver {
		return fmt.Sprintf(w.lasted, lasting(t.For))
	}
	var lines []string
	if t.Code != "" {
		lines = append(lines, w.lastError+w.colon+t.Code)
	}
	if s, ok := w.alerts[t.Kind]; ok {
		lines = append(lines, s.do)
	}
	return strings.Join(lines, "\n\n")
}

// counted puts a number where a sentence has a place for it.
func counted(sentence string, n int) string {
	if !strings.Contains(sentence, "%d") {
		return sentence
	}
	return fmt.Sprintf(sentence, n)
}

// lasting is a duration as people say it: 25s, 12m, 3h5m.
func lasting(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second).String()
	}
	minutes := strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	if strings.HasSuffix(minutes, "h0m") {
		return strings.TrimSuffix(minutes, "0m")
	}
	return minutes
}

// place is what an alert is about: a job, its destination, a receiver, or Redis.
func place(a job.Alert) string {
	switch {
	case a.Job == "":
		return cmp.Or(a.Destination, "Redis")
	case a.Destination == "":
		return a.Job
	default:
		return a.Job + " -> " + a.Destination
	}
}
