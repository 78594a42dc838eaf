package broker

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Ear hears what this process asks of Redis. Each field may be nil; none may block.
type Ear struct {
	// OnAnswer hears how long an answer took: of one command, or of several that were sent together.
	OnAnswer func(took time.Duration)
	// OnScriptError hears of an error that a script of this name ended with.
	OnScriptError func(script string)
}

// Scripts are the names of all scripts.
func Scripts() []string {
	entries, err := sources.ReadDir("scripts")
	if err != nil {
		panic(err) // embedded at build time
	}
	var names []string
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), ".lua"); name != "prelude" {
			names = append(names, name)
		}
	}
	return names
}

// scriptNames are the scripts by their hash, which is what is sent.
var scriptNames = func() map[string]string {
	names := map[string]string{}
	for _, name := range Scripts() {
		names[script(name).Hash()] = name
	}
	return names
}()

// listener is an Ear on the library's hooks.
type listener struct{ ear Ear }

func (l listener) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (l listener) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmd)
		l.answered(began, err)
		l.ran(cmd, err) // the command itself holds no error yet
		return err
	}
}

func (l listener) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmds)
		l.answered(began, err)
		for _, cmd := range cmds {
			l.ran(cmd, cmd.Err())
		}
		return err
	}
}

// answered tells of an answer, which an error that Redis names is too.
func (l listener) answered(began time.Time, err error) {
	if _, named := errors.AsType[redis.Error](err); l.ear.OnAnswer != nil && (err == nil || named) {
		l.ear.OnAnswer(time.Since(began))
	}
}

// ran tells of a script that ended with an error.
func (l listener) ran(cmd redis.Cmder, err error) {
	if name := scriptOf(cmd); name != "" && l.ear.OnScriptError != nil && isScriptError(err) {
		l.ear.OnScriptError(name)
	}
}

// scriptOf is the name of the script that a command runs; "" for none.
func scriptOf(cmd redis.Cmder) string {
	args := cmd.Args()
	if len(args) < 2 {
		return ""
	}
	text, _ := args[1].(string)
	switch cmd.Name() {
	case "evalsha":
		return scriptNames[text]
	case "eval":
		return scriptNames[redis.NewScript(text).Hash()]
	}
	return ""
}

// isScriptError is false for what the next try mends: a script that Redis does not hold yet, a
// Redis that takes nothing at the moment, no answer at all.
func isScriptError(err error) bool {
	return err != nil && !errors.Is(err, redis.Nil) && !redis.HasErrorPrefix(err, "NOSCRIPT") && !isDown(err)
}
