package console

import (
	"bytes"
	_ "embed"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

//go:embed pages/pages.html
var pagesHTML string

//go:embed pages/pages.css
var pagesCSS []byte

// pages are the pages that work without script; a test runs all of them.
var pages = sync.OnceValue(func() *template.Template { return template.Must(template.New("").Parse(pagesHTML)) })

// pageStyle is the style of these pages.
var pageStyle = newFile("pages.css", pagesCSS, false)

// pageData is what the pages show.
type pageData struct {
	Title, Text, Error string
	User, Next         string
	Nameless           bool // an administrator without a name
}

// policy is the Content-Security-Policy of everything here: nothing from elsewhere, no script
// and no style in pages, no frame around them.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; media-src 'self' blob:; " +
	"font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'; worker-src 'self'"

// headers sets what all answers have. The referrer is kept from other servers, for addresses
// may hold tokens; "no-referrer" would make browsers send forms with Origin: null.
func (x *exchange) headers() {
	h := x.w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(self), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
}

// page writes a page.
func (x *exchange) page(status int, name string, data pageData) {
	var b bytes.Buffer
	if err := pages().ExecuteTemplate(&b, name, data); err != nil { // ours, and a test runs it
		x.d.log.Error("page cannot be written", "door", DoorName, "page", name, "error", err)
		http.Error(x.w, "The page could not be written.", http.StatusInternalServerError)
		return
	}
	h := x.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		_, _ = x.w.Write(b.Bytes()) // nobody is left to be told of an error
	}
}

// noMethod answers a method that the path does not know.
func (x *exchange) noMethod(allow string) {
	x.w.Header().Set("Allow", allow)
	x.page(http.StatusMethodNotAllowed, "message", pageData{Title: "Not allowed", Text: "Allowed here: " + allow + "."})
}

// after tells a client when to come again.
func (x *exchange) after(d time.Duration) {
	x.w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(d.Seconds())))))
}
