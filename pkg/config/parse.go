package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/parsers/yaml"
	tomltext "github.com/pelletier/go-toml/v2"
	"github.com/tailscale/hujson"
	yamltext "go.yaml.in/yaml/v3"
)

// number is a number of a JSON file, digit for digit.
type number = json.Number

// parse goes by the file's name: YAML, TOML, and JSON for all others. It never
// passes on what a library says about a broken file when that may quote the
// file: a quoted line may hold a password.
func parse(path string, text []byte) (map[string]any, *Error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml":
		return parseYAML(text)
	case ".toml":
		return parseTOML(text)
	default:
		return parseJSON(text)
	}
}

// syntax is a mistake at a place of the file; a line or column of 0 is unknown.
func syntax(line, column int, found, allowed string) *Error {
	place := ""
	if line > 0 {
		place = fmt.Sprintf("line %d", line)
	}
	if column > 0 {
		place += fmt.Sprintf(", column %d", column)
	}
	return &Error{Mistakes: []Mistake{{place, found, allowed}}}
}

var hujsonPlace = regexp.MustCompile(`^hujson: line (\d+), column (\d+): (.*)`)

// parseJSON reads JSON with comments and trailing commas.
func parseJSON(text []byte) (map[string]any, *Error) {
	value, err := hujson.Parse(text)
	if err != nil {
		return nil, jsonMistake(err)
	}
	object, ok := value.Value.(*hujson.Object)
	if !ok {
		return nil, syntax(1, 1, "found no JSON object", "want { … }")
	}
	return jsonObject(text, object)
}

// jsonMistake keeps of hujson's words the place and what was expected there.
func jsonMistake(err error) *Error {
	place := hujsonPlace.FindStringSubmatch(err.Error())
	if place == nil {
		return syntax(0, 0, "found no JSON", "want { … }")
	}
	line, _ := strconv.Atoi(place[1])
	column, _ := strconv.Atoi(place[2])
	switch why := place[3]; {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return syntax(line, column, "the file ends too early", "want the rest: a quote, bracket or brace is not closed")
	case strings.HasPrefix(why, "invalid literal"):
		return syntax(line, column, "found a text that is no JSON value", `want "text" in quotes, a number, true, false or null`)
	default:
		return syntax(line, column, "found an "+why, "want JSON; // and /* */ comments are allowed")
	}
}

func jsonObject(text []byte, object *hujson.Object) (map[string]any, *Error) {
	members := make(map[string]any, len(object.Members))
	for _, member := range object.Members {
		literal, ok := member.Name.Value.(hujson.Literal)
		if !ok {
			line, column := lineColumn(text, member.Name.StartOffset)
			return nil, syntax(line, column, "found a key that is no text", `want keys in "quotes"`)
		}
		name := literal.String()
		if _, twice := members[name]; twice {
			line, column := lineColumn(text, member.Name.StartOffset)
			return nil, syntax(line, column, "found a key for the second time", "want each key once")
		}
		value, err := jsonValue(text, member.Value)
		if err != nil {
			return nil, err
		}
		members[name] = value
	}
	return members, nil
}

func jsonValue(text []byte, value hujson.Value) (any, *Error) {
	switch v := value.Value.(type) {
	case *hujson.Object:
		return jsonObject(text, v)
	case *hujson.Array:
		elements := make([]any, len(v.Elements))
		for i, element := range v.Elements {
			var err *Error
			if elements[i], err = jsonValue(text, element); err != nil {
				return nil, err
			}
		}
		return elements, nil
	case hujson.Literal:
		return jsonLiteral(v), nil
	}
	return nil, nil
}

func jsonLiteral(literal hujson.Literal) any {
	switch literal.Kind() {
	case '"':
		return literal.String()
	case 't', 'f':
		return literal.Bool()
	case '0':
		return number(literal)
	}
	return nil
}

func lineColumn(text []byte, offset int) (line, column int) {
	before := string(text[:offset])
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[1+strings.LastIndexByte(before, '\n'):])
}

var (
	yamlPlace = regexp.MustCompile(`line (\d+): (.*)`)
	yamlWords = regexp.MustCompile(`^(?:[a-z ,-]|'[^'A-Za-z0-9]+')+$`)
)

func parseYAML(text []byte) (map[string]any, *Error) {
	var root yamltext.Node
	if err := yamltext.Unmarshal(text, &root); err != nil {
		return nil, yamlMistake(err)
	}
	if len(root.Content) == 0 {
		return map[string]any{}, nil
	}
	if top := root.Content[0]; top.Kind != yamltext.MappingNode {
		return nil, syntax(top.Line, top.Column, "found no keys", "want YAML of the form key: value")
	}
	tree, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		return nil, yamlMistake(err)
	}
	return tree, nil
}

func yamlMistake(err error) *Error {
	line, why := 0, ""
	if place := yamlPlace.FindStringSubmatch(err.Error()); place != nil {
		line, _ = strconv.Atoi(place[1])
		why = place[2]
	}
	switch {
	case strings.Contains(why, "already defined"):
		return syntax(line, 0, "found a key for the second time", "want each key once")
	case yamlWords.MatchString(why):
		return syntax(line, 0, "found no YAML: "+why, "want key: value")
	default:
		return syntax(line, 0, "found no YAML", "want key: value, and quotes around a text with special characters")
	}
}

func parseTOML(text []byte) (map[string]any, *Error) {
	tree, err := toml.Parser().Unmarshal(text)
	if err == nil {
		return tree, nil
	}
	line, column := 0, 0
	if at, ok := errors.AsType[*tomltext.DecodeError](err); ok {
		line, column = at.Position()
	}
	return nil, syntax(line, column, "found no TOML", `want key = value, texts in quotes, each key once`)
}
