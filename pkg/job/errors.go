package job

import (
	"errors"
	"fmt"
)

// What the loops act on when a step of the queue is refused. In each case nothing was changed.
var (
	// ErrLost says that the lease or the lock belongs to somebody else by now.
	ErrLost = errors.New("no longer held")
	// ErrPaused says that an operator holds the job.
	ErrPaused = errors.New("paused by an operator")
	// ErrUnreadable says that a database answers, but does not give these rows:
	// the statement ran into its time limit, or the server refused a value.
	ErrUnreadable = errors.New("the database answers, but cannot give these rows")
	// ErrPortion says that the queue does not know the last portion that was put: it was lost in a failover.
	ErrPortion = errors.New("a portion of the differences was lost")
)

// DownError says that something which a process needs does not answer, or takes
// nothing at the moment. It is waited for.
type DownError struct {
	Thing string // what and where: "redis 127.0.0.1:6379", "database 127.0.0.1:3306"; never a secret
	Err   error
}

func (e *DownError) Error() string { return e.Err.Error() }

func (e *DownError) Unwrap() error { return e.Err }

// LimitError says that a high-water mark was met; nothing was changed.
type LimitError struct {
	What string // "ranges", "callbacks" or LimitMemory
	Have int    // so many of them; of memory, in percent
}

// LimitMemory is the What of a queue whose store is nearly full.
const LimitMemory = "memory"

func (e *LimitError) Error() string {
	if e.What == LimitMemory {
		return fmt.Sprintf("%d %% of Redis' maxmemory is used: at the limit", e.Have)
	}
	return fmt.Sprintf("%d %s are waiting: at the limit", e.Have, e.What)
}

// CursorError says that the cursor is not what the caller had read; nothing was changed.
type CursorError struct{ Found string }

func (e *CursorError) Error() string { return "the scan cursor was moved to " + e.Found }

// SpecError says that a job is known to the fleet as something else.
type SpecError struct {
	Job, Field  string // Field is "identity" (source and scan key) or "details" (columns, destinations)
	Mine, Found string
}

func (e *SpecError) Error() string {
	if e.Field == "identity" {
		return fmt.Sprintf("job %s: this Redis knows it with another source or scan key: found %s, this config says %s; give the job another name, or, if the table has really moved, remove the old note with redis-cli: HDEL <prefix>{%s}:spec identity", e.Job, e.Found, e.Mine, e.Job)
	}
	return fmt.Sprintf("job %s: the scheduler that leads it has other columns or destinations: give all processes the same config", e.Job)
}
