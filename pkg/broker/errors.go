package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/pkg/job"
)

// ErrRefused marks what no waiting mends: another layout, an evicting Redis, wrong credentials.
var ErrRefused = errors.New("refused")

// ErrUnknown marks the name of something that this Redis does not have; such errors
// are ErrRefused too.
var ErrUnknown = errors.New("unknown")

// ErrLayout marks keys of a version with which this one cannot work; such errors are ErrRefused too.
var ErrLayout = errors.New("another layout")

type layoutError string

func (e layoutError) Error() string { return string(e) }

func (e layoutError) Is(target error) bool { return target == ErrRefused || target == ErrLayout }

// redisError adds what to do where Redis' own words do not say it.
func redisError(err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case redis.IsAuthError(err):
		return fmt.Errorf("redis: %w: wrong or missing user or password: set redis.username and redis.password: %w", ErrRefused, err)
	case redis.IsPermissionError(err):
		return fmt.Errorf("redis: %w: the user lacks a permission: %w", ErrRefused, err)
	case isDown(err):
		return &job.DownError{Thing: Thing, Err: fmt.Errorf("redis: %w", err)}
	default:
		return fmt.Errorf("redis: %w", err)
	}
}

// Thing is what a *job.DownError of this room names: a process has one Redis.
const Thing = "redis"

// passing are the first words of answers that mean: not now, or not here.
var passing = []string{
	"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "OOM", "MISCONF", "NOREPLICAS", "BUSY",
	"UNBLOCKED", "ERR max number of clients",
}

// isDown says that Redis did not answer, or takes nothing at the moment.
func isDown(err error) bool {
	answer, answered := errors.AsType[redis.Error](err)
	if !answered {
		return true
	}
	text := answer.Error()
	if _, cause, ok := strings.Cut(text, "-> "); ok && strings.HasPrefix(text, "ERR") {
		text = cause
	}
	for _, word := range passing {
		if strings.HasPrefix(text, word) {
			return true
		}
	}
	return false
}
