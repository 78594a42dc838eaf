package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/notify"
)

// Masked is what is in force, as YAML in the job form, with asterisks for
// everything secret.
func (c *Config) Masked() ([]byte, error) {
	return write(c, writer{secret: job.Secret.String, address: maskedURL})
}

// Convert writes c as a config file in the job form. It holds the secrets: write
// it only where the config itself may lie.
func Convert(c *Config) ([]byte, error) {
	reveal := func(s job.Secret) string { return strings.ReplaceAll(s.Reveal(), "${", "$${") }
	return write(c, writer{secret: reveal, address: func(s string) string { return s }})
}

// writer says how secrets, and addresses that may hold one, are written.
type writer struct {
	secret  func(job.Secret) string
	address func(string) string
}

func write(c *Config, w writer) ([]byte, error) {
	text, err := yaml.Marshal(w.file(c))
	if err != nil {
		return nil, fmt.Errorf("write config: %w", err)
	}
	return text, nil
}

// maskedURL leaves of a URL what shows where it leads.
func maskedURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "********"
	}
	shown := u.Scheme + "://" + u.Host + u.EscapedPath()
	if u.User != nil {
		shown = u.Scheme + "://********@" + u.Host + u.EscapedPath()
	}
	if u.RawQuery != "" {
		shown += "?********"
	}
	return shown
}

// span is a duration as a config file writes it.
type span time.Duration

// MarshalYAML writes "2s".
func (s span) MarshalYAML() (any, error) { return shortDuration(time.Duration(s)), nil }

// nameOrAll is one name, or a list of several.
type nameOrAll []string

// MarshalYAML writes a lone name as a text.
func (n nameOrAll) MarshalYAML() (any, error) {
	if len(n) == 1 && !strings.Contains(n[0], ",") {
		return n[0], nil
	}
	return []string(n), nil
}

