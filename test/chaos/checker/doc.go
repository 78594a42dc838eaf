// Package checker asks from outside whether a fleet has kept its promises: it looks at MySQL, at Redis (the
// keys that are left, and the append-only file as a ledger of everything that was ever claimed) and at the
// receiver's log. It knows nothing of the processes.
package checker
