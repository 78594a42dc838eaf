package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// callback is the body that cupid POSTs. Every value is a string or null.
type callback struct {
	Type      int                `json:"type"` // missing or different
	SrcColumn map[string]*string `json:"srcColumn"`
}

const (
	missing   = 1
	different = 2
)

// firstCallbacks are shown one by one; then every callbackStep-th is counted.
const (
	firstCallbacks = 5
	callbackStep   = 25
)

// receiver is the part of a user's application that cupid calls: it puts the
// source's row into the destination and answers 200. cupid calls again until
// source and destination are read equal, so a repair must be repeatable.
type receiver struct {
	url      string
	copied   *database
	narrator *narrator
	server   *http.Server
	serving  sync.WaitGroup

	mu       sync.Mutex
	called   map[int]int // by type
	repaired map[int]int // by type
	show     int         // so many callbacks are still shown one by one
}

func startReceiver(copied *database, n *narrator) (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for callbacks: %w", err)
	}
	r := &receiver{
		url: "http://" + listener.Addr().String() + "/repair", copied: copied, narrator: n,
		called: map[int]int{}, repaired: map[int]int{}, show: firstCallbacks,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /repair", r.receive)
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	r.serving.Go(func() { _ = r.server.Serve(listener) }) // until close
	return r, nil
}

func (r *receiver) close() error {
	err := r.server.Close()
	r.serving.Wait()
	return err
}

func (r *receiver) receive(w http.ResponseWriter, q *http.Request) {
	var c callback
	if err := json.NewDecoder(q.Body).Decode(&c); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.count(r.called, c.Type)
	u, err := userOf(c.SrcColumn)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := put(q.Context(), r.copied, u); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError) // cupid tries again
		return
	}
	r.tell(c.Type, u, r.count(r.repaired, c.Type))
}

func userOf(column map[string]*string) (user, error) {
	number, name, avatar := column["number"], column["name"], column["avatar"]
	if number == nil || name == nil {
		return user{}, errors.New("the callback lacks number or name")
	}
	n, err := strconv.ParseInt(*number, 10, 64)
	if err != nil {
		return user{}, fmt.Errorf("the callback's number: %w", err)
	}
	u := user{number: n, name: *name}
	if avatar != nil {
		u.avatar = sql.NullString{String: *avatar, Valid: true}
	}
	return u, nil
}

// count adds one and gives the total of all types.
func (r *receiver) count(counts map[int]int, kind int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts[kind]++
	return counts[missing] + counts[different]
}

func (r *receiver) tell(kind int, u user, total int) {
	r.mu.Lock()
	r.show--
	left := r.show
	r.mu.Unlock()
	switch {
	case left >= 0 && kind == missing:
		r.narrator.say("receiver", "called: %d is missing,   inserts it", u.number)
	case left >= 0:
		r.narrator.say("receiver", "called: %d is different, updates it", u.number)
	case total%callbackStep == 0:
		r.narrator.say("receiver", "called %d times so far", total)
	}
}

// showNext shows the next callbacks one by one.
func (r *receiver) showNext(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.show = n
}

// counts are the callbacks received and the repairs made so far, by type.
func (r *receiver) counts() (called, repaired map[int]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.called), maps.Clone(r.repaired)
}