// The job form, as it is written.
type (
	fileForm struct {
		Redis           *redisForm `yaml:"redis,omitempty"`
		State           string     `yaml:"state,omitempty"`
		Log             logForm    `yaml:"log"`
		HTTP            httpForm   `yaml:"http"`
		Worker          workerForm `yaml:"worker"`
		Load            loadForm   `yaml:"load"`
		ShutdownTimeout span       `yaml:"shutdownTimeout"`
		Lease           span       `yaml:"lease"`
		Alerts          alertsForm `yaml:"alerts"`
		Jobs            []jobForm  `yaml:"jobs"`
	}
	redisForm struct {
		Addr     []string `yaml:"addr,flow"`
		Username string   `yaml:"username,omitempty"`
		Password string   `yaml:"password,omitempty"`
		DB       int      `yaml:"db"`
		Prefix   string   `yaml:"prefix"`
		Master   string   `yaml:"master,omitempty"`

		SentinelUsername string `yaml:"sentinelUsername,omitempty"`
		SentinelPassword string `yaml:"sentinelPassword,omitempty"`

		Cluster  bool   `yaml:"cluster"`
		TLS      bool   `yaml:"tls"`
		CAFile   string `yaml:"caFile,omitempty"`
		CertFile string `yaml:"certFile,omitempty"`
		KeyFile  string `yaml:"keyFile,omitempty"`
	}
	logForm struct {
		Dir       string `yaml:"dir,omitempty"`
		Format    string `yaml:"format"`
		Level     string `yaml:"level"`
		MaxSizeMB int    `yaml:"maxSizeMB"`
		MaxFiles  int    `yaml:"maxFiles"`
	}
	httpForm struct {
		Addr  string `yaml:"addr"`
		Token string `yaml:"token,omitempty"`
		Open  bool   `yaml:"open"`
		Rows  bool   `yaml:"rows"`
	}
	loadForm struct {
		Queries        int  `yaml:"queries"`
		RowsPerSecond  int  `yaml:"rowsPerSecond"`
		ThreadsRunning int  `yaml:"threadsRunning"`
		ReplicaLag     span `yaml:"replicaLag"`
	}
	workerForm struct {
		Comparers    int  `yaml:"comparers"`
		RangePoll    span `yaml:"rangePoll"`
		CallbackPoll span `yaml:"callbackPoll"`
	}
	alertsForm struct {
		Language   string       `yaml:"language"`
		Repeat     span         `yaml:"repeat"`
		URLs       []string     `yaml:"urls,omitempty"`
		DingTalk   dingTalkForm `yaml:"dingtalk,omitempty"`
		ServerChan sendKeyForm  `yaml:"serverChan"`
		Pushbear   sendKeyForm  `yaml:"pushbear"`
	}
	dingTalkForm struct {
		URL    string `yaml:"url,omitempty"`
		Secret string `yaml:"secret,omitempty"`
	}
	sendKeyForm struct {
		SendKey string `yaml:"sendKey,omitempty"`
		BaseURL string `yaml:"baseURL"`
	}
	jobForm struct {
		Name         string            `yaml:"name"`
		Source       sourceForm        `yaml:"source"`
		StartID      string            `yaml:"startID,omitempty"`
		Insert       insertForm        `yaml:"insert"`
		Update       updateForm        `yaml:"update"`
		RangeRows    int               `yaml:"rangeRows"`
		Checksum     string            `yaml:"checksum"`
		LateCommit   span              `yaml:"lateCommit"`
		ConfirmDelay span              `yaml:"confirmDelay"`
		HotBound     span              `yaml:"hotBound"`
		MaxRanges    int               `yaml:"maxRanges"`
		MaxCallbacks int               `yaml:"maxCallbacks"`
		Destinations []destinationForm `yaml:"destinations"`
	}
	sourceForm struct {
		DSN      string    `yaml:"dsn"`
		Table    string    `yaml:"table"`
		ByColumn nameOrAll `yaml:"byColumn"`
		ScanKey  string    `yaml:"scanKey,omitempty"`
		Where    string    `yaml:"where,omitempty"`

		replicasForm `yaml:",inline"`
	}
	replicasForm struct {
		Replicas []string `yaml:"replicas,omitempty"`
		MaxLag   *span    `yaml:"maxLag,omitempty"`
	}
	insertForm struct {
		Enabled bool `yaml:"enabled"`
		Every   span `yaml:"every"`
	}
	updateForm struct {
		Enabled bool   `yaml:"enabled"`
		Every   span   `yaml:"every"`
		Column  string `yaml:"column,omitempty"`
		Window  span   `yaml:"window"`
		Format  string `yaml:"format,omitempty"`
		Zone    string `yaml:"zone,omitempty"`
	}
	destinationForm struct {
		Name     string         `yaml:"name"`
		DSN      string         `yaml:"dsn"`
		Table    string         `yaml:"table"`
		ByColumn nameOrAll      `yaml:"byColumn"`
		Where    string         `yaml:"where,omitempty"`
		Columns  map[string]any `yaml:"columns"`
		Callback callbackForm   `yaml:"callback"`

		replicasForm `yaml:",inline"`
	}
	columnForm struct {
		Column     string `yaml:"column"`
		Ignore     bool   `yaml:"ignore,omitempty"`
		Trim       bool   `yaml:"trim,omitempty"`
		IgnoreCase bool   `yaml:"ignoreCase,omitempty"`
		Tolerance  string `yaml:"tolerance,omitempty"`
		Precision  *int   `yaml:"precision,omitempty"`
		Zone       string `yaml:"zone,omitempty"`
	}
	callbackForm struct {
		URL         string `yaml:"url,omitempty"`
		Timeout     span   `yaml:"timeout"`
		Retry       span   `yaml:"retry"`
		SlowRetry   span   `yaml:"slowRetry"`
		Verify      bool   `yaml:"verify"`
		VerifyDelay span   `yaml:"verifyDelay"`
		Concurrency int    `yaml:"concurrency"`
		MaxInFlight int    `yaml:"maxInFlight"`
		Rate        int    `yaml:"rate"`
		BreakAfter  int    `yaml:"breakAfter"`
		Body        string `yaml:"body"`

		DestinationRow bool              `yaml:"destinationRow"`
		MaxBytes       int               `yaml:"maxBytes"`
		Headers        map[string]string `yaml:"headers,omitempty"`
		Bearer         string            `yaml:"bearer,omitempty"`
		Username       string            `yaml:"username,omitempty"`
		Password       string            `yaml:"password,omitempty"`
		CAFile         string            `yaml:"caFile,omitempty"`
		CertFile       string            `yaml:"certFile,omitempty"`
		KeyFile        string            `yaml:"keyFile,omitempty"`
		Proxy          string            `yaml:"proxy,omitempty"`
		Networks       []netip.Prefix    `yaml:"networks,omitempty"`

		Secrets []string `yaml:"secrets,omitempty"`
		Brake   float64  `yaml:"brake"`
		Off     bool     `yaml:"off"`
	}
)

func (w writer) file(c *Config) fileForm {
	f := fileForm{
		Redis: w.redis(c.Redis),
		State: c.State,
		Log: logForm{
			Dir: c.Log.Dir, Format: c.Log.Format, Level: strings.ToLower(c.Log.Level.String()),
			MaxSizeMB: c.Log.MaxSizeMB, MaxFiles: c.Log.MaxFiles,
		},
		HTTP:            httpForm{c.HTTP.Addr, w.secret(c.HTTP.Token), c.HTTP.Open, c.HTTP.Rows},
		Worker:          workerForm{c.Worker.Comparers, span(c.Worker.RangePoll), span(c.Worker.CallbackPoll)},
		Load:            loadForm{c.Load.Queries, c.Load.RowsPerSecond, c.Load.ThreadsRunning, span(c.Load.ReplicaLag)},
		ShutdownTimeout: span(c.Process.ShutdownTimeout),
		Lease:           span(c.Process.Lease),
		Alerts:          w.alerts(c.Alerts),
	}
	for _, j := range c.Jobs {
		f.Jobs = append(f.Jobs, w.job(j))
	}
	return f
}

