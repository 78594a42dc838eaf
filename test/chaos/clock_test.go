//go:build chaos

package chaos

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/masixun71/cupid-go/test/fleet"
)

// clockEnv sets the wall clock of a process off, in seconds.
const clockEnv = "CUPID_CHAOS_CLOCK"

// wrongClocks has the commands built with a standard library whose time.Now obeys
// clockEnv: nothing of the product knows of it, and monotonic time goes on as it does
// when somebody sets the clock. It returns what removes the patched file.
func wrongClocks() (remove func(), err error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("ask for GOROOT: %w", err)
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return nil, err
	}
	const now = "sec, nsec, mono := runtimeNow()\n\tif mono == 0 {\n\t\treturn Time{uint64(nsec), sec + unixToInternal, Local}"
	if strings.Count(string(text), now) != 1 {
		return nil, fmt.Errorf("%s: time.Now is not written as expected", original)
	}
	patched := strings.Replace(string(text), now, "sec, nsec, mono := runtimeNow()\n\tsec += chaosClock\n"+strings.TrimPrefix(now, "sec, nsec, mono := runtimeNow()\n"), 1)
	patched = strings.Replace(patched, "import (\n", "import (\n\t\"syscall\"\n", 1) + `
var chaosClock = func() (seconds int64) {
	text, _ := syscall.Getenv("` + clockEnv + `")
	sign := int64(1)
	for i := 0; i < len(text); i++ {
		if text[i] == '-' {
			sign = -1
			continue
		}
		seconds = 10*seconds + int64(text[i]-'0')
	}
	return sign * seconds
}()
`
	dir, err := os.MkdirTemp("", "cupid-clock-*")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	file, overlay := filepath.Join(dir, "time.go"), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{original: file}})
	if err != nil {
		return remove, err
	}
	if err := os.WriteFile(file, []byte(patched), 0o600); err != nil {
		return remove, err
	}
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		return remove, err
	}
	fleet.BuildFlags = append(fleet.BuildFlags, "-overlay", overlay)
	return remove, nil
}
