package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

const (
	// brakeHolder stands where a person's name stands in other holds.
	brakeHolder = "brake"
	// brakeLeast is how many differences have to be there on the second look: fewer are no flood.
	brakeLeast = 100
	// brakeHalf is after how long a count of the brake weighs half.
	brakeHalf = 10 * time.Minute
	// brakeRest is how long after somebody resumed a destination its brake lets all pass.
	brakeRest = time.Hour
)

// Brake counts what was found of a destination and says whether its callbacks are
// held, by the brake or by a person. The brake holds them when a greater share than
// most of the compared rows differs: those that differ at first sight, times the part
// of these that still differs after the confirm delay.
func (q *Queue) Brake(ctx context.Context, destination string, most float64, s job.Share) (held bool, err error) {
	const perMille = 1000
	keys := []string{q.keys.pausedDestination(destination), q.keys.brake(destination), q.keys.events()}
	reply, err := run(ctx, q.b.rdb, brakeScript, keys, most*perMille, s.Compared, s.Different, s.There, s.Gone,
		brakeLeast, ms(brakeHalf), ms(brakeRest), brakeHolder, destination)
	if err != nil {
		return false, fmt.Errorf("ask the brake of %s: %w", destination, err)
	}
	word, err := verdict(reply)
	return word == "held", err
}
