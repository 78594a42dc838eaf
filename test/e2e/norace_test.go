//go:build e2e && !race

package e2e

import "time"

// stopLimit is what the seed's supervisor gives a process.
const stopLimit = 2 * time.Second
