package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/config"
)

// watch shows something again and again until ctx ends: on a terminal in the same
// place, elsewhere one below the other. A fleet that does not answer at the moment
// is waited for; a mistake is not.
func watch(ctx context.Context, out io.Writer, every time.Duration, show func(context.Context, io.Writer) error) error {
	const shortest = 100 * time.Millisecond
	if every < shortest {
		return mistake{fmt.Errorf("--watch=%s: want a pause of at least %s, such as --watch=5s", every, shortest)}
	}
	frame := plainFrame
	if isTerminal(out) {
		frame = terminalFrame
	}
	pause := time.NewTicker(every)
	defer pause.Stop()
	for {
		var page bytes.Buffer
		err := show(ctx, &page)
		switch {
		case ctx.Err() != nil:
			return nil
		case hopeless(err):
			return err
		case err != nil:
			fmt.Fprintf(&page, "no answer: %v\n", err)
		}
		if _, err := io.WriteString(out, frame(page.String())); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// hopeless reports whether an error is one that no waiting mends.
func hopeless(err error) bool {
	_, misused := errors.AsType[mistake](err)
	_, config := errors.AsType[*config.Error](err)
	return misused || config || app.Mistaken(err)
}

func plainFrame(page string) string { return page + "\n" }

// terminalFrame writes over what stands there, line by line: to clear the screen first flickers.
func terminalFrame(page string) string {
	const home, restOfLine, restOfScreen = "\x1b[H", "\x1b[K\n", "\x1b[J"
	return home + strings.ReplaceAll(page, "\n", restOfLine) + restOfScreen
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
