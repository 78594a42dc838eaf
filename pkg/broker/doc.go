// Package broker keeps cupid's work in Redis: its keys, its scripts and the
// promises that each step of them holds.
package broker
