package vodia

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// clicked says whether it was the person who opened a link, and not another page in its
// name: who relies on what browsers send by themselves, a session or a remembered password,
// must have a browser that says so (spec: vodia 4.7). Programs that are no browsers have no
// pages of others; a session is only in browsers.
func (x *exchange) clicked(by *asker) bool {
	sites, dests := x.r.Header.Values("Sec-Fetch-Site"), x.r.Header.Values("Sec-Fetch-Dest")
	if len(sites) == 0 {
		return by.session == nil && len(dests) == 0 && !x.foreign() && !browser(x.r)
	}
	return len(sites) == 1 && (sites[0] == "none" || sites[0] == "same-origin") &&
		len(dests) == 1 && (dests[0] == "document" || dests[0] == "empty") && !x.foreign()
}

// browser says whether a browser sends a request, as far as its name tells: to http://
// addresses, and when it is old, it says nothing of the page that makes it ask. Programs on
// Windows call themselves Mozilla too, but name no engine: PowerShell and WinHTTP, which
// scripts use.
func browser(r *http.Request) bool {
	ua := r.UserAgent()
	return strings.HasPrefix(ua, "Mozilla/") && (strings.Contains(ua, "Gecko") || strings.Contains(ua, "MSIE"))
}

// buttonTime is how long a button may be pressed (spec: vodia 4.7).
const buttonTime = 5 * time.Minute

// confirm shows what a link would do, with a button that does it.
func (x *exchange) confirm(o order) {
	token := x.d.button(&o, x.d.now().Add(buttonTime))
	// Under "no-referrer" a browser would send the form with Origin: null.
	x.page(http.StatusOK, "confirm", "same-origin", pageData{
		Action: linkPath, Number: o.dest, Name: o.name, User: o.user.Name.String(), Dest: o.dest, Connect: !o.confirm, Token: token,
	})
}

// pressed answers the button of the page that confirm shows.
func (x *exchange) pressed() {
	if origins := x.r.Header.Values("Origin"); len(origins) != 1 || !x.ours(origins[0]) {
		f := notOurs()
		x.audit(f, nil, "")
		x.plain(f)
		return
	}
	form, bad := x.form()
	if bad != nil {
		x.plain(bad)
		return
	}
	by, bad := x.loggedIn()
	if bad != nil {
		x.audit(bad, nil, "")
		x.plain(bad)
		return
	}
	o := order{by: &by, dest: form.Get("dest"), typed: form.Get("dest"), name: form.Get("name"), confirm: form.Get("connect") != "true"}
	if o.user, bad = x.actsFor(form.Get("user"), &by); bad == nil {
		o.use, bad = x.d.press(&o, form.Get("token"), x.d.now())
	}
	if bad != nil {
		x.audit(bad, &by, o.user.Account)
		x.plain(bad)
		return
	}
	x.dial(o)
}

// A button is what its form sends along:
//
//	base64url( until: 8 bytes, seconds since 1970 | 16 random bytes | HMAC-SHA-256: 32 bytes )
//
// The HMAC covers who may press it and all of what it does. Its key is made anew at each start,
// so that no button outlives a restart, which forgets the buttons that were pressed.
const buttonHead = 8 + 16

// button makes one for an order.
func (d *Door) button(o *order, until time.Time) string {
	head := make([]byte, buttonHead)
	binary.BigEndian.PutUint64(head, uint64(until.Unix()))
	rand.Read(head[8:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(d.sealButton(head, o))
}

// press gives the use of a button, which has to be that of the order.
func (d *Door) press(o *order, token string, now time.Time) (*use, *failure) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != buttonHead+sha256.Size || !hmac.Equal(b, d.sealButton(b[:buttonHead], o)) {
		return nil, deny(http.StatusForbidden, "button", "This button is not one of this server for you. Open the link again.")
	}
	until := time.Unix(int64(binary.BigEndian.Uint64(b)), 0)
	if now.After(until) {
		return nil, deny(http.StatusForbidden, "expired", "The page with the button is too old. Open the link again.")
	}
	return &use{key: "button\n" + string(b), until: until, most: 1}, nil
}

// sealButton appends the HMAC to the head of a button.
func (d *Door) sealButton(head []byte, o *order) []byte {
	mac := hmac.New(sha256.New, d.buttonKey[:])
	mac.Write(head)
	for _, s := range []string{o.by.principal(), o.user.Name.String(), o.dest, o.name, strconv.FormatBool(o.confirm)} {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
		mac.Write([]byte(s))
	}
	return mac.Sum(head[:len(head):len(head)])
}
