package config

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/masixun71/cupid-go/pkg/job"
)

// job reads one job; what is wrong with it is in the notes.
func (r *reader) job(i int, lease time.Duration) job.Job {
	at := func(key string) string { return fmt.Sprintf("jobs.%d.%s", i, key) }
	lateCommit := r.duration(at("lateCommit"))
	source := r.source(at("source."), lateCommit)
	j := job.Job{
		Name:         r.jobName(at("name"), source.Shard),
		Source:       source,
		Insert:       job.InsertScan{Enabled: r.flag(at("insert.enabled")), Every: r.duration(at("insert.every"))},
		Update:       r.update(at("update.")),
		StartID:      r.startID(at("startID")),
		RangeRows:    r.number(at("rangeRows")),
		Checksum:     job.Checksum(r.word(at("checksum"))),
		LateCommit:   lateCommit,
		MaxRanges:    r.number(at("maxRanges")),
		MaxCallbacks: r.number(at("maxCallbacks")),
		ConfirmDelay: r.duration(at("confirmDelay")),
		HotBound:     r.duration(at("hotBound")),
		Lenient:      r.seed,
	}
	if !j.Insert.Enabled && !j.Update.Enabled && !r.bad(at("insert.enabled")) && !r.bad(at("update.enabled")) {
		r.wrong(at("insert.enabled"), "found neither insert nor update", "want at least one of them true")
	}
	j.Destinations = r.destinations(at("destinations"), j, lease)
	return j
}

func (r *reader) jobName(key string, shard job.Shard) string {
	return cmp.Or(r.ownName(key), defaultName(shard))
}

// ownName reads a name that the user gave.
func (r *reader) ownName(key string) string {
	name := r.text(key)
	if name != "" && !job.ValidName(name) {
		r.wrong(key, "found "+shown(name), "want up to 64 letters, digits and _ . @ -, beginning with a letter or digit")
	}
	return name
}

// defaultName is "" while the parts of a name are missing.
func defaultName(s job.Shard) string {
	if s.Database == "" || s.Table == "" {
		return ""
	}
	return job.DefaultName(s.Database, s.Table)
}

func (r *reader) source(at string, lateCommit time.Duration) job.Source {
	dsn, address := r.dsn(at)
	s := job.Source{
		DSN:       dsn,
		DSNFile:   r.dsnFile(at),
		Shard:     job.Shard{Table: r.identifier(at+"table", "want the name of the source table")},
		ScanKey:   r.text(at + "scanKey"),
		Where:     strings.TrimSpace(r.text(at + "where")),
		ByColumns: r.names(at + "byColumn"),
		Replicas:  r.replicas(at, address, lateCommit),
	}
	if len(s.ByColumns) == 0 && !r.bad(at+"byColumn") {
		r.missing(at+"byColumn", "want the column, or columns, that relate a row to its destination rows")
	}
	if address != nil {
		s.Shard.Database = address.DBName
	}
	return s
}

// identifier reads the name of a table or column, which must be given.
func (r *reader) identifier(key, want string) string {
	name := r.text(key)
	if strings.TrimSpace(name) == "" && !r.bad(key) {
		r.missing(key, want)
	}
	return name
}

const wantDSN = `want user:password@tcp(host:3306)/database`

// dsn reads dsn or dsnFile. No mistake shows any part of it.
func (r *reader) dsn(at string) (job.Secret, *mysql.Config) {
	key := at + "dsn"
	dsn, file := r.secret(key), r.secretFile(at+"dsnFile")
	switch {
	case r.bad(key) || r.bad(at+"dsnFile"):
		return job.Secret{}, nil
	case !dsn.Empty() && !file.Empty():
		r.wrong(key, "found it besides "+r.name(at+"dsnFile"), "want one of the two")
		return job.Secret{}, nil
	case dsn.Empty() && file.Empty():
		r.missing(key, wantDSN)
		return job.Secret{}, nil
	case dsn.Empty():
		dsn, key = file, at+"dsnFile"
	}
	if address := r.address(dsn, key); address != nil {
		return dsn, address
	}
	return job.Secret{}, nil
}

// address is where a DSN leads; nil after a mistake, which shows no part of it.
func (r *reader) address(dsn job.Secret, key string) *mysql.Config {
	address, err := mysql.ParseDSN(dsn.Reveal())
	switch {
	case err != nil:
		r.wrong(key, "found a DSN that cannot be read"+driverWords(err), wantDSN)
	case strings.Contains(address.DBName+address.Addr, "@"): // a password may have slipped there
		r.wrong(key, "found a DSN whose parts stand in the wrong order", wantDSN)
	case address.DBName == "":
		r.wrong(key, "found a DSN without a database", wantDSN)
	default:
		return address
	}
	return nil
}

