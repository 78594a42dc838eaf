package check

import (
	"context"
	"math/big"

	"github.com/masixun71/cupid-go/pkg/job"
)

const (
	// InnoDB doubles what it guesses of a range that spans some pages.
	firstShare = 0.5
	// leastShare and its inverse bound what one stretch may teach: one that is
	// nearly empty says nothing of the next.
	leastShare = 0.1
	// guesses are asked for one cut; each costs as little as looking up two keys.
	guesses = 12
	// farther is by how much a stretch grows at most from one guess to the next: a
	// hole of any width is crossed in a few.
	farther = 1 << 20
)

// cut finds the end of the next stretch, and how many rows were guessed in it.
func (w *walk) cut(ctx context.Context) (job.Point, int64, error) {
	if len(w.cuts) > 0 {
		end := w.cuts[0]
		w.cuts = w.cuts[1:]
		return end, 0, nil
	}
	end, guess, known, err := w.cutByGuess(ctx)
	if err != nil || known {
		return end, guess, err
	}
	// A step reads every key on its way, but knows, and takes keys of all types.
	end, found, err := w.step(ctx, w.after, w.upto, w.rows)
	if err != nil || !found {
		return w.upto, 0, err
	}
	return end, 0, nil
}

// cutByGuess cuts whole numbers by what the index guesses of a stretch, which it
// widens or narrows until the guess fits. Keys may lie in any way, with holes of
// billions and crowds between them.
func (w *walk) cutByGuess(ctx context.Context) (end job.Point, guess int64, known bool, err error) {
	low, high, ok, err := w.bounds(ctx)
	if err != nil || !ok {
		return job.Point{}, 0, false, err
	}
	left := new(big.Int).Sub(high, low)
	if w.width == nil {
		w.width = big.NewInt(int64(w.rows))
	}
	want := float64(w.rows)
	var few, many *big.Int // widths that gave too few rows and too many
	for range guesses {
		end = w.upto
		if w.width.Cmp(left) < 0 {
			end = keyPoint(new(big.Int).Add(low, w.width))
		} else {
			w.width.Set(left)
		}
		if guess, known, err = w.guess(ctx, w.after, end); err != nil || !known {
			return end, guess, false, err
		}
		rows := max(float64(guess)*w.share, 1)
		last := w.width.Cmp(left) == 0
		if rows <= want*3/2 && (last || rows >= want/2) || w.width.Cmp(one) == 0 && rows > want {
			return end, guess, true, nil
		}
		if rows < want {
			few = new(big.Int).Set(w.width)
		} else {
			many = new(big.Int).Set(w.width)
		}
		if few != nil && many != nil {
			w.width.Add(few, many).Rsh(w.width, 1)
		} else {
			w.scale(min(want/rows, farther))
		}
	}
	return job.Point{}, 0, false, nil
}

// bounds are the next stretch's lower end and the last key, where keys are whole
// numbers.
func (w *walk) bounds(ctx context.Context) (low, high *big.Int, ok bool, err error) {
	if high, ok = w.upto.Integer(); !ok || w.guess == nil {
		return nil, nil, false, nil
	}
	if low, ok = w.after.Integer(); ok || !w.after.Open() {
		return low, high, ok, nil
	}
	first, found, err := w.step(ctx, w.after, w.upto, 1)
	if err != nil || !found {
		return nil, nil, false, err
	}
	if low, ok = first.Integer(); ok {
		low.Sub(low, one)
	}
	return low, high, ok, nil
}

// scale widens or narrows the stretch.
func (w *walk) scale(by float64) {
	width := new(big.Float).SetInt(w.width)
	width.Mul(width, big.NewFloat(by)).Int(w.width)
	if w.width.Sign() <= 0 {
		w.width.Set(one)
	}
}

func keyPoint(n *big.Int) job.Point { return job.KeyPoint(n.String()) }
