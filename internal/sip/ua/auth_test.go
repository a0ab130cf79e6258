package ua

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// checkDigest computes what a server would.
func checkDigest(t *testing.T, req *sip.Request, name, user, password string) *digest.Credentials {
	t.Helper()
	c, err := digest.ParseCredentials(headerValue(req, name))
	if err != nil {
		t.Fatalf("%s of %s: %v", name, req.Method, err)
	}
	want, err := digest.Digest(&digest.Challenge{Realm: c.Realm, Nonce: c.Nonce, Algorithm: c.Algorithm, QOP: []string{c.QOP}},
		digest.Options{Method: string(req.Method), URI: c.URI, Count: c.Nc, Username: user, Password: password, Cnonce: c.Cnonce})
	if err != nil || want.Response != c.Response || c.URI != req.Recipient.String() {
		t.Errorf("wrong credentials in %s: %s", req.Method, c)
	}
	return c
}

func TestD6_401Then407Then200(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial(withAuth("alice", "secret"))
		inv, _ := r.peer.Request(sip.INVITE)
		r.answer(inv, 401, "a", header("WWW-Authenticate", `Digest realm="server", nonce="n1", qop="auth,auth-int", algorithm=MD5`))
		r.peer.Request(sip.ACK)
		inv, _ = r.peer.Request(sip.INVITE)
		checkDigest(t, inv, "Authorization", "alice", "secret")
		r.answer(inv, 407, "b", header("Proxy-Authenticate", `Digest realm="proxy", nonce="n2", qop="auth"`))
		r.peer.Request(sip.ACK)
		inv, _ = r.peer.Request(sip.INVITE)
		if c := checkDigest(t, inv, "Authorization", "alice", "secret"); c.Nc != 2 {
			t.Errorf("nc = %d, want 2", c.Nc)
		}
		checkDigest(t, inv, "Proxy-Authorization", "alice", "secret")
		if inv.CSeq().SeqNo != 3 {
			t.Errorf("CSeq %d", inv.CSeq().SeqNo)
		}
		r.answer(inv, 200, "c", body(answerSDP))
		ack, _ := r.peer.Request(sip.ACK)
		if headerValue(ack, "Proxy-Authorization") != headerValue(inv, "Proxy-Authorization") {
			t.Error("ACK lacks the INVITE's credentials")
		}
		l.want(t, "answered 200")
		r.hangup(l)
	})
}

func TestD6_StaleNonceAndWrongPassword(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial(withAuth("alice", "secret"))
		for i, ch := range []string{`nonce="n1"`, `nonce="n1", stale=true`, `nonce="n2"`} {
			inv, _ := r.peer.Request(sip.INVITE)
			if i > 0 {
				checkDigest(t, inv, "Authorization", "alice", "secret")
			}
			r.answer(inv, 401, "a", header("WWW-Authenticate", `Digest realm="x", qop="auth", `+ch))
			r.peer.Request(sip.ACK)
		}
		inv, _ := r.peer.Request(sip.INVITE)
		r.answer(inv, 401, "a", header("WWW-Authenticate", `Digest realm="x", qop="auth", nonce="n3"`)) // the fourth is final
		r.peer.Request(sip.ACK)
		l.want(t, "ended 401 cause 21 by peer")

		l = r.dial(withAuth("alice", "wrong"))
		for range 2 { // the same nonce again, not stale
			inv, _ := r.peer.Request(sip.INVITE)
			r.answer(inv, 401, "a", header("WWW-Authenticate", `Digest realm="x", qop="auth", nonce="n1"`))
			r.peer.Request(sip.ACK)
		}
		l.want(t, "ended 401 cause 21 by peer")

		l = r.dial()
		inv, _ = r.peer.Request(sip.INVITE)
		r.answer(inv, 407, "a", header("Proxy-Authenticate", `Digest realm="x", nonce="n1"`))
		r.peer.Request(sip.ACK)
		l.want(t, "ended 407 cause 21 by peer") // no credentials
	})
}

