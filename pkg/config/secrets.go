package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/masixun71/cupid-go/pkg/job"
)

// placeholder is ${NAME}; $${ stands for the two characters ${.
var placeholder = regexp.MustCompile(`\$?\$\{[^}]*\}?`)

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// secret reads a text that is never shown, with ${NAME} from the environment.
func (r *reader) secret(key string) job.Secret {
	v, at, ok := r.find(key)
	if !ok {
		return job.Secret{}
	}
	s, isText := asText(v)
	if !isText {
		r.wrong(at, "found "+kindOf(v), "want a text")
		return job.Secret{}
	}
	return r.expand(s, at)
}

func (r *reader) expand(s, at string) job.Secret {
	return job.NewSecret(placeholder.ReplaceAllStringFunc(s, func(found string) string {
		if strings.HasPrefix(found, "$$") {
			return found[1:]
		}
		name := strings.TrimSuffix(strings.TrimPrefix(found, "${"), "}")
		r.expanded[name] = true
		switch value, defined := r.environ.values[name]; {
		case !variable.MatchString(name) || !strings.HasSuffix(found, "}"):
			r.wrong(at, "found ${ without the name of a variable", "want ${NAME}, or $${ for the characters themselves")
		case !defined:
			r.wrong(at, "found ${"+name+"}, which is not in the environment", "want a variable that is set")
		default:
			return value
		}
		return ""
	}))
}

// maxSecretFile is far above any DSN and below anything that would hurt.
const maxSecretFile = 64 << 10

// secretFile reads a secret that stands alone in a file.
func (r *reader) secretFile(key string) job.Secret {
	path := r.text(key)
	if path == "" {
		return job.Secret{}
	}
	return r.secretIn(r.beside(path), key)
}

func (r *reader) secretIn(path, key string) job.Secret {
	text, why := readRegular(path, maxSecretFile)
	if why == "" && strings.TrimSpace(string(text)) == "" {
		why = "is empty"
	}
	if why != "" {
		r.wrong(key, "the file "+why, "want a readable file that holds the secret")
		return job.Secret{}
	}
	return job.NewSecret(strings.TrimSpace(string(text)))
}

// readRegular reads a file of at most limit bytes, or says why it cannot be read.
func readRegular(path string, limit int64) (text []byte, why string) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, "cannot be read: " + cause(err)
	case info.IsDir():
		return nil, "is a directory"
	case !info.Mode().IsRegular():
		return nil, "is not a regular file"
	case info.Size() > limit:
		return nil, fmt.Sprintf("is larger than %d KB", limit>>10)
	}
	if text, err = os.ReadFile(path); err != nil {
		return nil, "cannot be read: " + cause(err)
	}
	return text, ""
}

// beside is a path as seen from the config file.
func (r *reader) beside(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(r.file), path)
}
