// Package job holds cupid's words: jobs, shards, ranges, differences and the
// text form of their ids. It does no I/O; every other room speaks in its types.
package job