func TestD6_TwoChallengesSHA256Wins(t *testing.T) {
	for _, lines := range [][]extra{
		{header("WWW-Authenticate", `Digest realm="x", nonce="md5", qop="auth", algorithm=MD5`), header("WWW-Authenticate", `Digest realm="x", nonce="sha", qop="auth", algorithm=SHA-256`)},
		{header("WWW-Authenticate", `Digest realm="x", nonce="sha", qop="auth-int, auth", algorithm=sha-256, Basic realm="x", Digest realm="x",nonce="md5",algorithm=MD5`)},
		{header("WWW-Authenticate", `Digest algorithm=MD5-sess, realm="x", nonce="n", Digest algorithm=AKAv1-MD5, realm="x", nonce="z", Digest	realm="x", nonce="q"`), header("WWW-Authenticate", `Digest  algorithm=SHA-256, realm="x", qop=auth, nonce="sha"`)},
	} {
		bubble(t, Config{}, func(r *rig) {
			l := r.dial(withAuth("alice", "secret"))
			inv, _ := r.peer.Request(sip.INVITE)
			r.answer(inv, 401, "a", lines...)
			r.peer.Request(sip.ACK)
			inv, _ = r.peer.Request(sip.INVITE)
			if c := checkDigest(t, inv, "Authorization", "alice", "secret"); c.Nonce != "sha" {
				t.Errorf("answered nonce %s with %s", c.Nonce, c.Algorithm)
			}
			if n := len(headerValues(inv, "Authorization")); n != 1 {
				t.Errorf("%d Authorization lines", n)
			}
			r.answer(inv, 486, "a")
			r.peer.Request(sip.ACK)
			l.all()
		})
	}
}

func TestD6_ByeWithAuth(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial(withAuth("alice", "secret"))
		inv, _ := r.peer.Request(sip.INVITE)
		r.answer(inv, 200, "bob", body(answerSDP))
		r.peer.Request(sip.ACK)
		l.all()
		l.call.Hangup(0)
		bye, _ := r.peer.Request(sip.BYE)
		r.answer(bye, 407, "", header("Proxy-Authenticate", `Digest realm="p", nonce="n", qop="auth"`))
		again, _ := r.peer.Request(sip.BYE)
		checkDigest(t, again, "Proxy-Authorization", "alice", "secret")
		if again.CSeq().SeqNo != bye.CSeq().SeqNo+1 {
			t.Error("CSeq did not rise")
		}
		r.answer(again, 200, "")
	})
}

func secrets(user, realm string) (Secret, bool) {
	switch user {
	case "bob", "101":
		return Secret{Password: "secret"}, true
	}
	return Secret{}, false
}

// authorised adds the answer to the challenge of a 401 whose algorithm is alg.
func authorised(t *testing.T, req *sip.Request, res *sip.Response, alg, user, password string, nc int) *sip.Request {
	t.Helper()
	for _, line := range headerValues(res, "WWW-Authenticate") {
		ch, err := digest.ParseChallenge(line)
		if err != nil {
			t.Fatal(err)
		}
		if ch.Algorithm != alg {
			continue
		}
		cred, err := digest.Digest(ch, digest.Options{Method: string(req.Method), URI: req.Recipient.String(), Count: nc, Username: user, Password: password})
		if err != nil {
			t.Fatal(err)
		}
		out := req.Clone()
		out.CSeq().SeqNo++
		out.Via().Params.Add("branch", fmt.Sprint("z9hG4bK", time.Now().UnixNano(), nc, alg, out.CSeq().SeqNo))
		out.RemoveHeader("Authorization")
		out.AppendHeader(sip.NewHeader("Authorization", cred.String()))
		return out
	}
	t.Fatalf("no challenge with %s in\n%s", alg, res)
	return nil
}

func TestD7_InviteByPhone(t *testing.T) {
	for _, alg := range []string{"MD5", "SHA-256"} {
		bubble(t, Config{Realm: "dw", Authenticate: secrets, Digest: []string{"SHA-256", "MD5"}}, func(r *rig) {
			var users []string
			l := &eventLog{}
			r.agent.OnInvite(func(c *Call, _ *sip.Request) {
				user, ok := r.agent.Authorize(c)
				if !ok {
					return
				}
				users = append(users, user)
				c.Handle(l.add)
				c.Reject(486, "Busy Here")
			})
			inv := invite("auth", body(answerSDP))
			r.peer.SendMessage(r.here, inv)
			res := r.final(401)
			second := authorised(t, inv, res, alg, "bob", "secret", 1)
			r.peer.SendMessage(r.here, second)
			r.final2(486)
			if strings.Join(users, ",") != "bob" {
				t.Errorf("authenticated %v", users)
			}
			replay := second.Clone() // the same count again
			replay.CSeq().SeqNo++
			replay.Via().Params.Add("branch", "z9hG4bKreplay")
			r.peer.SendMessage(r.here, replay)
			if res := r.final2(401); !strings.Contains(headerValue(res, "WWW-Authenticate"), "stale=true") {
				t.Error("a replayed count is not called stale")
			}
			l.want(t, "ended 486 cause 17")
		})
	}
}

