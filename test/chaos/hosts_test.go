//go:build chaos

package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/test/chaos/checker"
	"github.com/masixun71/cupid-go/test/fleet"
)

// TestHostsThatAreCutOff runs each process on a host of its own, a network namespace,
// and takes from one host the way to Redis, to MySQL, to the receiver and to a scheduler's
// host, one after the other: packets vanish, nobody is told. Each is healed again.
func TestHostsThatAreCutOff(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	lan, err := newLAN(t)
	if err != nil {
		fmt.Println("chaos: SKIPPED, network namespaces cannot be made here (they need root and iproute2):", err)
		t.Skip(err)
	}
	lan.serve(t, w)
	w.Fill(t, 1, 1000)
	w.CopyAll(t)
	answers := &answers{statuses: map[int]int{}}
	w.Receiver.Watch(answers.note)
	w.Receiver.Behave(receiver(w))
	config := w.SeedConfig(t, `"failureJobRetrySecond": 1`, `"slowRetrySecond": 3`, `"verifyDelaySecond": 2`)
	hosts := map[string]*host{}
	for i, command := range []string{fleet.Scheduler, fleet.Scheduler, fleet.Worker, fleet.Worker, fleet.Worker} {
		name := fleet.Name(command, i+1)
		h := lan.host(t, i+1)
		env := w.Env("CUPID_LEASE="+lease.String(), "CUPID_JOBS_0_LATE_COMMIT=10s", "CUPID_JOBS_0_RANGE_ROWS=25")
		h.process = fleet.LaunchIn(t, h.namespace, name, env, command, "-c", config)
		hosts[name] = h
	}
	traffic := &fleet.Traffic{World: w, Seed: 1, Rows: 1000, Rate: 100, Loss: 0.05, Stale: 0.02, Delay: 100 * time.Millisecond, Hot: 10}
	traffic.Start(t)
	w.Receiver.WaitFor(t, 1, time.Minute)

	var faults []checker.Fault
	closed := func() int { return w.Stats(t)["closed_equal"] }
	cutUntil := func(enough func() bool, h *host, what string, addresses ...string) {
		fault := checker.Fault{Begin: time.Now(), What: h.process.Name + " cut off from " + what}
		t.Log(fault.What)
		h.drop(t, "-A", addresses...)
		<-time.After(lease + 3*time.Second)
		before := closed()
		eventually.Until(t, 2*time.Minute, enough, "another leads while "+fault.What)
		eventually.Until(t, time.Minute, func() bool { return closed() > before }, "the others go on while "+fault.What)
		h.drop(t, "-D", addresses...)
		fault.End = time.Now()
		faults = append(faults, fault)
	}
	cut := func(h *host, what string, addresses ...string) {
		cutUntil(func() bool { return true }, h, what, addresses...)
	}
	worker := hosts["worker-3"]
	cut(worker, "Redis", lan.redis)
	cut(worker, "MySQL", lan.mysql)
	cut(worker, "the receiver", lan.receiver)
	cut(worker, "both schedulers' hosts", hosts["scheduler-1"].address, hosts["scheduler-2"].address)
	leader := lan.leader(t, w, hosts)
	cut(hosts[leader], "Redis", lan.redis) // its lock ends
	leader = lan.leader(t, w, hosts)
	cutUntil(func() bool { return !slices.Contains([]string{"", leader}, lan.leader(t, w, hosts)) }, hosts[leader], "MySQL", lan.mysql) // it gives the lead up
	traffic.Stop()

	violations := place(w).Settle(t.Context(), 3*time.Minute)
	ledger, err := checker.ReadLedger(appendOnlyDir(t, w), "cupid:", fleet.Job)
	require.NoError(t, err)
	posts := checker.CheckPosts(answers.posts(w.Receiver.Received()), faults)
	violations = append(append(violations, ledger.Violations...), posts.Violations...)
	require.Empty(t, violations)
	fmt.Printf("chaos: %d cuts of hosts; %d POSTs of %d callbacks; %d claims of %d ranges, %d late\n",
		len(faults), posts.Posts, posts.Webhooks, ledger.Claims, ledger.Ranges, ledger.Late)
}

