package checker

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// transaction is what Redis did in one step: the commands of a script, or one command.
type transaction [][]string

// readAOF reads the append-only files of a Redis (its appenddirname) in the order
// of its manifest. A last piece that a kill cut off is left out, as Redis does.
func readAOF(dir string, each func(transaction)) error {
	manifests, err := filepath.Glob(filepath.Join(dir, "*.manifest"))
	if err != nil || len(manifests) != 1 {
		return fmt.Errorf("read the append-only files in %s: want one manifest, found %d", dir, len(manifests))
	}
	text, err := os.ReadFile(manifests[0])
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line) // file <name> seq <n> type i
		if len(words) < 6 || words[5] != "i" {
			continue // the base is the snapshot that the others begin at
		}
		if err := readFile(filepath.Join(dir, words[1]), each); err != nil {
			return fmt.Errorf("read %s: %w", words[1], err)
		}
	}
	return nil
}

func readFile(path string, each func(transaction)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	in := bufio.NewReaderSize(f, 1<<20)
	var open transaction
	within := false
	for {
		command, err := readCommand(in)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch strings.ToUpper(command[0]) {
		case "MULTI":
			within, open = true, nil
		case "EXEC":
			within = false
			each(open)
		default:
			if within {
				open = append(open, command)
			} else {
				each(transaction{command})
			}
		}
	}
}

// readCommand reads "*2\r\n$3\r\nGET\r\n…".
func readCommand(in *bufio.Reader) ([]string, error) {
	n, err := readCount(in, '*')
	if err != nil {
		return nil, err
	}
	command := make([]string, n)
	for i := range command {
		size, err := readCount(in, '$')
		if err != nil {
			return nil, err
		}
		word := make([]byte, size+2)
		if _, err := io.ReadFull(in, word); err != nil {
			return nil, err
		}
		command[i] = string(word[:size])
	}
	if n == 0 {
		return nil, errors.New("an empty command")
	}
	return command, nil
}

func readCount(in *bufio.Reader, mark byte) (int, error) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return 0, err
		}
		if line[0] == '#' { // a note
			continue
		}
		if line[0] != mark {
			return 0, fmt.Errorf("want %q, found %q", mark, line)
		}
		return strconv.Atoi(strings.TrimSpace(line[1:]))
	}
}

// is says whether a command is one of these words on a key.
func is(command []string, key string, words ...string) bool {
	return len(command) > 1 && command[1] == key && slices.Contains(words, strings.ToUpper(command[0]))
}
