package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
)

// target says whom an operator's command asks.
type target struct {
	root            *cobra.Command
	addr, tokenFile string
	json            bool
}

// add lets commands be told whom to ask.
func (t *target) add(all ...*cobra.Command) {
	for _, c := range all {
		c.Flags().StringVar(&t.addr, "addr", "", "ask the process at HOST:PORT, or at a URL, instead of the Redis of the config")
		c.Flags().StringVar(&t.tokenFile, "token-file", "", "file with the http.token of that process; else CUPID_HTTP_TOKEN, or that of the config")
	}
}

// addTo is add for a command that has JSON too.
func (t *target) addTo(c *cobra.Command) {
	t.add(c)
	c.Flags().BoolVar(&t.json, "json", false, "print JSON")
}

// path is that of the config, "" for none.
func (t *target) path() string { return t.root.PersistentFlags().Lookup("configPath").Value.String() }

// ask does something with the fleet that a command was told of.
func (t *target) ask(do func(app.Operator) error) error {
	o, err := t.operator()
	if err != nil {
		return err
	}
	return errors.Join(do(o), o.Close())
}

// operator reaches a fleet by the Redis that the config names, or by one of its processes.
func (t *target) operator() (app.Operator, error) {
	if t.addr == "" {
		if t.path() == "" {
			return nil, mistake{errors.New("say whom to ask: -c FILE (the config of the fleet) or --addr HOST:PORT (one process)")}
		}
		cfg, err := (&flags{path: t.path()}).load()
		if err != nil {
			return nil, err
		}
		return app.Operate(cfg), nil
	}
	token, err := t.token()
	return app.OperateAt(t.addr, token), err
}

// token is what the process that is asked may want to hear.
func (t *target) token() (string, error) {
	switch {
	case t.tokenFile != "":
		text, err := os.ReadFile(t.tokenFile)
		if err != nil || len(strings.Fields(string(text))) != 1 {
			return "", mistake{fmt.Errorf("--token-file %s: want a readable file that holds the token and nothing else", t.tokenFile)}
		}
		return strings.TrimSpace(string(text)), nil
	case t.path() != "":
		cfg, err := (&flags{path: t.path()}).load()
		if err != nil {
			return "", err
		}
		return cfg.HTTP.Token.Reveal(), nil
	}
	return os.Getenv("CUPID_HTTP_TOKEN"), nil
}

// status is how the fleet fares.
func (t *target) status(ctx context.Context) (s app.Status, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = t.ask(func(o app.Operator) (err error) {
		s, err = o.Status(ctx)
		return err
	})
	return s, err
}
