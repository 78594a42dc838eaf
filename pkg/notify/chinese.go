package notify

import "github.com/masixun71/cupid-go/pkg/job"

var chinese = words{
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
		job.AlertBrake: {
			"%d %% 的已比对行不一致，回调已暂停",
			"如果确实丢了数据，放行：cupid resume 任务 --destination 目标名。否则请先检查目标的 DSN、列对应和时区。",
			"回调已放行",
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
}
