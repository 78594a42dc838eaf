package admin

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
)

//go:embed page
var pageFiles embed.FS

// kindsOfFiles say what a file of the page is; no system's table of types has a say in it.
var kindsOfFiles = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// newPage is the dashboard, by route. It holds nothing that is worth a token: what it
// shows it asks of the API.
func newPage() (routes map[string]http.Handler, err error) {
	routes = map[string]http.Handler{}
	return routes, fs.WalkDir(pageFiles, "page", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := pageFiles.ReadFile(name)
		if err != nil {
			return err
		}
		route := "GET /" + name
		if name == "page/index.html" {
			route = "GET /{$}"
		}
		routes[route] = file(kindsOfFiles[path.Ext(name)], body)
		return nil
	})
}

// file is fetched again only after it has changed.
func file(kind string, body []byte) http.Handler {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "no-cache")
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(body) // one that does not arrive is the asker's to notice
	})
}
