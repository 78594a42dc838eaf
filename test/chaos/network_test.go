//go:build chaos

package chaos

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/proctest"
	"github.com/masixun71/cupid-go/test/fleet"
)

// network stands between the processes and their servers.
type network struct {
	source, destination, redis, receiver *link
}

// link is the way to one server.
type link struct {
	name  string
	proxy *toxiproxy.Proxy
}

func newNetwork(t *testing.T, w *fleet.World) *network {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	to := func(name, upstream string) *link {
		var p *toxiproxy.Proxy
		for started := false; !started; {
			port, err := proctest.FreePort() // no outgoing connection takes it while the link is cut
			require.NoError(t, err)
			p = toxiproxy.NewProxy(server, name, fmt.Sprintf("127.0.0.1:%d", port), upstream)
			started = p.Start() == nil
		}
		t.Cleanup(p.Stop)
		return &link{name: name, proxy: p}
	}
	n := &network{
		source: to("source", w.MySQL.Addr), destination: to("destination", w.MySQL.Addr), redis: to("redis", w.Redis.Addr),
		receiver: to("receiver", strings.TrimPrefix(w.Receiver.URL, "http://")),
	}
	w.Via = fleet.Route{Source: n.source.addr(), Destination: n.destination.addr(), Redis: n.redis.addr(), Receiver: n.receiver.addr()}
	return n
}

func (l *link) addr() string { return l.proxy.Listen }

// cut refuses and ends all connections.
func (l *link) cut(testing.TB) { l.proxy.Stop() }

// mend waits for the port, which a program beside this one may have taken for a moment.
func (l *link) mend(t testing.TB) {
	t.Helper()
	eventually.Until(t, time.Minute, func() bool { return l.proxy.Start() == nil }, "the port of the link to "+l.name+" is free again")
}

// disturb adds a toxic: an attribute of toxiproxy with its values.
func (l *link) disturb(kind, stream string, attributes map[string]int) func(testing.TB) {
	return func(t testing.TB) {
		t.Helper()
		toxic, err := json.Marshal(map[string]any{"type": kind, "name": kind, "stream": stream, "attributes": attributes})
		require.NoError(t, err)
		_, err = l.proxy.Toxics.AddToxicJson(strings.NewReader(string(toxic)))
		require.NoError(t, err)
	}
}

// calm removes what disturbs.
func (l *link) calm(t testing.TB) { t.Helper(); l.proxy.Toxics.ResetToxics(t.Context()) }
