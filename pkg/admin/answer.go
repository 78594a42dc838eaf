package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/masixun71/cupid-go/pkg/job"
)

// failure is the body of an answer that is an error.
type failure struct {
	Error string `json:"error"`
}

func fail(w http.ResponseWriter, status int, why string) { answer(w, status, failure{why}) }

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "the answer cannot be written as JSON", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // one that does not arrive is the asker's to notice
}

// failWith answers with what went wrong behind the API.
func failWith(w http.ResponseWriter, err error) {
	status := http.StatusServiceUnavailable
	switch {
	case errors.Is(err, ErrUnknown):
		status = http.StatusNotFound
	case errors.Is(err, ErrElsewhere), errors.Is(err, ErrInUse):
		status = http.StatusConflict
	case errors.Is(err, ErrForbidden):
		status = http.StatusForbidden
	}
	fail(w, status, err.Error())
}

// maxQuestion bounds what a request may hold.
const maxQuestion = 1 << 20

// read takes the JSON of a request, or says what is wrong with it.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		fail(w, http.StatusUnsupportedMediaType, "want a JSON body with the header Content-Type: application/json")
		return false
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuestion))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something stands behind the object")
		}
	}
	if err == nil {
		return true
	}
	status := http.StatusBadRequest
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		status, err = http.StatusRequestEntityTooLarge, fmt.Errorf("want at most %d KB", maxQuestion>>10)
	}
	fail(w, status, "the body cannot be read: "+strings.TrimPrefix(err.Error(), "json: "))
	return false
}

// question is what stands behind the ? of a URL; the first mistake counts.
type question struct {
	values  url.Values
	mistake string
}

// ask takes the parameters of a request, of which there may be no others than these.
func ask(r *http.Request, known ...string) *question {
	values, err := url.ParseQuery(r.URL.RawQuery)
	q := &question{values: values}
	if err != nil {
		q.wrong("the part behind ? cannot be read")
	}
	for name, all := range values {
		if !slices.Contains(known, name) {
			q.wrong(fmt.Sprintf("%q is no parameter here; want %s", name, strings.Join(known, ", ")))
		} else if len(all) > 1 {
			q.wrong(name + " is given twice")
		}
	}
	return q
}

func (q *question) wrong(mistake string) {
	if q.mistake == "" {
		q.mistake = mistake
	}
}

// name is that of a job or a destination; "" where none is given.
func (q *question) name(parameter string) string {
	s := q.values.Get(parameter)
	if s != "" && !job.ValidName(s) {
		q.wrong(parameter + " wants a name of letters, digits, '_', '.', '@', '-', at most 64")
	}
	return s
}

// text is any that is not empty.
func (q *question) text(parameter string) string {
	s := q.values.Get(parameter)
	if s == "" {
		q.wrong(parameter + " is missing")
	}
	return s
}

// word is one of those allowed.
func (q *question) word(parameter string, allowed []string) string {
	s := q.values.Get(parameter)
	if !slices.Contains(allowed, s) {
		q.wrong(parameter + " wants one of " + strings.Join(allowed, ", "))
	}
	return s
}

func (q *question) number(parameter string, otherwise, least, most int) int {
	s := q.values.Get(parameter)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		q.wrong(fmt.Sprintf("%s wants a whole number from %d to %d", parameter, least, most))
	}
	return n
}

// failed answers when there was a mistake.
func (q *question) failed(w http.ResponseWriter) bool {
	if q.mistake != "" {
		fail(w, http.StatusBadRequest, q.mistake)
	}
	return q.mistake != ""
}
