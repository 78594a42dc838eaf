package mysql

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// seedSchema is the users' table, as information_schema of MySQL 8 and of
// MariaDB describe it: only their integers' display width differs.
func seedSchema(integer string) schema {
	text := func(name string, octets int, nullable bool) column {
		return column{name: name, dataType: "varchar", fullType: "varchar(64)", kind: kindText, charset: "utf8mb4", collation: "utf8mb4_general_ci", octets: octets, nullable: nullable}
	}
	return schema{
		table: "user",
		columns: []column{
			{name: "id", dataType: "bigint", fullType: integer, kind: kindInteger, digits: 20},
			text("number", 128, false), text("name", 256, false), text("avatar", 1020, true),
		},
		indexes: []index{{name: primary, unique: true, columns: []indexPart{{column: "id", whole: true}}}},
	}
}

func seedSide(integer string, strong bool) *Side {
	s := seedSchema(integer)
	var f fields
	for _, c := range s.columns {
		f, _ = f.with(field{column: c})
	}
	relation := diff.Relation{By: []diff.Pair{{Rule: diff.Number}}, Pairs: []diff.Pair{
		{Source: 1, Destination: 1}, {Source: 2, Destination: 2}, {Source: 3, Destination: 3},
	}}
	side := &Side{schema: s, fields: f, order: keyOrder(s, f[0])}
	side.by = keyColumns{s.columns[0]}
	side.hashing, _, _ = hashings(f, f, relation, strong)
	return side
}

func TestFoldAsSQL(t *testing.T) {
	t.Parallel()
	const rest = "`number`,`name`,IFNULL(`avatar`,x'FE' COLLATE `binary`))"
	const row, keyless = "CONCAT_WS(x'FF',`id`," + rest, "CONCAT_WS(x'FF'," + rest
	const where = "`id` > 1000 AND `id` <= 2000"
	for _, integer := range []string{"bigint unsigned", "bigint(20) unsigned"} { // MySQL 8, MariaDB
		side := seedSide(integer, false)
		require.Equal(t, "SELECT COUNT(*),BIT_XOR(CRC32("+row+")*2654435769),0 FROM `user` FORCE INDEX (`PRIMARY`) WHERE "+where, side.foldSQL(where))
		require.Equal(t, "CHAR(a,b|2147483648)", side.hashing.pack([]string{"a"}, "b"))
		near, far, all := side.key(job.KeyPoint("1000"), job.KeyPoint("2147484647")), side.key(job.KeyPoint("1000"), job.KeyPoint("2147484648")), side.key(job.Point{}, job.KeyPoint("2000"))
		require.Equal(t, []string{"`id`|2147483648"}, near.packed())
		require.Equal(t, []string{"`id`"}, side.key(job.KeyPoint("65535"), job.KeyPoint("16777215")).packed(), "all of three bytes")
		require.Equal(t, []string{"`id`|2147483648"}, side.key(job.KeyPoint("65534"), job.KeyPoint("16777215")).packed())
		require.Equal(t, []string{"`id`>>31&2147483647|2147483648", "`id`|2147483648"}, far.packed())
		require.Equal(t, tooWide, all.form)
		// What the words say in full is not hashed as well.
		require.Equal(t, "CRC32("+keyless+")", near.digest)
		require.Equal(t, near.digest, far.digest)
		require.Equal(t, "CRC32("+row+")", all.digest)
		require.Equal(t, all.digest, side.keyHash().digest)
		const strong = "CAST(CONV(LEFT(SHA2(" + row + ",256),16),16,10) AS UNSIGNED)"
		require.Equal(t, strong, seedSide(integer, true).hashing.hash)
		require.Equal(t, "CHAR(a,b),UNHEX(c)", seedSide(integer, true).hashing.pack([]string{"a", "b"}, "c"))
		require.Equal(t, "LEFT(SHA2("+row+",256),16)", seedSide(integer, true).hashing.digest)
	}
}

// TestRowsAreBytes: one of the parts makes bytes of all.
func TestRowsAreBytes(t *testing.T) {
	t.Parallel()
	id, name := form{column: idColumn, text: "`id`"}, form{column: column{name: "name", nullable: true}, text: "`name`"}
	require.Equal(t, "CONCAT_WS(x'FF' COLLATE `binary`,`id`)", rowText([]form{id}))
	require.Equal(t, "CONCAT_WS(x'FF',`id`,IFNULL(`name`,x'FE' COLLATE `binary`))", rowText([]form{id, name}))
	a, _, why := hashings(fields{{column: idColumn}}, fields{{column: idColumn}}, diff.Relation{By: []diff.Pair{{Rule: diff.Number}}}, false)
	require.Empty(t, why)
	require.Equal(t, a.digest, a.rest, "rows of nothing but a key")
}

