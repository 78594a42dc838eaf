package config

import (
	"cmp"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/job"
)

func (r *reader) log() Log {
	l := Log{
		Dir:       r.text("log.dir"),
		Format:    r.word("log.format"),
		MaxSizeMB: r.number("log.maxSizeMB"),
		MaxFiles:  r.number("log.maxFiles"),
	}
	if word := r.word("log.level"); !r.bad("log.level") {
		// The words allowed are those that slog knows.
		_ = l.Level.UnmarshalText([]byte(word))
	}
	return l
}

// seedProcesses are the manager and the callback process that workerNumber counts too.
const seedProcesses = 2

func (r *reader) worker() Worker {
	return Worker{
		Comparers:    r.comparers(),
		RangePoll:    r.poll("worker.rangePoll"),
		CallbackPoll: r.poll("worker.callbackPoll"),
	}
}

func (r *reader) load() job.Load {
	return job.Load{
		Queries:        r.number("load.queries"),
		RowsPerSecond:  r.number("load.rowsPerSecond"),
		ThreadsRunning: r.number("load.threadsRunning"),
		ReplicaLag:     r.duration("load.replicaLag"),
	}
}

// comparers takes two from the seed's workerNumber.
func (r *reader) comparers() int {
	const key = "worker.comparers"
	if o := r.origins[key]; !r.seed || !strings.EqualFold(o.name, "workerNumber") {
		return r.number(key)
	}
	v, at, _ := r.find(key)
	limit := r.limit(key)
	n, ok := r.wholeNumber(v, at)
	if n -= seedProcesses; !ok || n < limit.min || n > limit.max {
		r.wrong(at, "found "+shown(v), "want a whole number from "+strconv.Itoa(limit.min+seedProcesses)+
			" to "+strconv.Itoa(limit.max+seedProcesses)+" (two are the manager and the callbacks)")
	}
	return n
}

// minPoll keeps an idle fleet from costing anything: work is announced.
const minPoll = time.Second

func (r *reader) poll(key string) time.Duration {
	d := r.duration(key)
	if d < minPoll && d > 0 {
		_, at, _ := r.find(key)
		r.notes.warn(r.name(at) + ": found " + shortDuration(d) + ", used as 1s: new work is announced, the poll is only for lost announcements")
		return minPoll
	}
	return d
}

// httpAddr adds what an address leaves out.
func (r *reader) httpAddr() string {
	const key = "http.addr"
	addr := r.text(key)
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host, port = strings.Trim(addr, "[]"), "0"
	}
	if !validHost(host) && host != "" || !validPort(port, 0) {
		_, at, _ := r.find(key)
		r.wrong(at, "found "+shown(addr), `want host:port such as "127.0.0.1:8080"`)
	}
	return net.JoinHostPort(host, port)
}

// shortestToken is what nobody guesses, however often it is tried.
const shortestToken = 16

// token reads a secret that travels in a header.
func (r *reader) token(key string) job.Secret {
	s := r.secret(key)
	text := s.Reveal()
	_, at, _ := r.find(key)
	switch {
	case s.Empty() || r.bad(key):
	case len(text) < shortestToken:
		r.wrong(at, "found "+strconv.Itoa(len(text))+" characters", "want "+strconv.Itoa(shortestToken)+" or more, for example from: openssl rand -hex 16")
	case strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }):
		r.wrong(at, "found a blank or a character beyond ASCII", "want letters, digits and signs of ASCII")
	}
	return s
}

func validPort(port string, least int) bool {
	n, err := strconv.Atoi(port)
	return err == nil && n >= least && n <= 65535 && strconv.Itoa(n) == port
}

