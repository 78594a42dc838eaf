package broker

import "github.com/masixun71/cupid-go/pkg/job"

// Config says which Redis to use.
type Config struct {
	// Addrs holds one address for a standalone server, several for a cluster,
	// or those of the sentinels when Master is set.
	Addrs    []string
	Username string
	Password job.Secret
	DB       int
	// Prefix stands before every key; the default is "cupid:".
	Prefix string
	// Master is the name the sentinels know the primary by.
	Master string
	TLS    bool
}

// DefaultPrefix stands before every key unless the config says otherwise.
const DefaultPrefix = "cupid:"
