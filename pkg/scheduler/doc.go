// Package scheduler claims ranges of a job while it leads: the insert scan, the
// update scan and their late passes.
package scheduler
