package mysql

// At is the plan with other servers that hold the same tables: their replicas. A
// nil stands for the plan's own server. The schema is the one that the plan knows;
// a server whose tables are not yet, or no more, like that answers with an error.
func (p *Plan) At(source *Database, destinations []*Database) *Plan {
	other := &Plan{Source: p.Source, strong: p.strong, Warnings: p.Warnings}
	if source != nil {
		other.Source = p.Source.at(source)
	}
	for n, d := range p.Destinations {
		if destinations[n] != nil {
			moved := *d
			moved.db, d = destinations[n], &moved
		}
		other.Destinations = append(other.Destinations, d)
	}
	return other
}

// at is the source on another server. Clocks and zones are the primary's.
func (s *Source) at(db *Database) *Source {
	return &Source{
		db: db, schema: s.schema, key: s.key, update: s.update, byKey: s.byKey, byTime: s.byTime, fields: s.fields,
		body: s.body, by: s.by, filter: s.filter, byPath: s.byPath, lookups: s.lookups, zone: s.zone, wall: s.wall,
	}
}
