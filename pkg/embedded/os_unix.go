//go:build !windows

package embedded

import (
	"errors"
	"os"
)

// syncDir makes a rename in the folder last over a power cut.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
