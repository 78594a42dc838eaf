package mysql_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// TestNeighbouringFloatsDiffer: the server's text tells a number from the next
// one that there is, over all magnitudes.
func TestNeighbouringFloatsDiffer(t *testing.T) {
	t.Parallel()
	for kind, bits := range map[string]int{"DOUBLE": 64, "FLOAT": 32} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, mysqltest.Shared(t))
			p.columns("id", "c")
			var source, destination []string
			random := rand.New(rand.NewPCG(3, 4))
			for i := range 3_000 {
				x, next := neighbours(random, bits)
				if i%2 == 0 {
					next = x
				}
				source = append(source, fmt.Sprintf("(%d,%d,%s)", i, i, x))
				destination = append(destination, fmt.Sprintf("(%d,%d,%s)", i, i, next))
			}
			const table = "CREATE TABLE t (id INT PRIMARY KEY, number INT UNIQUE, c %s); INSERT INTO t VALUES %s"
			p.source.Exec(t, fmt.Sprintf(table, kind, strings.Join(source, ",")))
			p.destination.Exec(t, fmt.Sprintf(table, kind, strings.Join(destination, ",")))
			pairing := p.plan(t).Pairing(0, mysql.PairingOptions{})
			left, right := marksOf(t, pairing.Source(), job.Point{}, job.Point{}), marksOf(t, pairing.Destination(), job.Point{}, job.Point{})
			require.Len(t, left, len(source))
			for i := range source {
				require.Equal(t, i%2 == 0, left[uint64(i)] == right[uint64(i)], "%s and %s", source[i], destination[i])
			}
		})
	}
}

// neighbours are a random normal number and the next greater one, as texts.
func neighbours(random *rand.Rand, bits int) (x, next string) {
	text := func(f float64) string { return strconv.FormatFloat(f, 'e', -1, bits) }
	if bits == 32 {
		exponent := 1 + random.Uint32N(253)
		f := math.Float32frombits(random.Uint32()&0x807FFFFF | exponent<<23)
		return text(float64(f)), text(float64(math.Nextafter32(f, math.MaxFloat32)))
	}
	exponent := 1 + random.Uint64N(2045)
	f := math.Float64frombits(random.Uint64()&0x800FFFFFFFFFFFFF | exponent<<52)
	return text(f), text(math.Nextafter(f, math.MaxFloat64))
}
