// Package plan cuts stretches of a scan into ranges; it asks an index where
// rows lie and does no other I/O.
package plan