// validHost allows names and addresses, nothing that a URL or a DSN is made of.
func validHost(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	if net.ParseIP(strings.SplitN(host, "%", 2)[0]) != nil {
		return true
	}
	return !strings.ContainsFunc(host, func(c rune) bool {
		return c < 0x80 && c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
}

// redis reads the redis section; nil when no address is given.
func (r *reader) redis() *broker.Config {
	c := &broker.Config{
		Username: r.text("redis.username"),
		Password: r.secret("redis.password"),
		DB:       r.number("redis.db"),
		Prefix:   r.prefix("redis.prefix"),
		Master:   r.text("redis.master"),
		TLS:      r.flag("redis.tls"),
		Cluster:  r.flag("redis.cluster"),

		SentinelUsername: r.text("redis.sentinelUsername"),
		SentinelPassword: r.secret("redis.sentinelPassword"),
		CAFile:           r.path("redis.caFile"),
		CertFile:         r.path("redis.certFile"),
		KeyFile:          r.path("redis.keyFile"),
	}
	c.Roots = r.authorities("redis.caFile", c.CAFile)
	c.Certificate = r.certificate("redis.certFile", "redis.keyFile", c.CertFile, c.KeyFile)
	addrs := r.texts("redis.addr")
	if len(addrs) == 0 {
		others := []string{"redis.username", "redis.password", "redis.db", "redis.master", "redis.tls"}
		if !r.given("redis.addr") && slices.ContainsFunc(others, r.given) {
			r.missing("redis.addr", `want host:port, or "" for no Redis`)
		}
		return nil
	}
	for _, addr := range addrs {
		r.redisAddr(c, addr, len(addrs))
	}
	c.TLS = c.TLS || c.Roots != nil || c.Certificate != nil
	if c.Cluster && c.Master != "" {
		r.wrong("redis.cluster", "found it besides "+r.name("redis.master"), "want a cluster or sentinels")
	}
	if (len(c.Addrs) > 1 || c.Cluster) && c.Master == "" && c.DB != 0 {
		r.wrong("redis.db", "found "+strconv.Itoa(c.DB)+" for a cluster", "want 0: a cluster has one database")
	}
	return c
}

// prefixForm leaves out braces, which say what a cluster keeps together, and
// what an operator's search pattern would take for its own.
var prefixForm = regexp.MustCompile(`^[A-Za-z0-9_.:/-]{1,64}$`)

func (r *reader) prefix(key string) string {
	prefix := r.text(key)
	if _, at, _ := r.find(key); !r.bad(key) && !prefixForm.MatchString(prefix) {
		r.wrong(at, "found "+shown(prefix), "want 1 to 64 letters, digits and _ . : / - such as \"cupid:\"")
	}
	return prefix
}

// redisAddr adds one address. What a URL says gives way to a key that says it too.
func (r *reader) redisAddr(c *broker.Config, addr string, count int) {
	const want = "want host:port, or one redis:// or rediss:// URL"
	_, at, _ := r.find("redis.addr")
	if !strings.Contains(addr, "://") {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			host, port = strings.Trim(addr, "[]"), "6379"
		}
		if !validHost(host) || !validPort(port, 1) {
			r.wrong(at, "found "+shown(addr), want)
		}
		c.Addrs = append(c.Addrs, net.JoinHostPort(host, port))
		return
	}
	u, err := url.Parse(addr)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || !validHost(u.Hostname()) || count > 1 || u.RawQuery != "" {
		r.wrong(at, "found a URL that cannot be used", want+" such as redis://user:password@host:6379/0")
		return
	}
	port := cmp.Or(u.Port(), "6379")
	c.Addrs = append(c.Addrs, net.JoinHostPort(u.Hostname(), port))
	c.TLS = c.TLS || u.Scheme == "rediss"
	c.Username = cmp.Or(c.Username, u.User.Username())
	if password, _ := u.User.Password(); c.Password.Empty() {
		c.Password = job.NewSecret(password)
	}
	if path := strings.Trim(u.Path, "/"); path != "" {
		db, err := strconv.Atoi(path)
		if err != nil || db < 0 || !validPort(port, 1) {
			r.wrong(at, "found a URL whose path is no number of a database", want+" such as redis://host:6379/0")
		}
		if !r.given("redis.db") {
			c.DB = db
		}
	}
}

// webURL reads an http or https address; without a scheme it is http. The URL
// itself is never shown: it may hold a token.
func (r *reader) webURL(key string) string {
	text := strings.TrimSpace(r.text(key))
	if text == "" {
		return ""
	}
	_, at, _ := r.find(key)
	return r.webAddress(text, at)
}

// webAddress checks an address that stands at a key.
func (r *reader) webAddress(text, at string) string {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	const want = "want http://host:port/path or https://host:port/path"
	u, err := url.Parse(text)
	switch {
	case strings.ContainsAny(text, " \t\r\n"):
		r.wrong(at, "found a URL with a blank in it", want)
	case err != nil:
		r.wrong(at, "found a URL that cannot be read", want)
	case u.Scheme != "http" && u.Scheme != "https":
		r.wrong(at, "found a URL with another scheme", want)
	case !validHost(u.Hostname()):
		r.wrong(at, "found a URL without a valid host", want)
	case u.Port() != "" && !validPort(u.Port(), 1):
		r.wrong(at, "found a URL whose port is no port", want)
	}
	return text
}

// shortDuration is 1m30s without the zeroes of Duration.String.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
