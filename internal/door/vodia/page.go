package vodia

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"sync"
)

//go:embed pages/pages.html
var pagesHTML string

// pageStyle is the style of the pages that work without script.
const pageStyle = `body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:30rem;padding:0 1rem;color-scheme:light dark}` +
	`label{display:block}input{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}button{font:inherit;padding:.5rem 1.5rem}`

// pages are the pages; a test runs all of them.
var pages = sync.OnceValue(func() *template.Template { return template.Must(template.New("").Parse(pagesHTML)) })

// pageData is what the pages show.
type pageData struct {
	Number, Name, User string
	Confirm            bool // "press 1" will be said
	Dest, Token        string
	Connect            bool
	Action             string
	Account, Error     string
}

// Style is the style of every page.
func (pageData) Style() template.CSS { return pageStyle }

// page writes a page. It runs no script, loads nothing, sends forms to this server only, and
// is framed by nobody. referrer is the policy: a page with a form needs "same-origin", for
// under "no-referrer" a browser sends Origin: null.
func (x *exchange) page(status int, name, referrer string, data pageData) {
	var b bytes.Buffer
	if err := pages().ExecuteTemplate(&b, name, data); err != nil { // ours, and a test runs it
		x.d.log.Error("page cannot be written", "door", DoorName, "page", name, "error", err)
		http.Error(x.w, "The page could not be written.", http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256([]byte(pageStyle))
	h := x.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", referrer)
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(b.Bytes()) // nobody is left to be told of an error
}