func TestFormsAsSQL(t *testing.T) {
	t.Parallel()
	berlin, shanghai := new(zone), new(zone)
	berlin.Store(must(parseZone("Europe/Berlin")))
	shanghai.Store(fixedZone(8 * 3600))
	c := func(k kind, dataType string) field {
		return field{column: column{name: "c", kind: k, dataType: dataType, fullType: dataType}}
	}
	text := func(k kind, charset string, raw bool) field {
		return field{column: column{name: "c", kind: k, charset: charset}, raw: raw}
	}
	number := func(k kind, digits, scale int) field {
		return field{column: column{name: "c", kind: k, digits: digits, scale: scale}}
	}
	at := func(k kind, precision int, wall *zone) field {
		return field{column: column{name: "c", kind: k, precision: precision}, wall: wall}
	}
	for name, s := range map[string]struct {
		source, destination field
		rule                diff.Rule
		left, right         string // "" when there is no text
	}{
		"integers":         {number(kindInteger, 10, 0), number(kindInteger, 20, 0), diff.Number, "`c`", "`c`"},
		"year":             {c(kindInteger, "year"), number(kindInteger, 10, 0), diff.Number, "`c`+0", "`c`"},
		"bit":              {c(kindBit, "bit"), number(kindInteger, 10, 0), diff.Number, "`c`+0", "`c`"},
		"scales":           {number(kindDecimal, 10, 2), number(kindDecimal, 10, 4), diff.Number, "CAST(`c` AS DECIMAL(65,4))", "`c`"},
		"scales, too wide": {number(kindDecimal, 65, 0), number(kindDecimal, 65, 30), diff.Number, "", ""},
		"double":           {c(kindDouble, "double"), c(kindDouble, "double"), diff.Double, "`c`+0e0", "`c`+0e0"},
		"float and double": {c(kindFloat, "float"), c(kindDouble, "double"), diff.Single, "", ""},
		"json":             {c(kindJSON, "json"), c(kindJSON, "longtext"), diff.JSON, "", ""},
		"fractions":        {at(kindDateTime, 0, nil), at(kindDateTime, 3, nil), diff.Time, "CONCAT(`c`,'.000')", "`c`"},
		"more fractions":   {at(kindTime, 6, nil), at(kindTime, 3, nil), diff.Time, "`c`", "CONCAT(`c`,'000')"},
		"date":             {at(kindDate, 0, nil), at(kindDateTime, 1, nil), diff.Time, "CONCAT(`c`,' 00:00:00.0')", "`c`"},
		"wall, fixed":      {at(kindTimestamp, 0, shanghai), at(kindDateTime, 0, nil), diff.Time, "IFNULL(`c` + INTERVAL 28800 SECOND,`c`)", "`c`"},
		"wall, summer":     {at(kindTimestamp, 0, berlin), at(kindDateTime, 0, nil), diff.Time, "", ""},
		"texts":            {text(kindText, "utf8mb4", false), text(kindText, "utf8mb3", false), diff.Bytes, "`c`", "`c`"},
		"charsets":         {text(kindText, "latin1", false), text(kindText, "utf8mb4", false), diff.Bytes, "CONVERT(`c` USING utf8mb4)", "`c`"},
		"raw":              {text(kindText, "gbk", true), text(kindText, "gbk", true), diff.Bytes, "CAST(`c` AS BINARY)", "CAST(`c` AS BINARY)"},
		"char":             {text(kindChar, "utf8mb4", false), text(kindText, "utf8mb4", false), diff.SpacePadded, "`c`", "RTRIM(`c`)"},
		"binary":           {c(kindBinary, "binary(4)"), c(kindBytes, "blob"), diff.ZeroPadded, "TRIM(TRAILING x'00' FROM `c`)", "TRIM(TRAILING x'00' FROM `c`)"},
		"vector":           {c(kindBytes, "vector"), c(kindBytes, "vector"), diff.Bytes, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, why := formsOf(s.source, s.destination, s.rule, diff.Options{})
			require.Equal(t, s.left == "", why != "", why)
			if why == "" {
				require.Equal(t, []string{s.left, s.right}, []string{a.text, b.text})
			}
		})
	}
}

func must(zone *time.Location, ok bool) *time.Location {
	if !ok {
		panic("the zone data lacks the zone")
	}
	return zone
}

func TestLongRows(t *testing.T) {
	t.Parallel()
	narrow := form{column: column{name: "a", octets: 400, nullable: true}, text: "`a`", free: true}
	wide := form{column: column{name: "b", octets: 65535, nullable: true}, text: "`b`", free: true}
	id := form{column: idColumn, text: "`id`"}
	require.Empty(t, longRows([]form{id, narrow, narrow}))
	require.Equal(t, "IFNULL(LENGTH(`b`),0)+784>@@max_allowed_packet", longRows([]form{id, narrow, wide}))
}

func TestLiterals(t *testing.T) {
	t.Parallel()
	e := expression{"a > ? AND b = ? AND c < ?", []any{`it's \ ?`, []byte{0, 0xff}, "x"}}
	require.Equal(t, `a > 'it\'s \\ ?' AND b = x'00ff' AND c < 'x'`, e.literal())
}
