package mysql

import "context"

// Probe reads one row of the table, whichever the server gives. An error says
// that a failure of other reads is not the fault of their rows.
func (s *Source) Probe(ctx context.Context) error { return s.db.probe(ctx, s.schema) }

// Probe is Source.Probe for a destination.
func (d *Destination) Probe(ctx context.Context) error { return d.db.probe(ctx, d.schema) }

func (d *Database) probe(ctx context.Context, s schema) error {
	_, err := d.rows(ctx, "probe "+s.table, "SELECT 1"+s.from("")+" LIMIT 1")
	return err
}

// Thing is what a *job.DownError names when this database's server does not answer.
func (d *Database) Thing() string { return "database " + d.server }
