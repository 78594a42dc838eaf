// Package app wires the rooms into a scheduler, a worker, or both. It touches
// no signals and ends no process, so that tests can run several in one.
package app
