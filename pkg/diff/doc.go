// Package diff decides which rows of source and destination differ, and why.
// It does no I/O: rows come in, outcomes go out.
package diff
