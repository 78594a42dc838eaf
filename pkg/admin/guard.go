package admin

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/masixun71/cupid-go/pkg/job"
)

// guard lets in who may see what is behind health and metrics.
type guard struct {
	access  access
	token   [sha256.Size]byte // its hash, so that comparing tells nothing of its length
	session []byte            // key that signs sessions; the same in all processes with this token
	origins *http.CrossOriginProtection
	log     *slog.Logger

	mu   sync.Mutex
	said time.Time // when a wrong token was last logged
}

// access is whom a guard lets in.
type access string

const (
	byToken  access = "token"  // whoever has the token
	fromHere access = "local"  // no token, and only the own machine reaches the address
	anybody  access = "open"   // no token, by the config's own word
	nobody   access = "closed" // no token, but others reach the address
)

// sessionLife is how long a login lasts.
const sessionLife = 12 * time.Hour

const cookieName = "cupid_session"

func newGuard(c Config, addr net.Addr, log *slog.Logger) *guard {
	g := &guard{access: nobody, origins: http.NewCrossOriginProtection(), log: log}
	tcp, isTCP := addr.(*net.TCPAddr)
	switch {
	case !c.Token.Empty():
		g.access = byToken
		g.token = sha256.Sum256([]byte(c.Token.Reveal()))
		mac := hmac.New(sha256.New, []byte(c.Token.Reveal()))
		mac.Write([]byte("cupid session")) // never fails
		g.session = mac.Sum(nil)
	case c.Open:
		g.access = anybody
	case isTCP && tcp.IP.IsLoopback():
		g.access = fromHere
	}
	return g
}

// protect wraps what only some may see.
func (g *guard) protect(next http.Handler) http.Handler {
	return g.sameOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, why := g.refuses(r); status != 0 {
			if status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="cupid"`)
			}
			fail(w, status, why)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// sameOrigin keeps pages of others from making a person's browser act.
func (g *guard) sameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.origins.Check(r) != nil {
			fail(w, http.StatusForbidden, "the browser sent this for a page of another site, which may not act here")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refuses says why a request is not answered; 0 when it is.
func (g *guard) refuses(r *http.Request) (status int, why string) {
	switch g.access {
	case byToken:
		if !g.knows(r) {
			return http.StatusUnauthorized, "this needs the token of http.token: log in on the page, or send the header Authorization: Bearer TOKEN"
		}
	case nobody:
		return http.StatusForbidden, "other machines reach this address and no token is configured: set http.token (or CUPID_HTTP_TOKEN), or http.open: true to let everybody in"
	case fromHere:
		// A name of somebody else's that is made to point here would let a page of
		// theirs read everything.
		if !isHere(r.Host) {
			return http.StatusForbidden, "without a token this is served under 127.0.0.1 and localhost alone: set http.token to use another name"
		}
	case anybody:
	}
	return 0, ""
}

func isHere(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// knows says whether a request proves the token.
func (g *guard) knows(r *http.Request) bool {
	if sent, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); is {
		return g.isToken(r, strings.TrimSpace(sent))
	}
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	until, signature, _ := strings.Cut(cookie.Value, ".")
	end, err := strconv.ParseInt(until, 10, 64)
	return err == nil && time.Now().Unix() < end && hmac.Equal([]byte(signature), []byte(g.sign(until)))
}

func (g *guard) isToken(r *http.Request, sent string) bool {
	sum := sha256.Sum256([]byte(sent))
	if subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1 {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.said) > 10*time.Second { // somebody who guesses does not fill the log
		g.said = time.Now()
		g.log.Warn("wrong token", "remote", remote(r), "path", r.URL.Path)
	}
	return false
}

func (g *guard) sign(until string) string {
	mac := hmac.New(sha256.New, g.session)
	mac.Write([]byte(until)) // never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// cookie is that of a person who has shown the token.
func (g *guard) cookie(r *http.Request) *http.Cookie {
	until := strconv.FormatInt(time.Now().Add(sessionLife).Unix(), 10)
	return &http.Cookie{
		Name: cookieName, Value: until + "." + g.sign(until), Path: "/", MaxAge: int(sessionLife.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
}

// userHeader is by what people say who they are; percent-encoded beyond ASCII.
const userHeader = "X-Cupid-User"

// who names the person behind a request for the events.
func who(r *http.Request) string {
	name, err := url.PathUnescape(r.Header.Get(userHeader))
	if err != nil {
		name = ""
	}
	name = strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return -1
	}, name))
	if runes := []rune(name); len(runes) > 64 {
		name = string(runes[:64])
	}
	if name == "" {
		name = "somebody"
	}
	return fmt.Sprintf("%s from %s", name, remote(r))
}

func remote(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// session says whether a person is let in.
type session struct {
	Access access `json:"access"`
	In     bool   `json:"in"`            // whether the API answers this request
	Why    string `json:"why,omitempty"` // where it does not
}

func (g *guard) state(w http.ResponseWriter, r *http.Request) {
	status, why := g.refuses(r)
	answer(w, http.StatusOK, session{Access: g.access, In: status == 0, Why: why})
}

func (g *guard) login(w http.ResponseWriter, r *http.Request) {
	var sent struct {
		Token job.Secret `json:"token"`
	}
	if g.access != byToken {
		fail(w, http.StatusConflict, "no token is configured here, so that there is nothing to log in with")
		return
	}
	if !read(w, r, &sent) {
		return
	}
	if !g.isToken(r, sent.Token.Reveal()) {
		fail(w, http.StatusUnauthorized, "the token is wrong: it is the one of http.token in the config of this process")
		return
	}
	http.SetCookie(w, g.cookie(r))
	answer(w, http.StatusOK, session{Access: g.access, In: true})
}

func (g *guard) logout(w http.ResponseWriter, r *http.Request) {
	gone := g.cookie(r)
	gone.Value, gone.MaxAge = "", -1
	http.SetCookie(w, gone)
	answer(w, http.StatusOK, session{Access: g.access, In: g.access == anybody || g.access == fromHere})
}