// dsnFile is the path of the file that the DSN was read from, if any.
func (r *reader) dsnFile(at string) string {
	if path := r.text(at + "dsnFile"); path != "" {
		return r.beside(path)
	}
	return ""
}

// driverWords keeps those of the driver's errors that do not quote the DSN.
func driverWords(err error) string {
	if words, fixed := strings.CutPrefix(err.Error(), "invalid DSN: "); fixed {
		return " (" + words + ")"
	}
	return ""
}

func (r *reader) update(at string) job.UpdateScan {
	u := job.UpdateScan{
		Enabled: r.flag(at + "enabled"),
		Every:   r.duration(at + "every"),
		Column:  r.text(at + "column"),
		Window:  r.duration(at + "window"),
		Zone:    r.text(at + "zone"),
	}
	if u.Enabled && strings.TrimSpace(u.Column) == "" && !r.bad(at+"column") {
		r.missing(at+"column", "want the column with the time of a row's last change, as update is on")
	}
	format := r.text(at + "format")
	var err error
	if u.Format, err = job.ParseTimeFormat(format); err != nil {
		_, found, _ := r.find(at + "format")
		r.wrong(found, "found "+shown(format), `want Y-m-d H:i:s, a Go layout such as 2006-01-02 15:04:05, unix or unixMilli, from the year down to the second`)
	}
	if _, err := time.LoadLocation(u.Zone); err != nil || u.Zone == "Local" {
		_, found, _ := r.find(at + "zone")
		r.wrong(found, "found "+shown(u.Zone), "want an IANA name such as Asia/Shanghai")
	}
	return u
}

var negative = regexp.MustCompile(`^-[0-9]+$`)

// startID reads a decimal number, or a text for text keys.
func (r *reader) startID(key string) string {
	id := r.text(key)
	printable := !strings.ContainsFunc(id, func(c rune) bool { return c < ' ' || c == 0x7f })
	if negative.MatchString(id) || len(id) > 255 || !printable {
		_, at, _ := r.find(key)
		r.wrong(at, "found "+shown(id), "want a whole number from 0, or the text of a text key")
	}
	return id
}

// callback reads how a destination's differences are told.
func (r *reader) callback(at string, lease time.Duration) job.Callback {
	c := job.Callback{
		URL:         r.webURL(at + "url"),
		Timeout:     r.duration(at + "timeout"),
		Retry:       r.duration(at + "retry"),
		SlowRetry:   r.duration(at + "slowRetry"),
		Verify:      r.flag(at + "verify"),
		VerifyDelay: r.duration(at + "verifyDelay"),
		Concurrency: r.number(at + "concurrency"),
		Limit:       job.Calls{AtOnce: r.number(at + "maxInFlight"), PerSecond: r.number(at + "rate"), BreakAfter: r.number(at + "breakAfter")},
		Body:        job.BodyForm(r.word(at + "body")),
		MaxBytes:    r.number(at + "maxBytes"),
		Connect:     r.connect(at),

		DestinationRow: r.flag(at + "destinationRow"),
		Secrets:        r.webhookSecrets(at + "secrets"),
		Brake:          r.share(at + "brake"),
		Off:            r.flag(at + "off"),
	}
	if c.URL == "" && !c.Off && !r.bad(at+"url") {
		r.missing(at+"url", "want the URL that is called for a difference")
	}
	if c.DestinationRow && c.Body != job.BodyExtended && !r.bad(at+"body") {
		_, found, _ := r.find(at + "destinationRow")
		r.wrong(found, "found it for the body "+string(c.Body), "want body: extended")
	}
	if lease > 0 && c.Timeout >= lease/3 {
		_, found, _ := r.find(at + "timeout")
		r.wrong(found, "found "+shortDuration(c.Timeout), "want less than a third of the lease ("+shortDuration(lease)+")")
	}
	return c
}

// webhookSecrets checks the form that Standard Webhooks gives a secret; a text
// without its prefix is a key as it stands.
func (r *reader) webhookSecrets(key string) []job.Secret {
	var secrets []job.Secret
	_, at, _ := r.find(key)
	for _, text := range r.texts(key) {
		secret := r.expand(text, at)
		encoded, prefixed := strings.CutPrefix(secret.Reveal(), "whsec_")
		raw, err := base64.StdEncoding.DecodeString(encoded)
		if (secret.Empty() || prefixed && (err != nil || len(raw) == 0)) && !r.bad(key) {
			r.wrong(at, "found a secret that is empty or no base64", "want whsec_ and the base64 text of 24 to 64 random bytes, or a plain text")
		}
		secrets = append(secrets, secret)
	}
	return secrets
}
