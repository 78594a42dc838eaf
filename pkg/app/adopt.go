package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/embedded"
)

// adoptState carries the work of a process that kept it in a state file over to
// the Redis that its config names by now. The file is renamed afterwards, so that
// it happens once; cut off before, it is repeated and changes nothing twice.
func (a *App) adoptState(ctx context.Context) (err error) {
	path := statePath(a.c)
	if info, err := os.Stat(path); a.store != nil || err != nil || !info.Mode().IsRegular() {
		return nil // no file, nothing to carry over
	}
	store, err := embedded.Open(path, a.log)
	if errors.Is(err, embedded.ErrInUse) { // another one is carrying it over, or has not been stopped yet
		return fmt.Errorf("carry the state file over to redis: %w", err)
	}
	if err != nil {
		return fmt.Errorf("%w: carry the state file over to redis: %w", ErrConfig, err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	from := broker.Open(broker.Config{Addrs: []string{store.Addr()}}, broker.Options{Name: "cupid-adopt"})
	names, err := a.broker.Adopt(ctx, from)
	if err = errors.Join(err, from.Close()); err != nil {
		return fmt.Errorf("carry the state file %s over to redis: %w", path, err)
	}
	if err := store.Close(); err != nil {
		return fmt.Errorf("carry the state file %s over to redis: %w", path, err)
	}
	if err := os.Rename(path, path+".imported"); err != nil {
		return fmt.Errorf("carry the state file over to redis: it is done, but %s cannot be renamed: %w", path, err)
	}
	a.log.Info("the state file was carried over to redis", "file", path, "renamed_to", path+".imported", "jobs", names)
	return nil
}
