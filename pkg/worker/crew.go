package worker

import "time"

// crewRest is how long a goroutine of a crew waits for more to do.
const crewRest = time.Second

// crew does things on goroutines that stay for a while: each new one would have to
// grow its stack again for a POST.
type crew struct{ tasks chan func() }

func newCrew() crew { return crew{make(chan func())} }

// do has one who is free do it, or a new one.
func (c crew) do(task func()) {
	select {
	case c.tasks <- task:
	default:
		go c.work(task)
	}
}

func (c crew) work(task func()) {
	rested := time.NewTimer(crewRest)
	defer rested.Stop()
	for more := true; more; {
		task()
		rested.Reset(crewRest)
		select {
		case task, more = <-c.tasks:
		case <-rested.C:
			return
		}
	}
}

// end sends all home once they are done; nothing may be done after it.
func (c crew) end() { close(c.tasks) }
