package check

import (
	"cmp"
	"context"
	"hash/crc32"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// row is a row of a table in memory: its place, what relates it, and one value.
type row struct {
	place *big.Int
	key   diff.Value // nil is NULL
	value string
	long  bool // the server cannot hash it
}

// memory is a table in memory that answers as a server does, with the same kind
// of hash. Its keys are found without regard to case when folding.
type memory struct {
	rows    []row // by place
	folding bool
	mute    bool         // no guesses
	lost    string       // a key that cannot be asked for
	fail    func() error // before each query; may be nil

	mu     sync.Mutex
	index  map[string][]int
	counts map[string]int // queries by method, rows listed and looked up
}

var _ Side = (*memory)(nil)

func newMemory(rows []row) *memory {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b row) int { return a.place.Cmp(b.place) })
	return &memory{rows: rows, counts: map[string]int{}}
}

// relation relates the rows of two memories.
var relation = diff.Relation{
	By:    []diff.Pair{{Name: "key", Rule: diff.Bytes}},
	Pairs: []diff.Pair{{Name: "key", Rule: diff.Bytes}, {Name: "value", Source: 1, Destination: 1, Rule: diff.Bytes}},
}

func (m *memory) count(what string, n int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[what] += n
	if m.fail != nil {
		return m.fail()
	}
	return nil
}

func (m *memory) counted() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.counts)
}

// within is the rows in (after, upto].
func (m *memory) within(after, upto job.Point) []row {
	low, high := 0, len(m.rows)
	find := func(p job.Point) int {
		n, _ := p.Integer()
		at, _ := slices.BinarySearchFunc(m.rows, n, func(r row, n *big.Int) int { return cmp.Or(r.place.Cmp(n), -1) })
		return at
	}
	if !after.Open() {
		low = find(after)
	}
	if !upto.Open() {
		high = find(upto)
	}
	return m.rows[low:max(low, high)]
}

func (m *memory) Estimate(context.Context) (int64, error) { return int64(len(m.rows)), nil }

func (m *memory) Nulls(context.Context) (int64, error) {
	var n int64
	for _, r := range m.rows {
		if r.key == nil {
			n++
		}
	}
	return n, nil
}

func (m *memory) Last(context.Context) (job.Point, bool, error) {
	if len(m.rows) == 0 {
		return job.Point{}, false, nil
	}
	return keyPoint(m.rows[len(m.rows)-1].place), true, nil
}

func (m *memory) Step(_ context.Context, after, upto job.Point, n int) (job.Point, bool, error) {
	rows := m.within(after, upto)
	if err := m.count("step", 1); err != nil || len(rows) < n {
		return job.Point{}, false, err
	}
	return keyPoint(rows[n-1].place), true, nil
}

// Guess is wrong as InnoDB's is: twice as many, and about.
func (m *memory) Guess(_ context.Context, after, upto job.Point) (int64, bool, error) {
	n := int64(len(m.within(after, upto)))
	return 2*n + n/(3+n%5), !m.mute, m.count("guess", 1)
}

func (m *memory) Fold(_ context.Context, after, upto job.Point) (f diff.Fold, err error) {
	for _, r := range m.within(after, upto) {
		f.Rows++
		if h, ok := r.hash(); ok {
			f.Hash ^= h * diff.OddFactor
		} else {
			f.Unhashed++
		}
	}
	return f, m.count("fold", 1)
}

func (m *memory) Marks(_ context.Context, into []diff.Mark, after, upto job.Point) ([]diff.Mark, error) {
	return m.marks(into, m.within(after, upto), "marks", func(r row) uint64 {
		return diff.KeyID(r.place)
	})
}

func (m *memory) Holds(key diff.Key) bool { return m.lost != string(key) }

func (m *memory) KeyMarks(_ context.Context, into []diff.Mark, after, upto job.Point) ([]diff.Mark, error) {
	keyed := slices.DeleteFunc(slices.Clone(m.within(after, upto)), func(r row) bool { return r.key == nil })
	return m.marks(into, keyed, "key marks", keyHash)
}

// marks come in no order.
func (m *memory) marks(into []diff.Mark, rows []row, what string, id func(row) uint64) ([]diff.Mark, error) {
	if err := m.count(what, 1); err != nil {
		return nil, err
	}
	for _, r := range slices.Backward(rows) {
		h, ok := r.hash()
		if !ok {
			h = diff.NoHash
		}
		into = append(into, diff.Mark{ID: id(r), Hash: h})
	}
	return into, m.count("marked", len(rows))
}

func keyHash(r row) uint64 { return uint64(crc32.ChecksumIEEE(r.key)) & math.MaxInt32 }

func (r row) hash() (h uint64, ok bool) {
	if r.long || r.key == nil {
		return 0, false
	}
	text := string(r.key) + "," + strconv.Itoa(len(r.value)) + "," + r.value
	return uint64(crc32.ChecksumIEEE([]byte(text))), true
}

