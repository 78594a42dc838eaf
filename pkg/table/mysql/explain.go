package mysql

// Access says by which columns and indexes a source is read. What there is none
// of is "".
type Access struct {
	ScanKey, ScanIndex        string
	UpdateColumn, UpdateIndex string
	ByColumns                 []string
	ByIndex                   string
}

// Access is how the source is read.
func (s *Source) Access() Access {
	a := Access{ScanKey: s.key.name, ScanIndex: s.byKey.index, ByColumns: s.by.names()}
	if s.update != nil {
		a.UpdateColumn, a.UpdateIndex = s.update.name, s.byTime.index
	}
	found, _ := s.schema.finding(a.ByColumns...)
	a.ByIndex = found.name
	return a
}

// ByColumns are the columns that relate rows, and the index that finds their
// values, "" without one.
func (d *Destination) ByColumns() (names []string, index string) { return d.by.names(), d.index.name }
