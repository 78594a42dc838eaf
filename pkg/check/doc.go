// Package check compares the tables of a job whole, once: stretch by stretch
// with hashes that the servers compute, row by row only where those differ.
package check
