package broker

import (
	"context"
	"embed"
	"fmt"

	"github.com/redis/go-redis/v9"
)

//go:embed scripts/*.lua
var sources embed.FS

// script loads scripts/<name>.lua behind the prelude. Each is run by exactly
// one method; its header says what it takes, returns and why it is atomic.
func script(name string) *redis.Script {
	return redis.NewScript(source("prelude") + source(name))
}

func source(name string) string {
	text, err := sources.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err) // embedded at build time
	}
	return string(text)
}

var (
	claimScript          = script("claim")
	lateScript           = script("late")
	pushScript           = script("push")
	registerScript       = script("register")
	fetchRangesScript    = script("fetch_ranges")
	putScript            = script("put")
	beginRangeScript     = script("begin_range")
	ackRangeScript       = script("ack_range")
	nackRangeScript      = script("nack_range")
	parkRangeScript      = script("park_range")
	splitRangeScript     = script("split_range")
	unparkRangesScript   = script("unpark_ranges")
	extendScript         = script("extend")
	reclaimScript        = script("reclaim")
	promoteScript        = script("promote")
	fetchCallbacksScript = script("fetch_callbacks")
	settleScript         = script("settle")
	brakeScript          = script("brake")
	eventScript          = script("event")
	readAlertsScript     = script("read_alerts")
	claimAlertsScript    = script("claim_alerts")
	noteToldScript       = script("note_told")
	permitQueryScript    = script("permit_query")
	endQueryScript       = script("end_query")

	enterEndpointScript   = script("enter_endpoint")
	leaveEndpointScript   = script("leave_endpoint")
	holdCallbacksScript   = script("hold_callbacks")
	hastenCallbacksScript = script("hasten_callbacks")
	actCallbacksScript    = script("act_callbacks")
	strayCallbacksScript  = script("stray_callbacks")
	pauseScript           = script("pause")
	resumeScript          = script("resume")
	quietScript           = script("quiet")
	removeKeysScript      = script("remove_keys")
)

// run executes s and gives its reply as a list. Run sends the short hash and
// falls back to the whole text, so a Redis that was restarted is no error.
func run(ctx context.Context, on redis.Scripter, s *redis.Script, keys []string, args ...any) ([]any, error) {
	reply, err := s.Run(ctx, on, keys, args...).Slice()
	if err != nil {
		return nil, redisError(err)
	}
	return reply, nil
}

// verdict is the first word of a reply.
func verdict(reply []any) (string, error) {
	if len(reply) > 0 {
		if word, ok := reply[0].(string); ok {
			return word, nil
		}
	}
	return "", fmt.Errorf("redis: a script's reply does not begin with a word (%d values)", len(reply))
}

// texts are the values of a reply from one index on.
func texts(reply []any) ([]string, error) {
	out := make([]string, len(reply))
	for i, v := range reply {
		switch v := v.(type) {
		case string:
			out[i] = v
		case int64:
			out[i] = fmt.Sprint(v)
		default:
			return nil, fmt.Errorf("redis: a script's reply holds %T at %d, want text", v, i)
		}
	}
	return out, nil
}
