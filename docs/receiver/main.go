// Command receiver is the example receiver of the documentation: it repairs
// db2.user from the callbacks that it gets. docs/callbacks.md explains it.
package main

import (
	"database/sql"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	_ "github.com/go-sql-driver/mysql"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// difference is the body of a callback. Every column of the source row is a
// text, or null.
type difference struct {
	Type      int                `json:"type"` // 1: the row is missing, 2: it has other values
	SrcColumn map[string]*string `json:"srcColumn"`
}

// An upsert: the same callback may come twice.
const upsert = `INSERT INTO user (number, name, avatar) VALUES (?, ?, ?)
	ON DUPLICATE KEY UPDATE name = VALUES(name), avatar = VALUES(avatar)`

type receiver struct {
	db     *sql.DB
	verify *webhooks.Webhook // nil: callbacks are not signed
}

func (re receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		http.Error(w, "the body did not arrive", http.StatusBadRequest)
		return
	}
	if re.verify != nil && re.verify.Verify(body, r.Header) != nil {
		http.Error(w, "wrong signature", http.StatusUnauthorized)
		return
	}
	var d difference
	if err := json.Unmarshal(body, &d); err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	row := d.SrcColumn
	if _, err := re.db.ExecContext(r.Context(), upsert, row["number"], row["name"], row["avatar"]); err != nil {
		slog.Error("not repaired", "error", err)
		http.Error(w, "not repaired", http.StatusInternalServerError) // cupid tries again
		return
	}
	slog.Info("repaired", "type", d.Type, "attempt", r.Header.Get("cupid-attempt"), "webhook_id", r.Header.Get("webhook-id"))
	w.WriteHeader(http.StatusNoContent) // only now: 2xx means that the work is done
}

func main() {
	listen := flag.String("listen", "127.0.0.1:20000", "address to listen on")
	dsn := flag.String("dsn", "user:password@tcp(127.0.0.1:3306)/db2", "database to repair")
	flag.Parse()
	if err := serve(*listen, *dsn, os.Getenv("WEBHOOK_SECRET")); err != nil {
		slog.Error("the receiver ended", "error", err)
		os.Exit(1) //nolint:forbidigo // main ends the program
	}
}

func serve(listen, dsn, secret string) error {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	re := receiver{db: db}
	if secret != "" {
		if re.verify, err = webhooks.NewWebhook(secret); err != nil {
			return err
		}
	}
	mux := http.NewServeMux()
	mux.Handle("POST /test/callback", re)
	server := &http.Server{Addr: listen, Handler: mux, ReadTimeout: 10 * time.Second}
	return server.ListenAndServe()
}