// lan is a bridge with an address for each server, and hosts on it.
type lan struct {
	name                   string // begins the names of all that is made
	net                    string // "10.77": the first half of every address
	mysql, redis, receiver string
}

// host is one network namespace.
type host struct {
	namespace, address string
	process            *fleet.Process
}

func ip(arguments string) error {
	output, err := exec.Command("ip", strings.Fields(arguments)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", arguments, err, output)
	}
	return nil
}

func newLAN(t *testing.T) (*lan, error) {
	t.Helper()
	n := 100 + rand.IntN(100)
	l := &lan{name: fmt.Sprintf("cup%d", n), net: fmt.Sprintf("10.%d", n)}
	l.mysql, l.redis, l.receiver = l.net+".0.1", l.net+".0.2", l.net+".0.3"
	if err := ip("link add " + l.name + " type bridge"); err != nil {
		return nil, err
	}
	t.Cleanup(func() { require.NoError(t, ip("link del "+l.name)) })
	if err := ip("link set " + l.name + " up"); err != nil {
		return nil, err
	}
	for _, address := range []string{l.mysql, l.redis, l.receiver} {
		if err := ip("addr add " + address + "/16 dev " + l.name); err != nil {
			return nil, err
		}
	}
	probe := l.name + "probe"
	if err := ip("netns add " + probe); err != nil {
		return nil, err
	}
	return l, ip("netns del " + probe)
}

// serve forwards from the servers' addresses on the bridge.
func (l *lan) serve(t *testing.T, w *fleet.World) {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	at := func(name, address, upstream string) string {
		p := toxiproxy.NewProxy(server, name, net.JoinHostPort(address, "0"), upstream)
		require.NoError(t, p.Start())
		t.Cleanup(p.Stop)
		return p.Listen
	}
	mysql := at("mysql", l.mysql, w.MySQL.Addr)
	w.Via = fleet.Route{
		Source: mysql, Destination: mysql, Redis: at("redis", l.redis, w.Redis.Addr),
		Receiver: at("receiver", l.receiver, strings.TrimPrefix(w.Receiver.URL, "http://")),
	}
}

// host makes the n-th one and puts it on the bridge.
func (l *lan) host(t *testing.T, n int) *host {
	t.Helper()
	h := &host{namespace: fmt.Sprintf("%sh%d", l.name, n), address: fmt.Sprintf("%s.1.%d", l.net, n)}
	cable := fmt.Sprintf("%sv%d", l.name, n)
	require.NoError(t, ip("netns add "+h.namespace))
	t.Cleanup(func() { require.NoError(t, ip("netns del "+h.namespace)) })
	for _, step := range []string{
		"link add " + cable + " type veth peer name eth0 netns " + h.namespace,
		"link set " + cable + " master " + l.name + " up",
		"-n " + h.namespace + " link set lo up",
		"-n " + h.namespace + " addr add " + h.address + "/16 dev eth0",
		"-n " + h.namespace + " link set eth0 up",
	} {
		require.NoError(t, ip(step))
	}
	return h
}

// drop begins ("-A") or ends ("-D") to lose all packets between the host and addresses.
func (h *host) drop(t *testing.T, verb string, addresses ...string) {
	t.Helper()
	for _, address := range addresses {
		for _, rule := range []string{"OUTPUT -d ", "INPUT -s "} {
			require.NoError(t, ip("netns exec "+h.namespace+" iptables "+verb+" "+rule+address+" -j DROP"))
		}
	}
}

// leader is the name of the scheduler that leads; "" while none does.
func (l *lan) leader(t *testing.T, w *fleet.World, hosts map[string]*host) string {
	t.Helper()
	value, err := w.Redis.Client.Get(t.Context(), fleet.Key("lock")).Result()
	if errors.Is(err, redis.Nil) {
		return ""
	}
	require.NoError(t, err)
	for name, h := range hosts {
		if strings.HasSuffix(value, fmt.Sprintf(":%d", h.process.PID())) {
			return name
		}
	}
	t.Fatalf("nobody's lock: %s", value)
	return ""
}
