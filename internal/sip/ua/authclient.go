package ua

import (
	"strings"
	"sync"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// Credentials answer digest challenges (401, 407).
type Credentials struct {
	User     string
	Password string
	Realm    string // answer only this realm; "" = any
}

// maxChallenges is how often one request may be challenged before its 401 or
// 407 counts as final (D6).
const maxChallenges = 3

// strength orders the algorithms (D6, RFC 7616 §3.7: the strongest wins). Not
// listed: not answered (the -sess forms, which no SIP server in the field asks for).
var strength = map[string]int{"": 1, "MD5": 1, "SHA-512-256": 2, "SHA-256": 3}

// space is one protection space: a realm of servers (401) or of proxies (407).
type space struct {
	proxy bool
	realm string
}

// challenge is the newest one of a space, with how often it was used.
type challenge struct {
	digest.Challenge
	uses int
}

// wallet answers the challenges of one call or registration (D6). It keeps
// the newest challenge of each space and answers it ahead of being asked in
// later requests, with rising nc (RFC 7616 §3.4). Safe concurrently.
type wallet struct {
	mu     sync.Mutex   // guards what follows
	creds  *Credentials // nil: nothing is answered
	spaces map[space]*challenge
	order  []space // in which they came
}

func newWallet(c *Credentials) *wallet { return &wallet{creds: c} }

// learn reads the challenges of a 401 or 407 and reports whether to send the
// request again. sent is the request that was refused. It is to be sent again
// when a space is asked for that was not answered, or whose nonce changed, or
// that says stale (D6).
func (w *wallet) learn(r *sip.Response, sent *sip.Request) bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.creds == nil {
		return false
	}
	again := false
	for sp, ch := range bestChallenges(r) {
		if w.creds.Realm != "" && w.creds.Realm != sp.realm {
			continue
		}
		old, known := w.spaces[sp]
		used := known && hasAnswer(sent, sp.proxy, old.Nonce)
		if used && ch.Nonce == old.Nonce && !ch.Stale {
			return false // the same question again: the password is wrong
		}
		if !known {
			if w.spaces == nil {
				w.spaces = map[space]*challenge{}
			}
			w.order = append(w.order, sp)
		}
		w.spaces[sp] = &challenge{Challenge: ch}
		again = true
	}
	return again
}

// hasAnswer reports whether req carried an answer to nonce.
func hasAnswer(req *sip.Request, proxy bool, nonce string) bool {
	for _, v := range headerValues(req, answerHeader(proxy)) {
		if strings.Contains(v, `nonce="`+nonce+`"`) {
			return true
		}
	}
	return false
}

func answerHeader(proxy bool) string {
	if proxy {
		return "Proxy-Authorization"
	}
	return "Authorization"
}

// sign adds an answer for each known space to a request.
func (w *wallet) sign(req *sip.Request) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.creds == nil {
		return
	}
	for _, sp := range w.order {
		ch := w.spaces[sp]
		ch.uses++
		cred, err := digest.Digest(&ch.Challenge, digest.Options{
			Method: string(req.Method), URI: req.Recipient.String(), Count: ch.uses,
			Username: w.creds.User, Password: w.creds.Password,
		})
		if err != nil {
			continue // chosen by strength, so only an odd qop gets here
		}
		req.AppendHeader(sip.NewHeader(answerHeader(sp.proxy), cred.String()))
	}
}

// bestChallenges reads all challenges in all header lines and keeps the
// strongest of each space (D6).
func bestChallenges(r *sip.Response) map[space]digest.Challenge {
	best := map[space]digest.Challenge{}
	for _, proxy := range []bool{false, true} {
		name := "WWW-Authenticate"
		if proxy {
			name = "Proxy-Authenticate"
		}
		for _, line := range headerValues(r, name) {
			for _, ch := range parseChallenges(line) {
				sp := space{proxy, ch.Realm}
				if old, ok := best[sp]; !ok || strength[strings.ToUpper(ch.Algorithm)] > strength[strings.ToUpper(old.Algorithm)] {
					best[sp] = ch
				}
			}
		}
	}
	return best
}

// parseChallenges reads one header line, which may hold several challenges:
// "Digest a=1, b=2, Digest a=3". Other schemes and algorithms that we cannot
// compute are left out. The digest library reads one challenge at a time and
// splits qop at bare commas only, hence this reader.
func parseChallenges(line string) []digest.Challenge {
	var out []digest.Challenge
	inDigest := false
	for _, part := range splitList(line) {
		if scheme, rest, ok := strings.Cut(part, " "); ok && isToken(scheme) && !strings.HasPrefix(strings.TrimSpace(rest), "=") {
			if inDigest = strings.EqualFold(scheme, "Digest"); inDigest {
				out = append(out, digest.Challenge{})
			}
			part = rest
		}
		if inDigest {
			setChallenge(&out[len(out)-1], part)
		}
	}
	usable := out[:0]
	for _, ch := range out {
		if ch.Nonce != "" && strength[strings.ToUpper(ch.Algorithm)] > 0 && (len(ch.QOP) == 0 || ch.SupportsQOP("auth")) {
			usable = append(usable, ch)
		}
	}
	return usable
}

// setChallenge sets one auth-param (RFC 7616 §3.3).
func setChallenge(c *digest.Challenge, param string) {
	k, v, _ := strings.Cut(param, "=")
	v = strings.TrimSpace(v)
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		v = unquoteDisplay(v[1 : len(v)-1])
	}
	switch strings.ToLower(strings.TrimSpace(k)) {
	case "realm":
		c.Realm = v
	case "nonce":
		c.Nonce = v
	case "opaque":
		c.Opaque = v
	case "algorithm":
		c.Algorithm = v
	case "stale":
		c.Stale = strings.EqualFold(v, "true")
	case "userhash":
		c.Userhash = strings.EqualFold(v, "true")
	case "qop":
		for q := range strings.SplitSeq(v, ",") {
			if q = strings.ToLower(strings.TrimSpace(q)); q == "auth" {
				c.QOP = []string{"auth"} // auth-int would need the body; auth is always offered beside it
			} else if q != "" && len(c.QOP) == 0 {
				c.QOP = []string{q}
			}
		}
	}
}
