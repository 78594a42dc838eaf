package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// pools are the databases of a job: the source's, then each destination's. The
// jobs of a process share connections, but sources none with destinations, so that
// neither can starve the other.
type pools []*mysql.Database

// dsns are the DSNs of a job: the source's, then each destination's. One that stands in
// a file is read anew: the password may have been changed since the config was read.
func dsns(j job.Job) []job.Secret {
	all := []job.Secret{current(j.Source.DSN, j.Source.DSNFile)}
	for _, d := range j.Destinations {
		all = append(all, current(d.DSN, d.DSNFile))
	}
	return all
}

func current(dsn job.Secret, file string) job.Secret {
	if file == "" {
		return dsn
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.TrimSpace(string(text)) == "" {
		return dsn // it is being written; the old one may serve
	}
	return job.NewSecret(strings.TrimSpace(string(text)))
}

// openPools prepares the pools; it does not dial. The error is ErrConfig and names every DSN that cannot be read.
func openPools(j job.Job, o mysql.Options) (pools, error) {
	var p pools
	var all []error
	for n, dsn := range dsns(j) {
		if o.Purpose = "destination"; n == 0 {
			o.Purpose = "source"
		}
		d, err := mysql.Open(dsn, o)
		if err != nil {
			all = append(all, fmt.Errorf("%w: %w", ErrConfig, err))
			continue
		}
		p = append(p, d)
	}
	if len(all) > 0 {
		p.close(discard)
		return nil, errors.Join(all...)
	}
	return p, nil
}

// inspect looks at the job's tables once. A mistake in schema or credentials is
// ErrConfig; any other error means that a database is unavailable.
func (p pools) inspect(ctx context.Context, j job.Job) (*mysql.Plan, error) {
	plan, err := mysql.Inspect(ctx, j, p[0], p[1:])
	if _, mistake := errors.AsType[*table.ConfigError](err); mistake {
		err = fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return plan, err
}

// probe lets people know when a database of a job does not answer, until forget is called.
func (a *App) probe(p pools) (forget func()) {
	var all []func()
	for _, d := range p {
		all = append(all, a.outages.probe(d.Thing(), d.Ping))
	}
	return func() {
		for _, forget := range all {
			forget()
		}
	}
}

func (p pools) close(log *slog.Logger) {
	for _, d := range p {
		if err := d.Close(); err != nil {
			log.Info("a database pool was not closed cleanly", "error", err)
		}
	}
}
