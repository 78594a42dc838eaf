// What the page says, in two languages. The troubles' English comes with them.

const languages = { en: "English", zh: "中文" };
let language = localStorage.getItem("cupid-language") || (navigator.language.startsWith("zh") ? "zh" : "en");
if (!languages[language]) language = "en";

export const lang = () => language;
export const otherLanguage = () => (language === "en" ? "zh" : "en");
export const languageName = (l) => languages[l];
export function setLanguage(l) {
  language = l;
  localStorage.setItem("cupid-language", l);
}

const words = {
  "skip": ["Skip to the content", "跳到正文"],
  "overview": ["Overview", "总览"],
  "callbacks": ["Callbacks", "回调"],
  "workers": ["Processes", "进程"],
  "endpoints": ["Receivers", "接收方"],
  "events": ["Events", "事件"],
  "jobs": ["Jobs", "任务"],
  "job": ["Job", "任务"],
  "live": ["live", "实时"],
  "not-live": ["no news for {n} s", "{n} 秒没有消息"],
  "unreachable": ["This process does not answer.", "本进程没有响应。"],
  "connecting": ["connecting …", "连接中……"],
  "you": ["Your name", "你的名字"],
  "you-why": ["for the events", "记入事件"],
  "token": ["Token", "令牌"],
  "login": ["Log in", "登录"],
  "logout": ["Log out", "退出"],
  "login-why": ["The token is http.token in the config of this process.", "令牌就是本进程配置中的 http.token。"],
  "no-job": ["No job is known yet: a scheduler makes it known when it has read its tables.", "还没有任务：scheduler 读到表之后就会出现。"],
  "all-well": ["All is well", "一切正常"],
  "all-well-more": ["No receiver is down, nothing waits for you.", "没有接收方故障，也没有事情等你处理。"],
  "more-troubles": ["{n} more", "还有 {n} 条"],
  "fewer": ["Fewer", "收起"],
  "rows-rate": ["Rows compared", "比对行数"],
  "calls-rate": ["Callbacks delivered", "回调送达"],
  "open": ["Open callbacks", "未关闭的回调"],
  "slow": ["slow", "慢队列"],
  "parked": ["parked", "已搁置"],
  "opened": ["open", "未关闭"],
  "waiting-ranges": ["Ranges that wait", "等待的区间"],
  "lag-time": ["Update scan behind", "更新扫描落后"],
  "lag-ids": ["Insert scan behind", "新增扫描落后"],
  "per-second": ["/s", "/秒"],
  "ids": ["ids", "个 id"],
  "highest": ["at most {n}", "最高 {n}"],
  "hour-ago": ["1 h ago", "1 小时前"],
  "now": ["now", "现在"],
  "soon": ["Charts begin when cupid has been seen twice.", "看到两次数据后开始画图。"],
  "running": ["running", "运行中"],
  "paused": ["paused", "已暂停"],
  "retired": ["retired", "已退役"],
  "retired-why": ["No scheduler has it in its config; cupid jobs rm forgets it.", "没有调度器的配置包含它；用 cupid jobs rm 删除。"],
  "no-leader": ["no leader", "无主"],
  "source": ["Source", "源"],
  "leader": ["Leader", "主调度"],
  "destinations": ["Destinations", "目的"],
  "state": ["State", "状态"],
  "behind": ["Behind", "落后"],
  "up-to-date": ["up to date", "已跟上"],
  "pause": ["Pause", "暂停"],
  "resume": ["Resume", "继续"],
  "quiet": ["Quiet", "停止取活"],
  "quiet-now": ["quiet", "已停止取活"],
  "quiet-what": ["It finishes what it leased and fetches nothing more, until somebody resumes it or it ends. Others go on.", "做完手上的就不再取新的，直到有人继续或进程结束；其他进程照常。"],
  "loud-what": ["It fetches again.", "重新开始取活。"],
  "rescan": ["Compare again", "重新比对"],
  "queues": ["Queues of callbacks", "回调队列"],
  "ranges": ["Ranges", "区间"],
  "cursors": ["How far the scans are", "扫描进度"],
  "counters": ["Counters", "计数"],
  "last-events": ["Last events", "最近事件"],
  "oldest": ["the first is {n} old", "最早的已有 {n}"],
  "next-due": ["due {n}", "{n}到期"],
  "overdue": ["overdue by {n}", "已过期 {n}"],
  "queue": ["Queue", "队列"],
  "destination": ["Destination", "目的"],
  "all": ["all", "全部"],
  "show": ["Show", "查看"],
  "find": ["Show", "查询"],
  "how-many": ["{n} in this queue", "本队列共 {n} 条"],
  "page": ["{from} to {to}", "第 {from} 到 {to} 条"],
  "next": ["Next", "下一页"],
  "first-page": ["First", "第一页"],
  "rows-per-page": ["per page", "每页"],
  "nothing": ["Nothing is here.", "这里没有。"],
  "nothing-on-page": ["Nothing of this destination is on this page; go on to the next.", "本页没有该目的的回调，请看下一页。"],
  "select-page": ["Select all on this page", "选中本页"],
  "selected": ["{n} selected", "选中 {n} 条"],
  "all-matching": ["all {n} matching", "全部匹配的 {n} 条"],
  "all-matching-some": ["all of {destination} in this queue", "本队列中 {destination} 的全部"],
  "apply-to": ["Apply to", "作用于"],
  "retry": ["Retry now", "立即重试"],
  "park": ["Park", "搁置"],
  "unpark": ["Unpark", "取消搁置"],
  "drop": ["Drop", "丢弃"],
  "retry-what": ["They become due now, with all fast retries before them.", "立即到期，快速重试次数重新计。"],
  "park-what": ["They are not sent until somebody unparks them.", "在有人取消搁置之前不再发送。"],
  "unpark-what": ["They become due now.", "立即到期。"],
  "drop-what": ["They are forgotten until a comparison meets their difference again.", "从队列中删除，直到下次比对再发现这个差异。"],
  "pause-what": ["Nothing of this job is claimed, compared or sent, by no process. What is in work is finished.", "所有进程都不再认领、比对、发送这个任务；正在做的会做完。"],
  "resume-what": ["The job goes on where it was.", "任务从原处继续。"],
  "resume-destination": ["The callbacks that wait are sent, after each row is read again. For an hour the brake holds none of them.", "等待中的回调逐条重新核对后发送；一小时内制动不再拦截。"],
  "rescan-what": ["Rows that were scanned before are looked at again. The scans stay where they are.", "已扫描过的行会再比对一遍；扫描进度不变。"],
  "reason": ["Reason", "原因"],
  "reason-why": ["for those who look at the events later", "给以后看事件的人"],
  "from-key": ["From key", "起始键"],
  "to-key": ["To key", "结束键"],
  "no-bound": ["empty: no bound", "留空：不限"],
  "for-time": ["For", "时长"],
  "until-resumed": ["until somebody resumes it", "直到有人继续"],
  "cancel": ["Cancel", "取消"],
  "stop": ["Stop", "停止"],
  "close": ["Close", "关闭"],
  "doing": ["{n} done, {left} to look at", "已完成 {n}，还剩 {left}"],
  "said-done": ["{n} done", "完成 {n} 条"],
  "said-due": ["{n} are due already", "{n} 条本来就已到期"],
  "said-leased": ["{n} are in work", "{n} 条正在处理"],
  "said-held": ["{n} are parked: unpark them first", "{n} 条已搁置：请先取消搁置"],
  "said-gone": ["{n} are closed", "{n} 条已关闭"],
  "said-nothing": ["Nothing was there to do.", "没有可做的。"],
  "said-rescan": ["It has begun; the events say when it is done.", "已开始；完成后会有事件。"],
  "id": ["Callback", "回调"],
  "type": ["Type", "类型"],
  "missing": ["missing", "缺失"],
  "different": ["different", "不同"],
  "extra": ["extra", "多余"],
  "attempts": ["Attempts", "次数"],
  "first-seen": ["First seen", "首次发现"],
  "due": ["Due", "到期"],
  "since": ["Since", "自"],
  "last": ["Last", "最近结果"],
  "held-by": ["by {who}", "由 {who}"],
  "row": ["Row", "数据行"],
  "rows-not-shown": ["This process shows no rows: http.rows is false in its config. cupid row shows them on a terminal.", "本进程不显示数据行：配置中 http.rows 为 false。可在终端用 cupid row 查看。"],
  "scan-key": ["Scan key", "扫描键"],
  "compare": ["Compare", "比对"],
  "column": ["Column", "列"],
  "differs": ["differs", "不同"],
  "overlooked": ["differs, and an option of the column holds it for equal", "不同，但该列的选项视为相同"],
  "bytes": ["bytes that are no text", "不是文本的字节"],
  "row-unknown": ["The source has no row with this key, so nobody can tell which row of the destination belonged to it.", "源没有这个键的行，无法知道目的的哪一行属于它。"],
  "v-equal": ["equal", "相同"],
  "v-missing": ["missing at the destination", "目的缺失"],
  "v-different": ["different", "不同"],
  "v-respelled": ["its key is spelled otherwise", "键的写法不同"],
  "v-extra": ["missing at the source", "源缺失"],
  "v-several": ["several rows share the key", "多行共用该键"],
  "v-absent": ["on no side", "两边都没有"],
  "range": ["Range", "区间"],
  "role": ["Role", "角色"],
  "process": ["Process", "进程"],
  "version": ["Version", "版本"],
  "address": ["Address", "地址"],
  "busy": ["In work", "处理中"],
  "memory": ["Memory", "内存"],
  "started": ["Started", "启动"],
  "beat": ["Last beat", "最近心跳"],
  "silent": ["silent", "失联"],
  "no-process": ["No process runs. Start one: worker -c FILE", "没有进程在运行。请启动：worker -c FILE"],
  "receiver": ["Receiver", "接收方"],
  "failures": ["Failures in a row", "连续失败"],
  "in-flight": ["In flight", "发送中"],
  "code": ["Last failure", "最近失败"],
  "tried-next": ["Tried next", "下次尝试"],
  "closed": ["well", "正常"],
  "half_open": ["down, being tried", "故障，尝试中"],
  "down": ["down", "故障"],
  "resting": ["asked to be left alone", "要求暂缓"],
  "when": ["When", "时间"],
  "who": ["Who", "谁"],
  "what": ["What", "做了什么"],
  "kind": ["Kind", "种类"],
  "redis-memory": ["Redis memory", "Redis 内存"],
  "q-due": ["waits for a worker", "等待 worker"],
  "q-leased": ["a worker has it", "worker 正在处理"],
  "q-confirm": ["is read again before it is sent", "发送前再读一次"],
  "q-verify": ["was answered with 2xx, is read again", "已返回 2xx，等待复核"],
  "q-retry": ["failed, is tried again soon", "失败，很快重试"],
  "q-slow": ["failed four times, is tried every ten minutes", "已失败四次，每十分钟重试"],
  "q-parked": ["waits for you", "等你处理"],
  "r-waiting": ["waits for a worker", "等待 worker"],
  "r-leased": ["is compared", "正在比对"],
  "r-retry": ["failed, is tried again", "失败，将重试"],
  "r-parked": ["was set aside, no run finishes it", "已放一边：总是做不完"],
  "b-show-callbacks": ["Show its callbacks", "查看它的回调"],
  "b-show-slow": ["Show them", "查看"],
  "b-retry-all": ["Retry all {n} now", "全部 {n} 条立即重试"],
  "b-unpark-all": ["Unpark all {n}", "全部 {n} 条取消搁置"],
  "b-job": ["Show the job", "查看任务"],
  "b-workers": ["Show the processes", "查看进程"],
  "b-fill": ["Show what fills it", "查看占用"],
  "b-reload": ["Try again", "再试"],
  "t-redis_down": ["", "Redis 没有响应，什么都不比对、不回调：{detail}"],
  "t-redis_full": ["", "Redis 内存已用 {count} %（到 85 % 就停止比对）。请加内存，或处理积压的回调。"],
  "t-no_workers": ["", "没有 worker 在运行：什么都不比对，也没有回调。请启动：worker -c FILE"],
  "t-receiver_down": ["", "接收方 {endpoint} 自 {since} 起故障（{detail}）。请修复它：有 {count} 条回调未关闭，恢复后会自动发送，每半分钟试一次。"],
  "t-no_leader": ["", "{count} 个任务（{detail}）没有主调度：新数据不会被检查。"],
  "t-nothing_compared": ["", "任务 {job} 一分钟内没有比对，却有 {count} 个区间在等待。"],
  "t-too_many_open": ["", "任务 {job} 有 {count} 条回调未关闭，已到上限：停止比对。"],
  "t-not_ready": ["", "回答本页的进程未就绪：{detail}"],
  "t-quiet": ["", "进程不再取新的工作，{detail}"],
  "t-paused": ["", "任务 {job} 已暂停：{detail}"],
  "t-held": ["", "{destination}（{job}）的回调已暂停，暂时不通知任何人：{detail}"],
  "t-slow_callbacks": ["", "任务 {job} 有 {count} 条回调多次失败，每十分钟重试。"],
  "t-stalled_ranges": ["", "任务 {job} 有 {count} 个区间总是做不完，已放一边。"],
  "t-far_behind": ["", "任务 {job} 检查变更晚了 {duration}。"],
  "t-no_effect": ["", "{destination}（{job}）的接收方返回成功，但数据仍不一致：请检查它做了什么。"],
  "t-several_rows": ["", "任务 {job} 有多行对应 {destination} 的同一行：请只留一行，再取消搁置。"],
  "t-config_refused": ["", "有进程没有完全按它的配置工作，进程 {detail}"],
  "t-alerts_unsent": ["", "告警发不出去，进程 {detail}"],
  "answered": ["answered by {process}, version {version}", "由 {process} 回答，版本 {version}"],
  "t-parked_callbacks": ["", "任务 {job} 有 {count} 条回调已搁置，等你处理。"],
};