func TestD7_NonceExpiresAfterFiveMinutes(t *testing.T) {
	bubble(t, Config{Realm: "dw", Authenticate: secrets, Digest: []string{"SHA-256", "MD5"}}, func(r *rig) {
		reg := registerRequest("101", 1, contact("sip:101@10.0.0.2:5060"))
		r.peer.SendMessage(r.here, reg)
		res := r.final(401)
		sleep(5*time.Minute + time.Second)
		r.peer.SendMessage(r.here, authorised(t, reg, res, "MD5", "101", "secret", 1))
		res = r.final(401)
		if !strings.Contains(headerValue(res, "WWW-Authenticate"), "stale=true") {
			t.Error("old nonce is not called stale")
		}
		reg.CSeq().SeqNo = 5
		r.peer.SendMessage(r.here, authorised(t, reg, res, "SHA-256", "101", "secret", 1))
		r.final(200)
	})
}

func TestD7_FailuresBackOff(t *testing.T) {
	bubble(t, Config{Realm: "dw", Authenticate: secrets, Digest: []string{"SHA-256", "MD5"}}, func(r *rig) {
		reg := registerRequest("101", 1, contact("sip:101@10.0.0.2:5060"))
		r.peer.SendMessage(r.here, reg)
		res := r.final(401)
		try := func(password string, nc, want int) *sip.Response {
			t.Helper()
			reg.CSeq().SeqNo += 2
			r.peer.SendMessage(r.here, authorised(t, reg, res, "MD5", "101", password, nc))
			return r.final(want)
		}
		for i := range 5 {
			try("wrong", i+1, 401)
		}
		try("secret", 6, 403) // has to wait, even with the right password
		sleep(2100 * time.Millisecond)
		try("secret", 7, 200)
		for i := range 4 {
			try("wrong", i+8, 401) // success forgave the earlier ones
		}
		try("secret", 20, 200)
	})
}

func TestD7_UnknownUserLooksLikeWrongPassword(t *testing.T) {
	bubble(t, Config{Realm: "dw", Authenticate: secrets, Digest: []string{"SHA-256", "MD5"}}, func(r *rig) {
		var got []string
		for _, user := range []string{"101", "999"} {
			reg := registerRequest(user, 1, contact("sip:x@10.0.0.2:5060"))
			r.peer.SendMessage(r.here, reg)
			res := r.final(401)
			r.peer.SendMessage(r.here, authorised(t, reg, res, "MD5", user, "", 1))
			res = r.final(401)
			got = append(got, fmt.Sprint(res.StatusCode, res.Reason, len(res.Headers())))
		}
		if got[0] != got[1] {
			t.Errorf("answers differ: %v", got)
		}
	})
}

func registerRequest(user string, seq uint32, extras ...extra) *sip.Request {
	uri := sip.Uri{Scheme: "sip", User: user, Host: "dialwright.example"}
	return request(sip.REGISTER, seq, sip.Uri{Scheme: "sip", Host: "dialwright.example"},
		&sip.FromHeader{Address: uri, Params: sip.HeaderParams{{K: "tag", V: "r" + user}}}, &sip.ToHeader{Address: uri}, "reg-"+user, extras...)
}

// baresip 1.0 gives up a registration when it sees a challenge with SHA-256.
func TestD7_OnlyMD5UnlessConfigured(t *testing.T) {
	bubble(t, Config{Realm: "dw", Authenticate: secrets}, func(r *rig) {
		reg := registerRequest("101", 1, contact("sip:101@10.0.0.2:5060"))
		r.peer.SendMessage(r.here, reg)
		res := r.final(401)
		if lines := headerValues(res, "WWW-Authenticate"); len(lines) != 1 || !strings.Contains(lines[0], "algorithm=MD5") {
			t.Errorf("challenges %q", lines)
		}
		r.peer.SendMessage(r.here, authorised(t, reg, res, "MD5", "101", "secret", 1))
		r.final(200)
		r.agent.Registrar().Unregister("101")
	})
}

// A hash of the password for the realm serves as well as the password.
func TestD7_HashedSecrets(t *testing.T) {
	hashes := map[string]Secret{
		"MD5":     {HA1MD5: hexOf(md5.Sum([]byte("101:dw:secret")))},
		"SHA-256": {HA1SHA256: hexOf(sha256.Sum256([]byte("101:dw:secret")))},
	}
	for alg, secret := range hashes {
		lookup := func(user, realm string) (Secret, bool) { return secret, user == "101" && realm == "dw" }
		bubble(t, Config{Realm: "dw", Authenticate: lookup, Digest: []string{"SHA-256", "MD5"}}, func(r *rig) {
			reg := registerRequest("101", 1, contact("sip:101@10.0.0.2:5060"))
			r.peer.SendMessage(r.here, reg)
			r.peer.SendMessage(r.here, authorised(t, reg, r.final(401), alg, "101", "secret", 1))
			r.final(200)
			r.agent.Registrar().Unregister("101")
		})
	}
}

func hexOf[T [16]byte | [32]byte](sum T) string { return fmt.Sprintf("%x", sum) }
