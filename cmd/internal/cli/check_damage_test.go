package cli

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/app"
)

// shape is a table as people have them: how it is made at the source and at the
// destination, how it is filled, and what relates its rows.
type shape struct {
	name, source, destination string // columns and keys; "" at the destination is as the source
	fill                      string // a SELECT of all columns
	by                        []string
	columns                   map[string]string // what may be damaged, with another value for it in SQL
}

// shapes are a shop's: surrogate, composite, text and date keys, and all that
// stands beside them.
var shapes = []shape{
	{
		name: "film",
		source: `film_id SMALLINT UNSIGNED PRIMARY KEY, title VARCHAR(128) NOT NULL, about TEXT, year YEAR, price DECIMAL(4,2) NOT NULL,
			rating ENUM('G','PG','R'), features SET('Trailers','Scenes','Making of'), place POINT NOT NULL, cover BLOB, changed TIMESTAMP(3) NULL`,
		fill: `SELECT seq, CONCAT('Film é', seq), IF(seq % 5, REPEAT(CONCAT(seq, ' ü,'), 40), NULL), 1970 + seq % 50, seq % 99 + 0.99,
			1 + seq % 3, seq % 8, POINT(seq, -seq), IF(seq % 7, UNHEX(SHA1(seq)), NULL), FROM_UNIXTIME(1.6e9 + seq * 3600.125) FROM seq_1_to_3000`,
		by: []string{"film_id"},
		columns: map[string]string{
			"title": "LOWER(title)", "about": "CONCAT(IFNULL(about, ''), ' ')", "year": "year + 1", "price": "price + 0.01", "rating": "1 + (rating + 0) % 3",
			"features": "(features + 0) ^ 1", "place": "POINT(0, 0)", "cover": "CONCAT(IFNULL(cover, ''), x'00')", "changed": "changed + INTERVAL 1000 MICROSECOND",
		},
	},
	{
		name:    "salary",
		source:  "emp_no INT NOT NULL, from_date DATE NOT NULL, salary INT NOT NULL, to_date DATE, PRIMARY KEY (emp_no, from_date)",
		fill:    "SELECT 10000 + seq DIV 8, '1986-06-26' + INTERVAL seq % 8 YEAR, 38735 + seq, IF(seq % 8 = 7, '9999-01-01', NULL) FROM seq_1_to_16000",
		by:      []string{"emp_no", "from_date"},
		columns: map[string]string{"salary": "salary - 1", "to_date": "IF(to_date IS NULL, '9999-01-01', NULL)"},
	},
	{
		name:        "country",
		source:      "code CHAR(4) CHARACTER SET latin1 PRIMARY KEY, name CHAR(52) CHARACTER SET latin1 NOT NULL, area FLOAT(10,2), life FLOAT(3,1), independent SMALLINT",
		destination: "code VARCHAR(4) PRIMARY KEY, name VARCHAR(60) NOT NULL, area FLOAT, life FLOAT, independent BIGINT",
		fill:        "SELECT LPAD(CONV(seq, 10, 36), 4, '-'), CONCAT('Länd ', seq), seq * 1234.57, seq % 90 + 0.5, IF(seq % 4, 1000 + seq, NULL) FROM seq_1_to_2000",
		by:          []string{"code"},
		columns:     map[string]string{"name": "CONCAT(name, '.')", "area": "area + 4", "life": "life * 1.5", "independent": "IFNULL(independent + 1, 0)"},
	},
}

// TestDamageAtRandomIsFoundRowByRow: no row more, none less, with the column.
func TestDamageAtRandomIsFoundRowByRow(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // a test's choice
	server := mysqltest.Shared(t)
	source, destination := server.Database(t), server.Database(t)
	var jobs strings.Builder
	want := map[string]map[string]string{}
	for _, s := range shapes {
		if s.destination == "" {
			s.destination = s.source
		}
		source.Exec(t, "SET sql_mode = ''; CREATE TABLE "+s.name+" ("+s.source+"); INSERT INTO "+s.name+" "+s.fill)
		destination.Exec(t, "SET sql_mode = ''; CREATE TABLE "+s.name+" ("+s.destination+"); INSERT INTO "+s.name+" SELECT * FROM "+source.Name+"."+s.name)
		want[s.name] = damage(t, random, s, destination)
		fmt.Fprintf(&jobs, "  - name: %s\n    source: {dsn: %q, table: %s, byColumn: [%s]}\n    destinations: [{dsn: %q, columns: [%s], callback: {off: true}}]\n",
			s.name, source.DSN, s.name, strings.Join(s.by, ", "), destination.DSN, strings.Join(mappedColumns(s), ", "))
	}
	path := filepath.Join(t.TempDir(), "cupid.yaml")
	require.NoError(t, os.WriteFile(path, []byte("jobs:\n"+jobs.String()), 0o600))
	for _, checksum := range []string{"fast", "strong"} {
		_, out, console := call(t, "check", "-c", path, "--format", "json", "--limit", "100000", "--no-confirm", "--checksum", checksum)
		var reports []app.CheckReport
		require.NoError(t, json.Unmarshal([]byte(out), &reports), out+console)
		require.Len(t, reports, len(shapes))
		for _, r := range reports {
			require.Empty(t, r.Error)
			found := map[string]string{}
			for _, k := range r.Keys {
				key := k.Key
				if len(k.Values) > 0 {
					key = strings.Join(k.Values, ",")
				}
				found[key] = k.String()
			}
			require.Equal(t, want[r.Job], found, "%s by %s", r.Job, r.Strategy)
		}
	}
}

func mappedColumns(s shape) []string {
	columns := append([]string{}, s.by...)
	for name := range s.columns {
		columns = append(columns, name)
	}
	return columns
}

// damage deletes and changes some rows, and says what is to be found.
func damage(t *testing.T, random *rand.Rand, s shape, d *mysqltest.Database) map[string]string {
	t.Helper()
	rows, err := d.DB.QueryContext(t.Context(), "SELECT CONCAT_WS(',', "+strings.Join(s.by, ", ")+") FROM "+s.name)
	require.NoError(t, err)
	var keys []string
	for rows.Next() {
		var key string
		require.NoError(t, rows.Scan(&key))
		keys = append(keys, key)
	}
	require.NoError(t, rows.Err())
	require.NoError(t, rows.Close())
	random.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	columns := mappedColumns(s)[len(s.by):]
	want := map[string]string{}
	where := " WHERE CONCAT_WS(',', " + strings.Join(s.by, ", ") + ") = ?"
	for _, key := range keys[:20] {
		d.Exec(t, "DELETE FROM "+s.name+where, key)
		want[key] = "missing"
	}
	for _, key := range keys[20:60] {
		column := columns[random.IntN(len(columns))]
		d.Exec(t, "UPDATE IGNORE "+s.name+" SET "+column+" = "+s.columns[column]+where, key)
		want[key] = "different: " + column
	}
	return want
}
