package notify

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Language is that of the messages. The log is in English.
type Language string

// The languages.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// sentence says what happened to n things, and what there is to do.
type sentence struct{ what, do string }

// words are all that messages are made of.
type words struct {
	alerts         map[job.AlertKind]sentence
	other          string // a kind that has no sentence: its name and count
	lastError      string
	colon          string
	test, testBody string
}

var languages = map[Language]words{
	English: {
		alerts: map[job.AlertKind]sentence{
			job.AlertSlow:      {"%d callback(s) failed on every fast retry and wait in the slow queue", "They are retried until they succeed. Look at the receiver."},
			job.AlertNoEffect:  {"%d callback(s) were answered with success, but the rows are still not equal", "Look at what the receiver does with the callback."},
			job.AlertParked:    {"%d callback(s) are parked and will not be sent", "The receiver answered 410 Gone."},
			job.AlertSeveral:   {"%d key(s) have several rows", "They are parked: one row for each key is wanted on both sides."},
			job.AlertStalled:   {"%d range(s) that no run finishes were set aside", "They are tried again now and then. Look at the log of the workers for what happens to them."},
			job.AlertBreaker:   {"the receiver fails all the time and is left alone for a while", "It is tried now and then, and called again as soon as it answers. Look at the receiver."},
			job.AlertBacklog:   {"the backlog has reached its limit (%d open)", "No new rows are compared until it falls. Look at the receiver."},
			job.AlertMemory:    {"%d %% of Redis' maxmemory is used", "Nothing new is claimed or compared until it falls; callbacks are delivered. Give Redis more memory, or look at the receiver."},
			job.AlertForgotten: {"Redis came back without its data, and the job began again", "Nothing is to be done for rows that are scanned again. Open callbacks of others are forgotten: look at them with cupid rescan, or by cupid check."},
		},
		other: "%s: %d", lastError: "Last error", colon: ": ",
		test: "cupid: a test", testBody: `"cupid notify test" on %s sent this message. Nothing is wrong.`,
	},
	Chinese: {
		alerts: map[job.AlertKind]sentence{
			job.AlertSlow:      {"%d 个回调快速重试全部失败，已进入慢队列", "会一直重试到成功为止。请检查接收方。"},
			job.AlertNoEffect:  {"%d 个回调返回了成功，但两边数据仍然不一致", "请检查接收方收到回调之后做了什么。"},
			job.AlertParked:    {"%d 个回调已搁置，不再发送", "接收方返回了 410 Gone。"},
			job.AlertSeveral:   {"%d 个键对应多行数据", "已搁置：两边每个键都应当只有一行。"},
			job.AlertStalled:   {"%d 个区间始终跑不完，已放到一边", "之后会不时再试。原因请看 worker 的日志。"},
			job.AlertBreaker:   {"接收方一直失败，暂停调用一段时间", "会不时试探，恢复应答后立即继续调用。请检查接收方。"},
			job.AlertBacklog:   {"积压已到上限（%d 个未完成）", "降下来之前不再比对新的行。请检查接收方。"},
			job.AlertMemory:    {"Redis 已用掉 maxmemory 的 %d %%", "降下来之前不再领取和比对新的区间，回调照常投递。请给 Redis 加内存，或检查接收方。"},
			job.AlertForgotten: {"Redis 恢复后数据丢失，任务已重新开始", "会重新扫描到的行不用处理；其余行上未完成的回调已经丢失，请用 cupid rescan 或 cupid check 找回。"},
		},
		other: "%s：%d", lastError: "最近一次错误", colon: "：",
		test: "cupid：测试消息", testBody: "这条消息由 %s 上的 cupid notify test 发出，一切正常。",
	},
}

func (l Language) words() words { return languages[cmp.Or(l, English)] }

// message tells of an alert.
func (l Language) message(a job.Alert) message {
	return message{title: l.title(a), body: l.body(a)}
}

// title is one line that names the place and what happened.
func (l Language) title(a job.Alert) string {
	w := l.words()
	what := fmt.Sprintf(w.other, a.Kind, a.Count)
	if s, ok := w.alerts[a.Kind]; ok {
		what = counted(s.what, a.Count)
	}
	return "cupid " + place(a) + w.colon + what
}

// body is the last error and what there is to do.
func (l Language) body(a job.Alert) string {
	w := l.words()
	var lines []string
	if a.Code != "" {
		lines = append(lines, w.lastError+w.colon+a.Code)
	}
	if a.Detail != "" {
		lines = append(lines, a.Detail)
	}
	if s, ok := w.alerts[a.Kind]; ok {
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

func place(a job.Alert) string {
	if a.Destination == "" {
		return a.Job
	}
	return a.Job + " -> " + a.Destination
}
