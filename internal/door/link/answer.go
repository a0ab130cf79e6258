package link

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/link"
)

// answer is what a request gets.
type answer struct {
	status   int
	code     string // for programs
	text     string // for people
	after    time.Duration
	placed   bool
	call     call.ID
	redirect string // where a browser goes on, "" = nowhere
}

// placedQuery marks the address to which a link that dials at once sends the browser, so
// that reloading the page does not dial again.
const placedQuery = "placed"

func problem(status int, code, text string) answer {
	return answer{status: status, code: code, text: text}
}

func placedAnswer(l *link.Link, id call.ID) answer {
	return answer{status: http.StatusOK, code: "placed", text: "The phone rings. Answer it, and you will be connected with " + shown(l) + ".", placed: true, call: id}
}

func tooMany(after time.Duration) answer {
	a := problem(http.StatusTooManyRequests, "rate", "There are too many calls or requests at the moment. Try again a little later.")
	a.after = max(after, time.Second)
	return a
}

func unavailable() answer {
	a := problem(http.StatusServiceUnavailable, "unavailable", "The call could not be placed now. Try again a little later.")
	a.after = 5 * time.Second
	return a
}

func noDevice() answer {
	return problem(http.StatusConflict, "no-device", "The phone of this link is not connected, so it cannot ring. Switch it on and try again.")
}

func forbidden() answer {
	return problem(http.StatusForbidden, "refused", "The rules of this telephone system do not allow this call. Ask whoever gave you the link.")
}

// fault gives the answer for an error of link. l is nil where it is not known.
func fault(err error, l *link.Link) answer {
	switch {
	case errors.Is(err, link.ErrUnknown):
		return problem(http.StatusNotFound, "unknown", "This link is not valid. Check that it was copied as a whole, or ask for a new one.")
	case errors.Is(err, link.ErrExpired):
		return problem(http.StatusGone, "expired", "This link has expired. Ask for a new one.")
	case errors.Is(err, link.ErrUsed):
		return problem(http.StatusGone, "used", "This link was used already. Ask for a new one.")
	case errors.Is(err, link.ErrRevoked):
		return problem(http.StatusGone, "revoked", "This link was withdrawn. Ask for a new one.")
	case errors.Is(err, link.ErrUser):
		return problem(http.StatusGone, "user", "The phone of this link makes no calls any more. Ask for a new link.")
	case errors.Is(err, link.ErrOrigin):
		return problem(http.StatusForbidden, "origin", "This link does not work from this page. Use it from the page that it was made for.")
	case errors.Is(err, link.ErrEarly):
		a := problem(http.StatusForbidden, "early", "This link is not valid yet. It works from "+l.NotBefore.UTC().Format("2006-01-02 15:04 MST")+" on.")
		a.after = max(time.Until(l.NotBefore), time.Second)
		return a
	}
	return unavailable()
}

// shown gives the destination as people read it: "Ada Moss (+49 30…)" or the number.
func shown(l *link.Link) string {
	if l.Name == "" {
		return l.Dest
	}
	return l.Name + " (" + l.Dest + ")"
}

// give answers. l is the link, nil if it is not known.
func (x *exchange) give(l *link.Link, a answer) {
	h := x.w.Header()
	if a.after > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(a.after.Seconds()))))
	}
	switch {
	case x.program():
		x.giveJSON(l, a)
	case a.redirect != "":
		h.Set("Location", a.redirect)
		x.w.WriteHeader(http.StatusSeeOther)
	default:
		x.page(a.status, l, page{Title: title(a), Text: a.text, Placed: a.placed})
	}
}

// program says whether who asks wants JSON: says so, or posts and does not say that it
// could show a page.
func (x *exchange) program() bool {
	accept := strings.Join(x.r.Header.Values("Accept"), ",")
	html := strings.Contains(accept, "text/html")
	return !html && (x.r.Method == http.MethodPost || strings.Contains(accept, "json"))
}

// giveJSON answers a program; errors have the form of RFC 9457.
func (x *exchange) giveJSON(l *link.Link, a answer) {
	var body any = struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		Code   string `json:"code"`
	}{http.StatusText(a.status), a.status, a.text, a.code}
	kind := "application/problem+json"
	if a.placed {
		kind = "application/json"
		body = struct {
			Status string `json:"status"`
			Call   string `json:"call,omitempty"`
			User   string `json:"user"`
			Number string `json:"number"`
			Name   string `json:"name,omitempty"`
		}{a.code, string(a.call), l.User, l.Dest, l.Name}
	}
	x.w.Header().Set("Content-Type", kind)
	x.w.WriteHeader(a.status)
	_ = json.NewEncoder(x.w).Encode(body) // the client has gone if this fails
}

func title(a answer) string {
	if a.placed {
		return "Calling"
	}
	return "No call"
}
