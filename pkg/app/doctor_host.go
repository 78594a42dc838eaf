package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/masixun71/cupid-go/pkg/callback"
	"github.com/masixun71/cupid-go/pkg/job"
)

// receivers are a check for each receiver that is called from this host.
func (d *doctor) receivers() (checks []look) {
	seen := map[string]bool{}
	for _, j := range d.c.Jobs {
		for _, target := range j.Destinations {
			if target.Callback.Off {
				continue
			}
			e, err := callback.New(target.Callback)
			if err != nil || seen[e.Host()] {
				continue // a callback that cannot be understood is a mistake of the config, and named
			}
			seen[e.Host()] = true
			checks = append(checks, func(ctx context.Context) []Finding { return receiver(ctx, target, e) })
		}
	}
	return checks
}

// receiver connects, and sends nothing.
func receiver(ctx context.Context, target job.Destination, e *callback.Endpoint) []Finding {
	defer e.Close()
	f := Finding{FoundOK, CheckReceiver, "receiver " + e.Host(), "it takes connections; nothing was sent", ""}
	proxy, err := e.Reach(ctx)
	if proxy != "" {
		f.What = "its proxy " + proxy + " takes connections; nothing was sent"
	}
	if err != nil {
		f.Level, f.What = FoundProblem, "it is not reached from this host: "+firstLine(err)
		f.Mend = fmt.Sprintf("start it, let this host in, or correct callback.url of destination %s; callbacks wait until then", target.Name)
		if proxy != "" {
			f.Mend = "correct HTTP_PROXY or HTTPS_PROXY (now " + proxy + "), or name the receiver in NO_PROXY"
		}
	}
	return []Finding{f}
}

// files looks at the folders that a process on this host writes into.
func (d *doctor) files(context.Context) (all []Finding) {
	const mb = 1 << 20
	if dir := d.c.Log.Dir; dir != "" {
		logs := uint64(d.c.Log.MaxSizeMB*(d.c.Log.MaxFiles+1)) * mb
		all = append(all, d.folder("log folder", dir, "log.dir", logs)...)
	}
	if d.c.Redis == nil {
		const state = 64 * mb
		all = append(all, d.folder("state folder", filepath.Dir(statePath(d.c)), "state", state)...)
	}
	return all
}

// folder checks that a folder may be written, or made, and how much room is left in it.
func (d *doctor) folder(what, dir, setting string, wanted uint64) (all []Finding) {
	const least = 16 << 20
	where := what + " " + dir
	existing, err := nearest(dir)
	if err == nil {
		err = writable(existing)
	}
	if err != nil {
		all = append(all, Finding{FoundProblem, CheckFiles, where, "this user cannot write there: " + firstLine(err),
			fmt.Sprintf("mkdir -p %s && chown %s %s, or set %s to another folder", dir, "USER-OF-CUPID", dir, setting)})
	}
	free, err := d.o.Free(cmp.Or(existing, dir))
	f := Finding{FoundOK, CheckFiles, where, fmt.Sprintf("%d MB are free", free>>20), ""}
	switch {
	case err != nil:
		f.Level, f.What = FoundUnchecked, "how much is free: "+firstLine(err)
	case free < least:
		f.Level, f.Mend = FoundProblem, "make room: df -h "+dir+" and du -xsh "+dir+"/* show where it went"
	case free < wanted:
		f.Level, f.What = FoundWarning, fmt.Sprintf("%s, up to %d MB may be needed", f.What, wanted>>20)
		f.Mend = "make room, or lower log.maxSizeMB and log.maxFiles: df -h " + dir
	}
	return append(all, f)
}

// nearest is a folder, or the first above it that exists.
func nearest(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	for err == nil {
		var info fs.FileInfo
		if info, err = os.Stat(dir); err == nil && !info.IsDir() {
			return "", fmt.Errorf("%s is no folder", dir)
		}
		if !errors.Is(err, fs.ErrNotExist) || filepath.Dir(dir) == dir {
			break
		}
		dir, err = filepath.Dir(dir), nil
	}
	return dir, err
}

// writable makes a file and removes it.
func writable(dir string) error {
	file, err := os.CreateTemp(dir, ".cupid-doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}
