package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// narrator prints what happens, a line for each event, from any goroutine.
type narrator struct {
	mu    sync.Mutex
	out   io.Writer
	began time.Time
}

func newNarrator(out io.Writer) *narrator { return &narrator{out: out, began: time.Now()} }

// say prints when, who and what.
func (n *narrator) say(who, format string, args ...any) {
	n.print("%5.1fs  %-9s %s\n", time.Since(n.began).Seconds(), who, fmt.Sprintf(format, args...))
}

func (n *narrator) print(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(n.out, format, args...)
}
