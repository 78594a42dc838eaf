package check

import "time"

// limits bound what is read and kept at once. Together they keep the memory of
// a comparison to some ten megabytes.
type limits struct {
	// Stretches of a walk, by strategy.
	ranges, folds, reads sizes
	// passRows are the rows of a side whose partners are awaited at once. Each
	// pass over keyed buckets reads both tables.
	passRows int
	// listedRows is about how many rows one query of such a pass gives.
	listedRows int
	// suspects that are remembered; further ones are only counted.
	suspects int
	// A page of whole rows: so many at most, and about so many bytes.
	pageRows, pageBytes int
	// savePause is the least time between two saves of the state.
	savePause time.Duration
}

// sizes are the rows of the first stretch, and between which bounds the time
// that a stretch takes steers the next one.
type sizes struct{ first, least, most int }

var defaultLimits = limits{
	ranges:   sizes{first: 10_000, least: 1_000, most: 100_000},
	folds:    sizes{first: 50_000, least: 1_000, most: 100_000},
	reads:    sizes{first: 10_000, least: 1_000, most: 50_000},
	passRows: 500_000, listedRows: 40_000,
	suspects: 200_000,
	pageRows: 999, pageBytes: 2 << 20,
	savePause: time.Second,
}
