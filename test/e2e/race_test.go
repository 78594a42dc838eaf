//go:build e2e && race

package e2e

import "time"

// stopLimit is wider under the race detector, which slows every process down.
const stopLimit = 3 * time.Second
