// Package worker runs a job's stateless loops: the comparer, the deliverers,
// the promoter and the reclaimer. Any number of workers on any hosts may run
// the same job.
package worker
