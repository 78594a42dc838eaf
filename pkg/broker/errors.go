package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// ErrRefused marks what no waiting mends: another layout, an evicting Redis, wrong credentials.
var ErrRefused = errors.New("refused")

// redisError adds what to do where Redis' own words do not say it.
func redisError(err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case redis.IsAuthError(err):
		return fmt.Errorf("redis: %w: wrong or missing user or password: set redis.username and redis.password: %w", ErrRefused, err)
	case redis.IsPermissionError(err):
		return fmt.Errorf("redis: %w: the user lacks a permission: %w", ErrRefused, err)
	default:
		return fmt.Errorf("redis: %w", err)
	}
}
