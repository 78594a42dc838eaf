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

var languages = map[Language]words{
	English: {
		alerts: map[job.AlertKind]sentence{
			job.AlertSlow: {
				"%d callback(s) failed on every fast retry and wait in the slow queue",
				"They are retried until they succeed. Look at the receiver.",
				"no callback is slow any more",
			},
			job.AlertNoEffect: {
				"%d callback(s) were answered with success, but the rows are still not equal",
				"Look at what the receiver does with the callback.",
				"no callback is without effect any more",
			},
			job.AlertParked: {
				"%d callback(s) are parked and will not be sent",
				"The receiver answered 410 Gone.",
				"no callback is parked for an answer of 410 any more",
			},
			job.AlertSeveral: {
				"%d key(s) have several rows",
				"They are parked: one row for each key is wanted on both sides.",
				"no callback is parked for several rows any more",
			},
			job.AlertStalled: {
				"%d range(s) that no run finishes were set aside",
				"They are tried again now and then. Look at the log of the workers for what happens to them.",
				"the ranges that were set aside are done",
			},
			job.AlertBreaker: {
				"the receiver fails all the time and is left alone for a while",
				"It is tried now and then, and called again as soon as it answers. Look at the receiver.",
				"the receiver is called again",
			},
			job.AlertBacklog: {
				"the backlog has reached its limit (%d open)",
				"No new rows are compared until it falls. Look at the receiver.",
				"the backlog has fallen, rows are compared again",
			},
			job.AlertMemory: {
				"%d %% of its maxmemory is used",
				"Nothing new is claimed or compared until it falls; callbacks are delivered. Give Redis more memory, or look at the receivers.",
				"there is room again",
			},
			job.AlertForgotten: {
				"it came back without its data, and all jobs began again",
				"Rows that are scanned again need nothing. What the scans do not meet again is forgotten: open and parked callbacks below the start id, or of updates longer ago than updateScanSecond; holds; counters. cupid rescan and cupid check find such rows.",
				"",
			},
		},
		other: "%s: %d", again: "still, after %s: ", over: "over: ", lasted: "People knew of it for %s.",
		lastError: "Last error", colon: ": ",
		test: "cupid: a test", testBody: `"cupid notify test" on %s sent this message. Nothing is wrong.`,
	},
	Chinese: {
		alerts: map[job.AlertKind]sentence{
			job.AlertSlow: {
				"%d 个回调快速重试全部失败，已进入慢队列",
				"会一直重试到成功为止。请检查接收方。",
				"慢队列里已没有失败的回调",
			},
			job.AlertNoEffect: {
				"%d 个回调返回了成功，但两边数据仍然不一致",
				"请检查接收方收到回调之后做了什么。",
				"已没有“成功但无效”的回调",
			},
			job.AlertParked: {
				"%d 个回调已搁置，不再发送",
				"接收方返回了 410 Gone。",
				"已没有因 410 搁置的回调",
			},
			job.AlertSeveral: {
				"%d 个键对应多行数据",
				"已搁置：两边每个键都应当只有一行。",
				"已没有因多行数据搁置的回调",
			},
			job.AlertStalled: {
				"%d 个区间始终跑不完，已放到一边",
				"之后会不时再试。原因请看 worker 的日志。",
				"放到一边的区间都已跑完",
			},
			job.AlertBreaker: {
				"接收方一直失败，暂停调用一段时间",
				"会不时试探，恢复应答后立即继续调用。请检查接收方。",
				"接收方恢复应答，已继续调用",
			},
			job.AlertBacklog: {
				"积压已到上限（%d 个未完成）",
				"降下来之前不再比对新的行。请检查接收方。",
				"积压已降下来，继续比对",
			},
			job.AlertMemory: {
				"已用掉 maxmemory 的 %d %%",
				"降下来之前不再领取和比对新的区间，回调照常投递。请给 Redis 加内存，或检查接收方。",
				"内存已有余量",
			},
			job.AlertForgotten: {
				"恢复后数据丢失，所有任务已重新开始",
				"会重新扫描到的行不用处理。扫描不会再碰到的已经丢失：起始 id 以下、或更新时间早于 updateScanSecond 的行上未完成和搁置的回调，人工暂停，计数。请用 cupid rescan 或 cupid check 找回这些行。",
				"",
			},
		},
		other: "%s：%d", again: "已持续 %s，仍然是：", over: "已恢复：", lasted: "从告警到恢复共 %s。",
		lastError: "最近一次错误", colon: "：",
		test: "cupid：测试消息", testBody: "这条消息由 %s 上的 cupid notify test 发出，一切正常。",
	},
}

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
