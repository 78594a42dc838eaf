package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrRefused marks what no waiting mends: another layout, an evicting Redis, wrong credentials.
var ErrRefused = errors.New("refused")

// redisError adds what to do where Redis' own words do not say it.
func redisError(err error) error {
	switch text := err.Error(); {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case strings.HasPrefix(text, "WRONGPASS"), strings.HasPrefix(text, "NOAUTH"):
		return fmt.Errorf("redis: %w: wrong or missing user or password: set redis.username and redis.password: %w", ErrRefused, err)
	case strings.HasPrefix(text, "NOPERM"):
		return fmt.Errorf("redis: %w: the user lacks a permission: %w", ErrRefused, err)
	default:
		return fmt.Errorf("redis: %w", err)
	}
}

// Full reports whether err is Redis refusing to grow (maxmemory with noeviction).
func Full(err error) bool {
	return err != nil && strings.Contains(err.Error(), "OOM command not allowed")
}
