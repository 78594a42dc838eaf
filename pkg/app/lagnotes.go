package app

import (
	"maps"
	"time"
)

// lagNotes are how far the scans of a job are behind, as far as the fleet does not
// know it yet. It is told only what has changed, and everything now and then, as
// Redis may have lost it.
type lagNotes struct {
	noted map[string]int64 // since the last call of take, by "<scan>:<shard>"
	told  map[string]int64
	whole time.Time // when everything was last told
}

// wholeEvery is how often everything is told.
const wholeEvery = time.Minute

func (l *lagNotes) note(scan string, behind int64) {
	if l.noted == nil {
		l.noted = map[string]int64{}
	}
	l.noted[scan] = behind
}

// take gives what is to be told now.
func (l *lagNotes) take() map[string]int64 {
	noted := l.noted
	l.noted = nil
	if time.Since(l.whole) >= wholeEvery {
		l.whole, l.told = time.Now(), nil
	}
	maps.DeleteFunc(noted, func(scan string, behind int64) bool {
		last, known := l.told[scan]
		return known && last == behind
	})
	if l.told == nil {
		l.told = map[string]int64{}
	}
	maps.Copy(l.told, noted)
	return noted
}
