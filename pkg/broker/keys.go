package broker

import (
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Layout is the version of the keys below. A process refuses to work on another;
// what stands behind a dot ("1.2") are additions that it may leave alone: unknown
// fields of hashes are kept and ignored.
const Layout = "1"

// Names of the keys that do not belong to a job.
func (b *Broker) layoutKey() string           { return b.prefix + "layout" }        // STRING
func (b *Broker) jobsKey() string             { return b.prefix + "jobs" }          // SET of job names
func (b *Broker) processesKey() string        { return b.prefix + "processes" }     // ZSET process id → last beat, ms
func (b *Broker) processKey(id string) string { return b.prefix + "process:" + id } // HASH
func (b *Broker) wakeChannel() string         { return b.prefix + "wake" }          // PUBSUB "<job> <what>"
func (b *Broker) eventsKey(name string) string { // LIST of what happened, newest first; "" is the fleet's
	if name == "" {
		return b.prefix + "events"
	}
	return keys{prefix: b.jobPrefix(name)}.events()
}
func (b *Broker) toldKey(name string) string { // HASH what people are told of → "on" or "over", when; "" is the fleet's
	if name == "" {
		return b.prefix + "told"
	}
	return keys{prefix: b.jobPrefix(name)}.told()
}
func (b *Broker) jobPrefix(name string) string { return b.prefix + "{" + name + "}:" }

// keys are the keys of one job. They share a hash tag, so that a script may
// touch any of them on a Redis Cluster.
type keys struct {
	prefix       string
	destinations []string
}

func (k keys) lock() string    { return k.prefix + "lock" }    // STRING, redislock
func (k keys) spec() string    { return k.prefix + "spec" }    // HASH identity, details, leader
func (k keys) cursor() string  { return k.prefix + "cursor" }  // HASH "<scan>:<shard>" → upper end claimed
func (k keys) samples() string { return k.prefix + "samples" } // ZSET range id of the late pass → time it was taken, ms
func (k keys) paused() string  { return k.prefix + "paused" }  // HASH by, why, until
func (k keys) pausedDestination(destination string) string {
	return k.paused() + ":" + destination // HASH by, why, until, percent
}
func (k keys) brake(destination string) string {
	return k.prefix + "brake:" + destination // HASH compared, different, there, gone, since, resumed
}
func (k keys) stats() string        { return k.prefix + "stats" }         // HASH counter → n
func (k keys) lag() string          { return k.prefix + "lag" }           // HASH "<scan>:<shard>" → ids or seconds that the cursor is behind
func (k keys) events() string       { return k.prefix + "events" }        // LIST of what happened, newest first
func (k keys) told() string         { return k.prefix + "told" }          // HASH "<kind>:<destination>" → "on" or "over", when
func (k keys) reclaim() string      { return k.prefix + "reclaim" }       // HASH last, hold
func (k keys) ranges() string       { return k.prefix + "ranges" }        // LIST of range ids
func (k keys) rangesLeased() string { return k.prefix + "ranges:leased" } // ZSET range id → lease end, ms
func (k keys) rangesRetry() string  { return k.prefix + "ranges:retry" }  // ZSET range id → due, ms
func (k keys) rangesParked() string { return k.prefix + "ranges:parked" } // ZSET range id → when it is tried next, ms
func (k keys) rangePrefix() string  { return k.prefix + "range:" }
func (k keys) rangeItem(id string) string {
	return k.rangePrefix() + id // HASH since, token, worker, begun, progress, stalls, attempts, parked, error
}

func (k keys) callbacksPrefix() string { return k.prefix + "callbacks:" }
func (k keys) callbacks(destination string) string {
	return k.callbacksPrefix() + destination // LIST of callback ids
}
func (k keys) callbacksLeased() string { return k.prefix + "callbacks:leased" }  // ZSET callback id → lease end, ms
func (k keys) confirm() string         { return k.prefix + "callbacks:confirm" } // ZSET callback id → due, ms
func (k keys) verify() string          { return k.prefix + "callbacks:verify" }  // ZSET callback id → due, ms
func (k keys) retry() string           { return k.prefix + "callbacks:retry" }   // ZSET callback id → due, ms
func (k keys) slow() string            { return k.prefix + "callbacks:slow" }    // ZSET callback id → due, ms
func (k keys) parked() string          { return k.prefix + "callbacks:parked" }  // ZSET callback id → when parked, ms
func (k keys) callbackPrefix() string  { return k.prefix + "callback:" }         // + id: HASH, see parseCallback
func (k keys) troubledPrefix() string  { return k.prefix + "troubled:" }         // + "<kind>:<destination>": SET of callback ids
func (k keys) troubled(kind job.AlertKind, destination string) string {
	return k.troubledPrefix() + string(kind) + ":" + destination
}
func (k keys) stalled() string { return k.prefix + "trouble:" + string(job.AlertStalled) } // ZSET range id → since, ms

// day is the key of one day's counters.
func (k keys) day(t time.Time) string { return k.stats() + ":" + t.UTC().Format(time.DateOnly) }

// open lists the structures that hold open callbacks, in the order that the
// prelude's open() reads them. Parked ones wait for a person and are not work.
func (k keys) open() []string {
	all := []string{k.confirm(), k.verify(), k.retry(), k.slow(), k.callbacksLeased()}
	for _, d := range k.destinations {
		all = append(all, k.callbacks(d))
	}
	return all
}

// reservedDestinations would make a destination's list collide with a sorted set.
var reservedDestinations = []string{"leased", "confirm", "verify", "retry", "slow", "parked"}

// counterLife is how long a day's counters are kept.
const counterLife = 90 * 24 * time.Hour
