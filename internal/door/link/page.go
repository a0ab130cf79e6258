package link

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/link"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// page is what the page says.
type page struct {
	Title  string
	Text   string // what happened, "" = it asks
	Placed bool
	Number string // destination
	Name   string
	User   string // whose phone rings
	Prompt bool   // a press of 1 is asked for
	Frame  string // proof of the frame, "" = none
	Style  template.CSS
}

// headers sets what all answers have.
func (x *exchange) headers() {
	h := x.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	// Other origins are told nothing. Ours must be: with no-referrer a browser posts the
	// form with "Origin: null", and we could not tell our page from others.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Vary", "Origin, Accept, Sec-Fetch-Dest")
}

// ask shows the page with the button.
func (x *exchange) ask(l *link.Link, u directory.User) {
	p := page{Title: "Call " + shown(l), Number: l.Dest, Name: l.Name, User: u.Display(), Prompt: !l.Connect}
	if len(l.Origins) > 0 {
		p.Frame = x.d.frameProof(l.ID, time.Now())
	}
	x.page(http.StatusOK, l, p)
}

// page writes a page without script, which nobody may frame but the link's origins.
func (x *exchange) page(status int, l *link.Link, p page) {
	sum := sha256.Sum256([]byte(pageCSS))
	ancestors := "'none'"
	if l != nil && len(l.Origins) > 0 {
		ancestors = strings.Join(l.Origins, " ")
	} else {
		x.w.Header().Set("X-Frame-Options", "DENY")
	}
	h := x.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; form-action 'self'; base-uri 'none'; frame-ancestors "+ancestors)
	p.Style = template.CSS(pageCSS)
	x.w.WriteHeader(status)
	t := template.Must(template.New("link").Parse(pageHTML)) // ours, and a test runs it
	_ = t.Execute(x.w, p)                                    // a client that has gone
}