func (w writer) alerts(c notify.Config) alertsForm {
	f := alertsForm{
		Language:   string(c.Language),
		Repeat:     span(c.Repeat),
		DingTalk:   dingTalkForm{w.secret(c.DingTalk.URL), w.secret(c.DingTalk.Secret)},
		ServerChan: sendKeyForm{w.secret(c.ServerChan.SendKey), w.address(c.ServerChan.BaseURL)},
		Pushbear:   sendKeyForm{w.secret(c.Pushbear.SendKey), w.address(c.Pushbear.BaseURL)},
	}
	for _, url := range c.URLs {
		f.URLs = append(f.URLs, w.secret(url))
	}
	return f
}

func (w writer) redis(c *broker.Config) *redisForm {
	if c == nil {
		return nil
	}
	return &redisForm{
		Addr: c.Addrs, Username: c.Username, Password: w.secret(c.Password),
		DB: c.DB, Prefix: c.Prefix, Master: c.Master,
		SentinelUsername: c.SentinelUsername, SentinelPassword: w.secret(c.SentinelPassword),
		Cluster: c.Cluster, TLS: c.TLS, CAFile: c.CAFile, CertFile: c.CertFile, KeyFile: c.KeyFile,
	}
}

func (w writer) job(j job.Job) jobForm {
	f := jobForm{
		Name: j.Name,
		Source: sourceForm{
			DSN: w.secret(j.Source.DSN), Table: j.Source.Shard.Table,
			ByColumn: j.Source.ByColumns, ScanKey: j.Source.ScanKey, Where: j.Source.Where,
			replicasForm: w.replicas(j.Source.Replicas),
		},
		StartID: j.StartID,
		Insert:  insertForm{j.Insert.Enabled, span(j.Insert.Every)},
		Update: updateForm{
			Enabled: j.Update.Enabled, Every: span(j.Update.Every), Column: j.Update.Column,
			Window: span(j.Update.Window), Format: j.Update.Format.String(), Zone: j.Update.Zone,
		},
		RangeRows: j.RangeRows, Checksum: string(j.Checksum), LateCommit: span(j.LateCommit), ConfirmDelay: span(j.ConfirmDelay),
		HotBound: span(j.HotBound), MaxRanges: j.MaxRanges, MaxCallbacks: j.MaxCallbacks,
	}
	for _, d := range j.Destinations {
		f.Destinations = append(f.Destinations, w.destination(d))
	}
	return f
}

func (w writer) destination(d job.Destination) destinationForm {
	c := d.Callback
	f := destinationForm{
		Name: d.Name, DSN: w.secret(d.DSN), Table: d.Table, ByColumn: d.ByColumns, Where: d.Where, Columns: map[string]any{},
		Callback: callbackForm{
			URL: w.address(c.URL), Timeout: span(c.Timeout), Retry: span(c.Retry), SlowRetry: span(c.SlowRetry),
			Verify: c.Verify, VerifyDelay: span(c.VerifyDelay), Concurrency: c.Concurrency,
			MaxInFlight: c.Limit.AtOnce, Rate: c.Limit.PerSecond, BreakAfter: c.Limit.BreakAfter, Body: string(c.Body), Brake: c.Brake, Off: c.Off,
			DestinationRow: c.DestinationRow, MaxBytes: c.MaxBytes,
			Bearer: w.secret(c.Connect.Bearer), Username: c.Connect.Username, Password: w.secret(c.Connect.Password),
			CAFile: c.Connect.CAFile, CertFile: c.Connect.CertFile, KeyFile: c.Connect.KeyFile,
			Proxy: w.secret(c.Connect.Proxy), Networks: c.Connect.Networks,
		},
		replicasForm: w.replicas(d.Replicas),
	}
	for _, h := range c.Connect.Headers {
		if f.Callback.Headers == nil {
			f.Callback.Headers = map[string]string{}
		}
		f.Callback.Headers[h.Name] = w.secret(h.Value)
	}
	for _, pair := range d.Columns {
		f.Columns[pair.Source] = columnOf(pair)
	}
	for _, secret := range c.Secrets {
		f.Callback.Secrets = append(f.Callback.Secrets, w.secret(secret))
	}
	return f
}

func (w writer) replicas(all job.Replicas) (f replicasForm) {
	for _, replica := range all.Servers {
		f.Replicas = append(f.Replicas, w.secret(replica.DSN))
	}
	if all.MaxLag > 0 {
		lag := span(all.MaxLag)
		f.MaxLag = &lag
	}
	return f
}

// columnOf is a column's name, or with its options a section.
func columnOf(pair job.ColumnPair) any {
	o := pair.Options
	if o == (job.ColumnOptions{}) {
		return pair.Destination
	}
	return columnForm{pair.Destination, o.Ignore, o.Trim, o.IgnoreCase, o.Tolerance, o.Precision, o.Zone}
}