export function t(key, values = {}) {
  const pair = words[key];
  const text = pair ? pair[language === "zh" ? 1 : 0] : key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export const has = (key) => key in words;

// trouble is the sentence of a trouble.
export function trouble(x) {
  if (language === "en" || !has("t-" + x.kind)) return x.text;
  return t("t-" + x.kind, { ...x, count: number(x.count || 0), since: x.since ? moment(x.since) : "", detail: x.detail || "无应答", duration: seconds(x.count || 0) });
}

// A formatter takes longer to make than a row of a table to show.
const made = new Map();
function format(Kind, options) {
  const key = language + Kind.name + JSON.stringify(options);
  if (!made.has(key)) made.set(key, new Kind(language, options));
  return made.get(key);
}

export const number = (n) => format(Intl.NumberFormat, { maximumFractionDigits: n < 10 ? 1 : 0 }).format(n);
export const short = (n) =>
  format(Intl.NumberFormat, { notation: n < 10000 ? "standard" : "compact", maximumFractionDigits: n < 10 || n >= 10000 ? 1 : 0 }).format(n);

export const moment = (time) => format(Intl.DateTimeFormat, { dateStyle: "short", timeStyle: "medium" }).format(new Date(time));

const steps = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const stepOf = (s) => steps.find(([, size]) => Math.abs(s) >= size) || steps[3];

// ago is how far a time lies from now, in words.
export function ago(time, now = Date.now()) {
  const s = (new Date(time).getTime() - now) / 1000;
  const [unit, size] = stepOf(s);
  return format(Intl.RelativeTimeFormat, { numeric: "auto", style: "short" }).format(Math.round(s / size), unit);
}

// seconds is a length of time in words.
export function seconds(n) {
  const [unit, size] = stepOf(n);
  return format(Intl.NumberFormat, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: unit === "second" ? 0 : 1 }).format(n / size);
}
