package config

import (
	"reflect"

	"github.com/masixun71/cupid-go/pkg/broker"
)

// CommonDiffers are the keys outside of the jobs that another reading has otherwise. Where
// a section is one thing, such as redis, it is named as a whole.
func (c *Config) CommonDiffers(o *Config) []string {
	var keys []string
	for _, setting := range []struct {
		key         string
		mine, other any
	}{
		{"redis", spoken(c.Redis), spoken(o.Redis)},
		{"state", c.State, o.State},
		{"log.dir", c.Log.Dir, o.Log.Dir},
		{"log.format", c.Log.Format, o.Log.Format},
		{"log.level", c.Log.Level, o.Log.Level},
		{"log.maxSizeMB", c.Log.MaxSizeMB, o.Log.MaxSizeMB},
		{"log.maxFiles", c.Log.MaxFiles, o.Log.MaxFiles},
		{"http.addr", c.HTTP.Addr, o.HTTP.Addr},
		{"http.token", c.HTTP.Token, o.HTTP.Token},
		{"http.open", c.HTTP.Open, o.HTTP.Open},
		{"http.rows", c.HTTP.Rows, o.HTTP.Rows},
		{"worker.comparers", c.Worker.Comparers, o.Worker.Comparers},
		{"worker.rangePoll", c.Worker.RangePoll, o.Worker.RangePoll},
		{"worker.callbackPoll", c.Worker.CallbackPoll, o.Worker.CallbackPoll},
		{"load", c.Load, o.Load},
		{"shutdownTimeout", c.Process.ShutdownTimeout, o.Process.ShutdownTimeout},
		{"lease", c.Process.Lease, o.Process.Lease},
		{"alerts", c.Alerts, o.Alerts},
	} {
		if !reflect.DeepEqual(setting.mine, setting.other) { // secrets stand behind pointers
			keys = append(keys, setting.key)
		}
	}
	return keys
}

// spoken is what a config says of Redis, without what was read from the files that it names.
func spoken(c *broker.Config) broker.Config {
	if c == nil {
		return broker.Config{}
	}
	said := *c
	said.Roots, said.Certificate = nil, nil
	return said
}
