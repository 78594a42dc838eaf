package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"
)

// Options says where settings come from.
type Options struct {
	Path    string   // the config file
	Environ []string // in the form of os.Environ
	StartID string   // of the flag -s; "" when it is not given
}

// maxFile is the size that no config file comes near.
const maxFile = 1 << 20

// Load reads a config: defaults, then the file, then CUPID_… variables, then
// flags. It goes on after a mistake and returns all of them as one *Error: those
// that concern every job always, those of single jobs when no good job remains.
func Load(o Options) (*Config, error) {
	c, mistakes := load(o)
	if len(mistakes) > 0 {
		return nil, &Error{File: o.Path, Mistakes: mistakes}
	}
	return c, nil
}

func load(o Options) (*Config, []Mistake) {
	raw, err := readFile(o.Path)
	if err != nil {
		return nil, err.Mistakes
	}
	s, err := schemaFor(raw)
	if err != nil {
		return nil, err.Mistakes
	}
	n := &notes{}
	r, problem := layers(o, s, raw, n)
	if problem != nil {
		return nil, []Mistake{{Found: "cannot be merged: " + problem.Error()}}
	}
	c := r.config()
	c.Path = o.Path
	if len(n.of(everyJob)) > 0 || len(c.Jobs) == 0 {
		return nil, n.all()
	}
	return c, nil
}

// readFile parses a file without asking yet what its keys mean.
func readFile(path string) (map[string]any, *Error) {
	text, why := readRegular(path, maxFile)
	if why != "" {
		return nil, unusable("the file "+why, "want a config file")
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // some editors write it
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, unusable("the file is empty", wantForm)
	}
	if !utf8.Valid(text) {
		return nil, unusable("found bytes that are no UTF-8", "want the file saved as UTF-8, comments too")
	}
	return parse(path, text)
}

// unusable is a mistake of the file as a whole.
func unusable(found, allowed string) *Error {
	return &Error{Mistakes: []Mistake{{Found: found, Allowed: allowed}}}
}

// cause is the reason in a file error, without the path that is shown anyway.
func cause(err error) string {
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number.Error()
	}
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Err.Error()
	}
	return "unknown reason"
}

const wantForm = "want jobs (a list), or src and des (one job)"

// schemaFor tells the two forms apart by their keys.
func schemaFor(raw map[string]any) (*schema, *Error) {
	_, jobs := raw["jobs"]
	var seed []string
	for key := range raw {
		if strings.EqualFold(key, "src") || strings.EqualFold(key, "des") {
			seed = append(seed, key)
		}
	}
	slices.Sort(seed)
	switch {
	case len(seed) > 0 && jobs:
		return nil, unusable("found jobs and "+strings.Join(seed, ", "), "want either jobs, or src and des")
	case len(seed) > 0:
		return seedSchema(), nil
	case jobs:
		return jobSchema(), nil
	}
	return nil, unusable("found neither jobs nor src and des", wantForm)
}

// layers lays the file over the defaults, the environment over the file, the
// flags over all.
func layers(o Options, s *schema, raw map[string]any, n *notes) (*reader, error) {
	w := &walker{schema: s, notes: n, tree: map[string]any{}, origins: map[string]origin{}, counts: map[string]int{}}
	w.walk("", "", nil, raw)
	if s.seed {
		w.counts["jobs"] = 1
	}
	environ := newEnvironment(o.Environ, w)
	values := koanf.New(".")
	for _, layer := range []koanf.Provider{
		confmap.Provider(defaultValues(s.seed), "."),
		confmap.Provider(w.tree, ""),
		env.Provider(".", env.Opt{Prefix: environPrefix, TransformFunc: environ.key, EnvironFunc: environ.sorted}),
		confmap.Provider(flagValues(o, w), "."),
	} {
		if err := values.Load(layer, nil); err != nil {
			return nil, fmt.Errorf("merge settings: %w", err)
		}
	}
	return &reader{
		schema: s, notes: n, values: values, origins: w.origins, counts: w.counts, broken: w.broken,
		limits: limits(), environ: environ, file: o.Path, failed: map[string]bool{}, expanded: map[string]bool{},
	}, nil
}

// defaultValues has what jobs share under `defaults`, where jobs look last.
func defaultValues(seed bool) map[string]any {
	values := map[string]any{}
	for _, setting := range Defaults() {
		if setting.Default != "" {
			values[strings.Replace(setting.Key, jobsPattern, "defaults", 1)] = setting.Default
		}
	}
	if seed {
		values["defaults.startID"] = "1"
		values["defaults.insert.enabled"] = "false"
	}
	return values
}

func flagValues(o Options, w *walker) map[string]any {
	values := map[string]any{}
	for i := range w.counts["jobs"] {
		if o.StartID != "" {
			key := fmt.Sprintf("jobs.%d.startID", i)
			values[key], w.origins[key] = o.StartID, origin{name: "-s", lenient: true}
		}
	}
	return values
}

func limits() map[string]limit {
	all := map[string]limit{}
	for _, setting := range Defaults() {
		for _, place := range places(setting.Key) {
			all[place] = setting.limit
		}
	}
	return all
}

// config reads the common settings and every job.
func (r *reader) config() *Config {
	c := &Config{
		Form:    FormJob,
		Redis:   r.redis(),
		State:   r.text("state"),
		Log:     r.log(),
		HTTP:    HTTP{Addr: r.httpAddr(), Token: r.token("http.token"), Open: r.flag("http.open"), Rows: r.flag("http.rows")},
		Worker:  r.worker(),
		Load:    r.load(),
		Process: Process{ShutdownTimeout: r.duration("shutdownTimeout"), Lease: r.duration("lease")},
		Alerts:  r.alerts(),
	}
	if r.seed {
		c.Form = FormSeed
	}
	r.jobs(c)
	r.environ.warnUnknown(r.expanded)
	c.Warnings = r.notes.warnings
	return c
}

// jobs sorts the good jobs from the bad.
func (r *reader) jobs(c *Config) {
	count := r.counts["jobs"]
	if count == 0 {
		r.wrong("jobs", "found none", "want at least one job")
	}
	names := map[string]int{}
	for i := range count {
		j := r.job(i, c.Process.Lease)
		if first, taken := names[j.Name]; taken && j.Name != "" {
			r.wrong(fmt.Sprintf("jobs.%d.name", i), "found "+shown(j.Name)+fmt.Sprintf(", which is also the name of jobs[%d]", first), "want a name of its own")
		} else {
			names[j.Name] = i
		}
		if mistakes := r.notes.of(i); len(mistakes) > 0 {
			c.Bad = append(c.Bad, BadJob{Name: cmp.Or(j.Name, fmt.Sprintf("jobs[%d]", i)), Err: &Error{File: r.file, Mistakes: mistakes}})
			continue
		}
		c.Jobs = append(c.Jobs, j)
	}
}