func (m *memory) hashed(r row) diff.Hashed {
	h, ok := r.hash()
	return diff.Hashed{Key: diff.Key(r.key), Null: r.key == nil, Hash: h, Unhashed: !ok}
}

func (m *memory) list(rows []row, found func(diff.Hashed)) error {
	if err := m.count("list", 1); err != nil {
		return err
	}
	for _, r := range rows {
		found(m.hashed(r))
	}
	return m.count("listed", len(rows))
}

func (m *memory) ListKeyed(_ context.Context, after, upto job.Point, sieve diff.Sieve, found func(diff.Hashed)) error {
	var rows []row
	for _, r := range m.within(after, upto) {
		hash := keyHash(r)
		if r.key != nil && slices.Contains(sieve.Lower, uint16(hash)) && slices.Contains(sieve.Upper, uint16(hash>>16)) {
			rows = append(rows, r)
		}
	}
	return m.list(rows, found)
}

func (m *memory) List(_ context.Context, after, upto job.Point, found func(diff.Hashed)) error {
	return m.list(m.within(after, upto), found)
}

func (m *memory) find(keys []diff.Key) []row {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.index == nil {
		m.index = map[string][]int{}
		for i, r := range m.rows {
			if r.key != nil {
				m.index[m.spelling(diff.Key(r.key))] = append(m.index[m.spelling(diff.Key(r.key))], i)
			}
		}
	}
	var rows []row
	found := map[int]bool{}
	for _, key := range keys {
		for _, i := range m.index[m.spelling(key)] {
			if !found[i] {
				found[i] = true
				rows = append(rows, m.rows[i])
			}
		}
	}
	return rows
}

func (m *memory) spelling(key diff.Key) string {
	if m.folding {
		return strings.ToLower(string(key))
	}
	return string(key)
}

func (m *memory) Hashes(_ context.Context, keys []diff.Key) ([]diff.Hashed, error) {
	var found []diff.Hashed
	for _, r := range m.find(keys) {
		found = append(found, m.hashed(r))
	}
	return found, m.count("listed", len(found))
}

func (m *memory) Lookup(_ context.Context, keys []diff.Key) ([]diff.Row, error) {
	if err := m.count("lookup", 1); err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(slices.Clone(keys), func(key diff.Key) bool { return !m.Holds(key) })
	return whole(m.find(keys)), nil
}

func (m *memory) Rows(_ context.Context, after, upto job.Point, limit int) ([]diff.Row, job.Point, bool, error) {
	rows := m.within(after, upto)
	if err := m.count("rows", 1); err != nil {
		return nil, job.Point{}, false, err
	}
	if len(rows) <= limit {
		return whole(rows), upto, false, nil
	}
	return whole(rows[:limit]), keyPoint(rows[limit-1].place), true, nil
}

func whole(rows []row) []diff.Row {
	read := make([]diff.Row, len(rows))
	for i, r := range rows {
		read[i] = diff.Row{Values: []diff.Value{r.key, diff.Value(r.value)}}
	}
	return read
}

func (m *memory) KeyOf(r diff.Row) (diff.Key, bool) { return diff.NewKey(r.Values[0]) }

// small limits let small tables meet every bound.
var small = limits{
	ranges: sizes{first: 100, least: 20, most: 400}, folds: sizes{first: 100, least: 20, most: 400},
	reads:    sizes{first: 50, least: 10, most: 100},
	passRows: 300, listedRows: 50, suspects: 1_000_000, pageRows: 7, pageBytes: 1 << 10,
}

// run compares two memories and gives the findings as "kind columns" by key.
func run(t require.TestingT, strategy Strategy, source, target *memory, change func(*Options)) (*Result, map[string]string) {
	found := map[string]string{}
	o := Options{limits: &small, Report: func(_ context.Context, f Finding) error {
		require.Empty(t, found[string(f.Key)], "reported twice")
		found[string(f.Key)] = strings.TrimSpace(string(f.Kind) + " " + strings.Join(f.Columns, ","))
		return nil
	}}
	if change != nil {
		change(&o)
	}
	pair := Pair{Job: "job", Destination: "far", Strategy: strategy, Source: source, Target: target, Relation: relation}
	result, err := Run(context.Background(), pair, o)
	require.NoError(t, err)
	return result, found
}

// aligned gives every row its integer key for a place.
func aligned(rows []row) []row {
	for i := range rows {
		rows[i].place, _ = new(big.Int).SetString(string(rows[i].key), 10)
	}
	return rows
}

func numbered(t testing.TB, n int) []row {
	t.Helper()
	rows := make([]row, n)
	for i := range rows {
		rows[i] = row{key: []byte(strconv.Itoa(i + 1)), value: "value of " + strconv.Itoa(i+1)}
	}
	return aligned(rows)
}
