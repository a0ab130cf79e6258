package link

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/link"
)

// foreign says why a POST may come from a web page that has no business with a link; "" =
// it does not. Browsers name the page's origin in every POST; programs name none.
func (x *exchange) foreign(l *link.Link) string {
	origins, locked := x.r.Header.Values("Origin"), len(l.Origins) > 0
	switch {
	case len(origins) > 1:
		return "several headers Origin"
	case len(origins) == 0 && locked:
		return "no Origin, and the link works from " + strings.Join(l.Origins, ", ") + " only"
	case len(origins) == 0:
		if site := x.r.Header.Get("Sec-Fetch-Site"); site != "" && site != "none" && site != "same-origin" {
			return "Sec-Fetch-Site: " + clip(site)
		}
		return ""
	case slices.Contains(l.Origins, origins[0]):
		return ""
	case !x.ours(origins[0]):
		return "Origin: " + clip(origins[0])
	case locked && !x.d.provesFrame(l.ID, x.field("frame"), time.Now()):
		return "our own page outside of a frame, and the link works from " + strings.Join(l.Origins, ", ") + " only"
	}
	return ""
}

// ours says whether an origin is that at which we were asked, or that of Config.Base.
// Over HTTPS a page that came without it is not ours: somebody may have changed it on its way.
func (x *exchange) ours(origin string) bool {
	if base, err := url.Parse(x.c.Base); err == nil && base.Host != "" && strings.EqualFold(origin, base.Scheme+"://"+base.Host) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, x.r.Host) && (u.Scheme == "https" || u.Scheme == "http" && !x.secure())
}

// secure says whether the client came by TLS, to us or to a trusted proxy.
func (x *exchange) secure() bool {
	return x.r.TLS != nil || auth.Among(auth.Peer(x.r), x.c.TrustedProxies) && x.r.Header.Get("X-Forwarded-Proto") == "https"
}

// maxBody bounds the bytes of a POST that are read.
const maxBody = 4 << 10

// field gives a field of a small form, "" if the body is none.
func (x *exchange) field(name string) string {
	x.r.Body = http.MaxBytesReader(x.w, x.r.Body, maxBody)
	if err := x.r.ParseForm(); err != nil {
		return ""
	}
	return x.r.PostForm.Get(name)
}

// early says whether a browser fetches what nobody has asked for yet (spec: vodia 4.8).
func early(h http.Header) bool {
	for _, name := range []string{"Purpose", "Sec-Purpose", "X-Purpose", "X-Moz"} {
		v := strings.ToLower(h.Get(name))
		if strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview") {
			return true
		}
	}
	return false
}

// activated says whether a GET is a person's: a browser's window was sent here by a click
// or by what was typed, and not by a page of another origin. Browsers tell this to addresses
// that they hold to be safe only: HTTPS, and loopback.
func activated(h http.Header) bool {
	site := h.Get("Sec-Fetch-Site")
	return (site == "none" || site == "same-origin") && h.Get("Sec-Fetch-User") == "?1" &&
		h.Get("Sec-Fetch-Mode") == "navigate" && h.Get("Sec-Fetch-Dest") == "document"
}

// framed says whether a browser wants a page for a frame. Whose frame is for the page's
// frame-ancestors to say: in a stranger's the browser does not show it.
func framed(h http.Header) bool {
	dest := h.Get("Sec-Fetch-Dest")
	return dest == "iframe" || dest == "frame"
}

// frameLife is how long the button of a framed page works.
const frameLife = time.Hour

// frameProof makes what the button of a framed page brings along.
func (d *Door) frameProof(id string, now time.Time) string {
	until := strconv.FormatInt(now.Add(frameLife).Unix(), 10)
	return until + "." + d.frameMAC(id, until)
}

// provesFrame checks it.
func (d *Door) provesFrame(id, proof string, now time.Time) bool {
	until, mac, _ := strings.Cut(proof, ".")
	n, err := strconv.ParseInt(until, 10, 64)
	return err == nil && subtle.ConstantTimeCompare([]byte(mac), []byte(d.frameMAC(id, until))) == 1 && now.Unix() < n
}

func (d *Door) frameMAC(id, until string) string {
	mac := hmac.New(sha256.New, d.frameKey[:])
	mac.Write([]byte(id + " " + until))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// cors lets scripts of a link's origins read the answer, and says whether the request
// comes from one. There are no cookies to be sent along.
func (x *exchange) cors(l *link.Link) bool {
	origins := x.r.Header.Values("Origin")
	if len(origins) != 1 || !slices.Contains(l.Origins, origins[0]) {
		return false
	}
	x.w.Header().Set("Access-Control-Allow-Origin", origins[0])
	x.w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	return true
}

// preflight answers a browser that asks whether its script may ask.
func (x *exchange) preflight(l *link.Link) {
	if !x.cors(l) || x.r.Header.Get("Access-Control-Request-Method") == "" {
		x.give(l, fault(link.ErrOrigin, l))
		return
	}
	h := x.w.Header()
	h.Set("Access-Control-Allow-Methods", "POST")
	h.Set("Access-Control-Allow-Headers", "Content-Type")
	if x.r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	x.w.WriteHeader(http.StatusNoContent)
}

// clip bounds what is written down of a header.
func clip(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return strings.ToValidUTF8(s, "�")
}
