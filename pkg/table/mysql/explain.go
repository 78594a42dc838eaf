package mysql

// Access says by which columns and indexes a source is read. What there is none
// of is "".
type Access struct {
	ScanKey, ScanIndex        string
	UpdateColumn, UpdateIndex string
	ByColumn, ByIndex         string
}

// Access is how the source is read.
func (s *Source) Access() Access {
	a := Access{ScanKey: s.key.name, ScanIndex: s.byKey.index, ByColumn: s.fields[s.by].column.name}
	if s.update != nil {
		a.UpdateColumn, a.UpdateIndex = s.update.name, s.byTime.index
	}
	if i, ok := s.schema.finding(a.ByColumn); ok {
		a.ByIndex = i.name
	}
	return a
}

// ByColumn is the column that relates rows, and the index that finds its
// values, "" without one.
func (d *Destination) ByColumn() (name, index string) {
	return d.fields[d.relation.ByDestination].column.name, d.index
}
