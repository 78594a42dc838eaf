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

// readAOF reads the append-only files of a Redis (its appenddirname) from the first to the last, also those that
// it has replaced by a snapshot since and kept (aof-disable-auto-gc). A last piece that a kill cut off is left
// out, as Redis does.
func readAOF(dir string, each func(transaction)) error {
	manifests, err := filepath.Glob(filepath.Join(dir, "*.manifest"))
	if err != nil || len(manifests) != 1 {
		return fmt.Errorf("read the append-only files in %s: want one manifest, found %d", dir, len(manifests))
	}
	text, err := os.ReadFile(manifests[0])
	if err != nil {
		return err
	}
	names, err := increments(string(text))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := readFile(filepath.Join(dir, name), each); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
	return nil
}

// increments are the files of a manifest that hold commands, in their order; none of them may be gone.
func increments(manifest string) ([]string, error) {
	files := map[int]string{}
	for line := range strings.Lines(manifest) {
		words := strings.Fields(line) // file <name> seq <n> type i
		if len(words) < 6 || words[5] == "b" || strings.Contains(words[1], ".base.") {
			continue // a snapshot of what came before
		}
		n, err := strconv.Atoi(words[3])
		if err != nil {
			return nil, fmt.Errorf("read the manifest: %w", err)
		}
		files[n] = words[1]
	}
	names := make([]string, len(files))
	for n, name := range files {
		if n < 1 || n > len(files) {
			return nil, fmt.Errorf("the append-only files do not go from the first to the last: %v", files)
		}
		names[n-1] = name
	}
	return names, nil
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
