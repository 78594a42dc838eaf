package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/masixun71/cupid-go/pkg/job"
)

// destinations reads the destinations of a job and names them apart.
func (r *reader) destinations(list string, j job.Job, lease time.Duration) []job.Destination {
	count := r.counts[list]
	if count == 0 {
		r.missing(list, "want at least one destination")
	}
	all := make([]job.Destination, count)
	addresses := make([]*mysql.Config, count)
	for i := range all {
		at := fmt.Sprintf("%s.%d.", list, i)
		all[i], addresses[i] = r.destination(at, j, lease)
	}
	nameApart(all, addresses)
	r.checkNames(list, all)
	return all
}

func (r *reader) destination(at string, j job.Job, lease time.Duration) (job.Destination, *mysql.Config) {
	dsn, address := r.dsn(at)
	d := job.Destination{
		Name:      r.ownName(at + "name"),
		DSN:       dsn,
		DSNFile:   r.dsnFile(at),
		Table:     cmp.Or(r.text(at+"table"), j.Source.Shard.Table),
		ByColumns: r.byColumns(at+"byColumn", j.Source.ByColumns),
		Columns:   r.pairs(at + "columns"),
		Where:     strings.TrimSpace(r.text(at + "where")),
		Callback:  r.callback(at+"callback.", lease),
		Replicas:  r.replicas(at, address, j.LateCommit),
	}
	if len(d.Columns) == 0 && !r.bad(at+"columns") {
		r.missing(at+"columns", "want source columns with their destination columns")
	}
	return d, address
}

// byColumns reads the columns that hold the source's byColumns; without the key
// they have the same names.
func (r *reader) byColumns(key string, source []string) []string {
	names := r.names(key)
	if len(names) == 0 {
		return source
	}
	if len(source) > 0 && len(names) != len(source) {
		_, at, _ := r.find(key)
		r.wrong(at, "found "+columns(names)+", where the source relates by "+columns(source), "want one column for each of the source's, in the same order")
	}
	return names
}

func columns(names []string) string {
	if len(names) == 1 {
		return "1 column"
	}
	return strconv.Itoa(len(names)) + " columns"
}

// nameApart gives every destination without a name one of its own: the table,
// then with the host, then with the port, as far as it takes.
func nameApart(all []job.Destination, addresses []*mysql.Config) {
	given := make([]bool, len(all))
	for i := range all {
		given[i] = all[i].Name != "" || addresses[i] == nil
	}
	for more := range 3 {
		shared := sharedNames(all)
		for i, d := range all {
			if !given[i] && (more == 0 || shared[d.Name]) {
				all[i].Name = longName(d.Table, addresses[i], more)
			}
		}
	}
}

func sharedNames(all []job.Destination) map[string]bool {
	seen, shared := map[string]bool{}, map[string]bool{}
	for _, d := range all {
		shared[d.Name] = seen[d.Name]
		seen[d.Name] = true
	}
	return shared
}

// longName is "<db>.<table>", with "@host", with "@host-port".
func longName(table string, address *mysql.Config, more int) string {
	name := defaultName(job.Shard{Database: address.DBName, Table: table})
	if more == 0 || name == "" {
		return name
	}
	host, port, err := net.SplitHostPort(address.Addr)
	if err != nil { // a socket's path
		host, port = address.Addr, ""
	}
	name += "@" + host
	if more > 1 && port != "" {
		name += "-" + port
	}
	return nameable(name)
}

// nameable turns what a name may not hold into "_" and shortens what is too
// long, with a hash so that different names stay different.
func nameable(name string) string {
	const most, hash = 64, 8
	plain := strings.Map(func(c rune) rune {
		if c < 0x80 && job.ValidName("a"+string(c)) {
			return c
		}
		return '_'
	}, name)
	if len(plain) <= most {
		return plain
	}
	sum := sha256.Sum256([]byte(name))
	return plain[:most-hash-1] + "-" + hex.EncodeToString(sum[:hash/2])
}

func (r *reader) checkNames(list string, all []job.Destination) {
	first := map[string]int{}
	for i, d := range all {
		if d.Name == "" {
			continue
		}
		if other, taken := first[d.Name]; taken {
			key := fmt.Sprintf("%s.%d", list, i)
			r.wrong(key, fmt.Sprintf("found the name %s, which is also that of %s", d.Name, r.nameOf(fmt.Sprintf("%s.%d", list, other))), "want another table, server or name")
			continue
		}
		first[d.Name] = i
	}
}
