package vodia

import (
	"strings"
	"time"
)

// Call is a call of a user as its clients see it, by REST and by WebSocket (spec: vodia 8.5).
type Call struct {
	ID         string // handle for commands
	State      string // "alerting", "ringback", "connected", "holding" or "onhold" (spec: vodia 8.6)
	From, To   Party
	Start      time.Time
	Connect    time.Time // zero until both sides have talked
	Extensions []string  // that take part
	Code       string    // client-matter code
	Recording  bool
	Now        time.Time // the server's clock; zero = it is not told (spec: vodia 5.3)
}

// Party is one side of a call.
type Party struct {
	Name string
	// Number is what clients compare with what they have asked for: to be the same string it
	// must be as it was sent, whatever was dialled (spec: vodia 8.5).
	Number  string
	Dialed  string // the number itself, "" = Number
	Tenant  string // host of its address
	Outside bool   // it is no extension of the tenant
}

// String writes a party as clients show it: `"Ada Moss" <sip:123@tenant.com>`, or
// `<sip:6173998147@tenant.com;user=phone>` outside (spec: vodia 8.5).
func (p Party) String() string {
	var b strings.Builder
	if name := CleanName(p.Name); name != "" {
		b.WriteString(`"` + quoted.Replace(name) + `" `)
	}
	number := p.Number
	if p.Dialed != "" {
		number = p.Dialed
	}
	b.WriteString("<sip:")
	writeUser(&b, number)
	if p.Tenant != "" {
		b.WriteString("@" + p.Tenant)
	}
	if p.Outside {
		b.WriteString(";user=phone")
	}
	b.WriteByte('>')
	return b.String()
}

// quoted escapes within a quoted string (RFC 3261 §25.1).
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// writeUser writes the user part of a SIP URI (RFC 3261 §25.1).
func writeUser(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for _, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9', 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', strings.IndexByte("-_.!~*'()&=+$,;?/", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
		}
	}
}

// MarshalJSON is json.Marshaler. The state is there in both spellings: old portals read
// callstate, new clients state. connect is "" until both have talked.
func (c Call) MarshalJSON() ([]byte, error) {
	var connect any = ""
	if !c.Connect.IsZero() {
		connect = c.Connect.Unix()
	}
	rec, now := "", int64(0)
	if c.Recording {
		rec = "adhoc"
	}
	if !c.Now.IsZero() {
		now = c.Now.Unix()
	}
	return marshal(struct {
		ID         string   `json:"id"`
		State      string   `json:"state"`
		CallState  string   `json:"callstate"`
		FromNumber string   `json:"from-number"`
		FromName   string   `json:"from-name"`
		ToNumber   string   `json:"to-number"`
		ToName     string   `json:"to-name"`
		From       string   `json:"from"`
		To         string   `json:"to"`
		Start      int64    `json:"start"`
		Connect    any      `json:"connect"`
		Extension  []string `json:"extension"`
		Code       string   `json:"cmc"`
		Rec        string   `json:"rec"`
		Now        int64    `json:"now,omitzero"`
	}{
		c.ID, c.State, c.State, c.From.Number, c.From.Name, c.To.Number, c.To.Name, c.From.String(), c.To.String(),
		c.Start.Unix(), connect, append([]string{}, c.Extensions...), c.Code, rec, now,
	})
}
