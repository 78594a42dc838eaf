package config

import (
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/masixun71/cupid-go/pkg/job"
)

// lagShare is the part of lateCommit that maxLag is where it is not set.
const lagShare = 6

// replicas reads the replicas of the server that at's DSN names.
func (r *reader) replicas(at string, primary *mysql.Config, lateCommit time.Duration) job.Replicas {
	all := job.Replicas{Servers: append(r.replicaDSNs(at+"replicas", primary), r.replicaFiles(at+"replicaFiles", primary)...)}
	if r.text(at+"maxLag") == "" {
		if len(all.Servers) > 0 {
			all.MaxLag = lateCommit / lagShare
		}
		return all
	}
	all.MaxLag = r.duration(at + "maxLag")
	if lateCommit > 0 && all.MaxLag >= lateCommit {
		r.wrong(at+"maxLag", "found "+shortDuration(all.MaxLag), "want less than lateCommit ("+shortDuration(lateCommit)+")")
	}
	return all
}

func (r *reader) replicaDSNs(key string, primary *mysql.Config) (all []job.Replica) {
	for i, text := range r.texts(key) {
		if dsn := r.expand(text, key); !r.bad(key) && r.follows(dsn, key, i, primary) {
			all = append(all, job.Replica{DSN: dsn})
		}
	}
	return all
}

func (r *reader) replicaFiles(key string, primary *mysql.Config) (all []job.Replica) {
	for i, path := range r.texts(key) {
		path = r.beside(path)
		if dsn := r.secretIn(path, key); !r.bad(key) && r.follows(dsn, key, i, primary) {
			all = append(all, job.Replica{DSN: dsn, DSNFile: path})
		}
	}
	return all
}

// follows reports whether the DSN at this place of a list can be that of a
// replica: replication changes no name of a database, and the primary itself would
// be no relief for it.
func (r *reader) follows(dsn job.Secret, key string, place int, primary *mysql.Config) bool {
	address := r.address(dsn, key)
	switch {
	case address == nil || primary == nil:
	case address.DBName != primary.DBName:
		r.wrong(key, fmt.Sprintf("found another database than the DSN's at place %d", place), "want the same: a replica has its primary's databases")
	case address.Addr == primary.Addr:
		r.wrong(key, fmt.Sprintf("found the server of the DSN itself at place %d", place), "want another server that replicates it")
	default:
		return true
	}
	return false
}
