// Package browsertest opens pages in a real Chromium.
package browsertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// patience bounds every wait; only a broken page needs it.
const patience = 30 * time.Second

// turn is taken by each browser: several at once on a small machine are slower than one after the other.
var turn = make(chan struct{}, 1)

// View is how a page is looked at; the zero View is a desktop by day.
type View struct {
	Width, Height int64
	Dark, Phone   bool
}

// Tab is one open page. Whatever the browser complains of fails the test.
type Tab struct {
	t   testing.TB
	ctx context.Context //nolint:containedctx // it is the tab: chromedp has no other

	mu         sync.Mutex
	complaints []string
	allowed    []string
}

// New starts a browser with one tab, both ended with t.
func New(t testing.TB, v View) *Tab {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves out what needs a browser")
	}
	turn <- struct{}{}
	t.Cleanup(func() { <-turn })
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(find(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", "en-US"), chromedp.UserDataDir(t.TempDir()))
	allocated, endBrowser := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, endTab := chromedp.NewContext(allocated)
	tab := &Tab{t: t, ctx: ctx}
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	if v.Width == 0 {
		v.Width, v.Height = 1280, 900
	}
	var how []chromedp.EmulateViewportOption
	if v.Phone {
		how = []chromedp.EmulateViewportOption{chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait}
	}
	do(tab, chromedp.EmulateViewport(v.Width, v.Height, how...)) // the first action starts the browser
	heard := make(chan struct{})
	t.Cleanup(func() {
		endTab()
		endBrowser()
		<-heard
		tab.mustBeQuiet()
	})
	go func() {
		defer close(heard)
		tab.hear()
	}()
	do(tab, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
	return tab
}

func find(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("browsertest: no Chromium is installed: apt-get install chromium, or make test-deps")
	return ""
}

// hear keeps what the browser complains of.
func (b *Tab) hear() {
	for m, err := range chromedp.Console(b.ctx) {
		if err != nil {
			return // the tab is closed
		}
		if m.IsException() || m.Type == "error" {
			b.mu.Lock()
			b.complaints = append(b.complaints, m.Text+" "+m.URL)
			b.mu.Unlock()
		}
	}
}

// Allow says that the browser may complain of what contains text.
func (b *Tab) Allow(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.allowed = append(b.allowed, text)
}

func (b *Tab) mustBeQuiet() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		excused := strings.Contains(c, networkChanged)
		for _, a := range b.allowed {
			excused = excused || strings.Contains(c, a)
		}
		if !excused {
			b.t.Errorf("the browser complains: %s", c)
		}
	}
}

// do runs an action and fails the test unless it succeeds in time.
func do[T any](b *Tab, action chromedp.Action[T]) T {
	b.t.Helper()
	type outcome struct {
		value T
		err   error
	}
	// The context of the first run is the browser's: it may not end with a time-out.
	done := make(chan outcome, 1)
	go func() {
		value, err := chromedp.Run(b.ctx, action)
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			b.fail(o.err.Error())
		}
		return o.value
	case <-time.After(patience + 10*time.Second):
		b.fail("it took too long")
		panic("unreachable")
	}
}

// fail says what is to be seen, and keeps a picture of it.
func (b *Tab) fail(why string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body ? document.body.innerText : ''")) // it may be what broke
	picture, _ := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if f, err := os.CreateTemp("", "browsertest-*.png"); err == nil && len(picture) > 0 {
		_, _ = f.Write(picture)
		_ = f.Close()
		why += ", picture in " + f.Name()
	}
	b.t.Fatalf("browsertest: %s; the page says:\n%s", why, text)
}

// networkChanged is what Chromium says of every request in flight when some program, such
// as another test, makes or removes a network interface of the machine.
const networkChanged = "ERR_NETWORK_CHANGED"

// Open goes to an address.
func (b *Tab) Open(url string) {
	b.t.Helper()
	do(b, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for try := 1; ; try++ {
			err := navigate(ctx, t, url)
			if err == nil || try == 4 || !strings.Contains(err.Error(), networkChanged) && !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
		}
	}))
}

// navigate takes no longer than a page of this machine may: after a change of the network
// its end may never be told.
func navigate(ctx context.Context, t *chromedp.Target, url string) error {
	ctx, cancel := context.WithTimeout(ctx, patience/4)
	defer cancel()
	_, err := chromedp.Navigate(url)(ctx, t)
	return err
}

// Run runs statements in the page.
func (b *Tab) Run(statements string) {
	b.t.Helper()
	do(b, chromedp.Evaluate[chromedp.Void]("(async () => {"+statements+"})()", chromedp.EvalAwaitPromise))
}

// Number is the value of an expression.
func (b *Tab) Number(expression string) float64 {
	b.t.Helper()
	return do(b, chromedp.Evaluate[float64](expression))
}

// Text is what is to be read of what a selector finds first.
func (b *Tab) Text(selector string) string {
	b.t.Helper()
	return do(b, chromedp.Text(chromedp.CSS(selector)))
}

// Until waits for a condition in the page.
func (b *Tab) Until(condition string) {
	b.t.Helper()
	do(b, chromedp.Poll[chromedp.Void](condition, chromedp.WithPollingTimeout(patience), chromedp.WithPollingInterval(50*time.Millisecond)))
}

// Sees waits until a text is to be read.
func (b *Tab) Sees(text string) {
	b.t.Helper()
	b.Until(fmt.Sprintf("document.body.innerText.includes(%q)", text))
}

// Click presses what a selector finds first, as a person does: once it can be pressed and nothing covers
// it. Looking and pressing are one step, so that a page that moves meanwhile, as a live one does, has no
// other thing pressed.
func (b *Tab) Click(selector string) {
	b.t.Helper()
	b.Until(fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		if (!e || e.disabled) return false;
		e.scrollIntoView({block: "center"});
		const r = e.getBoundingClientRect();
		const top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
		if (!top || !(e.contains(top) || top.closest("label")?.control === e)) return false;
		e.focus();
		e.click();
		return true;
	})()`, selector))
}

// Type writes over what stands in a field.
func (b *Tab) Type(selector, text string) {
	b.t.Helper()
	do(b, chromedp.WaitVisible(chromedp.CSS(selector)))
	b.Run(fmt.Sprintf("const e = document.querySelector(%q); e.focus(); e.select();", selector))
	b.Press(text)
}

// Press sends keys to whatever has the focus.
func (b *Tab) Press(keys string) {
	b.t.Helper()
	do(b, chromedp.KeyEvent(keys))
}

// Choose takes an option of a select.
func (b *Tab) Choose(selector, value string) {
	b.t.Helper()
	b.Run(fmt.Sprintf("const e = document.querySelector(%q); e.value = %q; e.dispatchEvent(new Event('change', {bubbles: true}));", selector, value))
}

// Picture is what is to be seen, as a PNG.
func (b *Tab) Picture() []byte {
	b.t.Helper()
	return do(b, chromedp.CaptureScreenshot())
}
