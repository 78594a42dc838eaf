package notify

import "github.com/masixun71/cupid-go/pkg/job"

var english = words{
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
		job.AlertBrake: {
			"callbacks are held, because %d %% of the compared rows differ",
			"If these are real losses, let them be sent: cupid resume JOB --destination NAME. If not, look at the DSN, the columns and the zone of the destination first.",
			"callbacks are no longer held",
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
}
