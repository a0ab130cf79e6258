package ami

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestLogin(t *testing.T) {
	hash := auth.Hash("argonpw")
	users := append(labUsers(),
		User{Name: "hashed", Secret: hash, Format: "argon2id", Read: wire.Call},
		User{Name: "crypted", Secret: "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", Format: "crypt", Read: wire.Call},
		User{Name: "strange", Secret: "x", Format: "rot13", Read: wire.Call},
	)
	for _, c := range []struct {
		name, secret string
		ok           bool
	}{
		{"hashed", "argonpw", true}, {"HASHED", "argonpw", true}, {"hashed", "wrong", false}, {"hashed", hash, false},
		{"crypted", "Hello world!", true}, {"crypted", "hello world!", false},
		{"strange", "x", false}, {"nosecret", "", false}, {"nosecret", "x", false}, {"", "", false}, {"none", "argonpw", false},
	} {
		t.Run(c.name+"/"+c.secret, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, func(_ *Options, cfg *Config) { cfg.Users = users })
				u := l.pipe()
				u.banner()
				begun := time.Now()
				u.say("Action: Login", "ActionID: 1", "Username: "+c.name, "Secret: "+c.secret)
				if c.ok {
					u.want("Response: Success", "ActionID: 1", "Message: Authentication accepted")
					return
				}
				u.want("Response: Error", "ActionID: 1", "Message: Authentication failed")
				u.ended()
				if took := time.Since(begun); took != failurePause {
					t.Errorf("it took %v", took)
				}
				if log := l.logs.String(); !strings.Contains(log, "level=WARN msg=\"login failed\"") || !strings.Contains(log, "remote=pipe") {
					t.Errorf("logged: %s", log)
				}
				if s := l.server.Stats(); s.LoginsFailed != 1 || s.Sessions != 0 || s.Strangers != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// A key is taken in upper case too, and only for the challenge of its own connection.
func TestChallengeLogin(t *testing.T) {
	t.Parallel()
	l := listening(t, func(_ *Options, c *Config) {
		c.Users = append(labUsers(), User{Name: "hashed", Secret: auth.Hash("x"), Format: "argon2id"})
	})
	challenge := func(u *user) string {
		u.banner()
		u.say("Action: Challenge", "AuthType: md5")
		_, n, ok := strings.Cut(u.next(), "Challenge: ")
		if !ok || len(n) > 9 || strings.Trim(n, "0123456789") != "" {
			t.Fatalf("challenge %q", n)
		}
		return n
	}
	a, b, d := l.connect(), l.connect(), l.connect()
	ca, cb, cd := challenge(a), challenge(b), challenge(d)
	if ca == cb && cb == cd {
		t.Error("all get the same challenge")
	}
	a.say("Action: Login", "AuthType: MD5", "Username: tracer", "Events: off", "Key: "+strings.ToUpper(md5Hex(ca+"tracepw")))
	a.want("Response: Success", "Message: Authentication accepted")
	b.say("Action: Login", "AuthType: MD5", "Username: tracer", "Key: "+md5Hex(cd+"tracepw"))
	b.want("Response: Error", "Message: Authentication failed")
	d.say("Action: Login", "AuthType: MD5", "Username: hashed", "Key: "+md5Hex(cd+"x"))
	d.want("Response: Error", "Message: Authentication failed")
	c := l.connect()
	c.banner()
	l.login("single", "onepw", "off")
	c.say("Action: Challenge", "AuthType: MD5", "Username: Single")
	c.want("Response: Error", "Message: Login Already In Use")
	c.ended()
}

// Who guesses often is not listened to any more, whatever the secret is.
func TestGuessingIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil)
		for range 10 {
			u := l.pipe()
			u.banner()
			u.say("Action: Login", "Username: tracer", "Secret: bad")
			u.want("Response: Error", "Message: Authentication failed")
			u.ended()
		}
		for {
			u := l.pipe()
			u.banner()
			u.say("Action: Login", "Username: tracer", "Secret: bad")
			u.want("Response: Error", "Message: Authentication failed")
			if strings.Contains(l.logs.String(), noTries) {
				break
			}
		}
		other := l.pipe() // at the same address, with the right secret
		other.banner()
		other.enter("webinterface", "webinterface", "off")
		<-time.After(time.Minute) // fake time of the bubble
		u := l.pipe()
		u.banner()
		u.enter("tracer", "tracepw", "off")
	})
}

func TestAuthTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, func(_ *Options, c *Config) { c.AuthTimeout = 5 * time.Second })
		idle, busy, known := l.pipe(), l.pipe(), l.pipe()
		for _, u := range []*user{idle, busy, known} {
			u.banner()
		}
		known.enter("tracer", "tracepw", "off")
		begun := time.Now()
		for range 4 { // who says things, and lines without end, does not get longer
			<-time.After(time.Second) // fake time of the bubble
			busy.say("Action: Ping")
			busy.want("Response: Error", "Message: Permission denied")
		}
		idle.ended()
		busy.ended()
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("closed after %v", took)
		}
		<-time.After(time.Hour)
		known.say("Action: Events", "EventMask: off")
		known.want("Response: Success", "Events: Off")
	})
}

func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	l := listening(t, func(_ *Options, c *Config) {
		c.AuthLimit, c.MaxConnections = 5, 8
		c.Users[0].MaxConnection = 7
	})
	var strangers []*user
	for range 5 {
		u := l.connect()
		u.banner()
		strangers = append(strangers, u)
	}
	l.connect().ended() // without a banner
	for _, u := range strangers {
		u.enter("tracer", "tracepw", "off")
	}
	l.login("tracer", "tracepw", "off")
	l.login("tracer", "tracepw", "off")
	last := l.connect()
	last.banner()
	l.connect().ended()
	last.say("Action: Login", "Username: tracer", "Secret: tracepw")
	last.want("Response: Error", "Message: Login Already In Use")
	last.ended()
	if s := l.server.Stats(); s.Refused != 2 || s.Sessions != 7 {
		t.Errorf("%+v", s)
	}
	if list := l.server.Sessions(); len(list) != 7 || list[0].User != "tracer" || list[0].Web || list[0].Read != wire.All {
		t.Errorf("%+v", list)
	}
}

// Half-open logins by the hundred cost what the limit allows, and nothing lasting.
func TestHalfOpenLogins(t *testing.T) {
	t.Parallel()
	l := listening(t, nil)
	known := l.login("tracer", "tracepw", "off")
	for i := range 500 {
		u := l.connect()
		if i%2 == 0 {
			_, _ = u.conn.Write([]byte("Action: Login\r\nUsername: tracer\r\n")) // it may be closed already
		}
		if s := l.server.Stats(); s.Strangers > defaultAuthLimit || s.Sessions > defaultAuthLimit+1 {
			t.Fatalf("%+v", s)
		}
	}
	known.say("Action: Events", "EventMask: off")
	known.want("Response: Success", "Events: Off")
}

func TestReload(t *testing.T) {
	t.Parallel()
	l := listening(t, nil)
	kept, changed, gone := l.login("tracer", "tracepw", "user"), l.login("webinterface", "webinterface", "off"), l.login("readonly", "ropw", "off")
	l.change(func(c *Config) {
		c.Users = labUsers()[:2]
		c.Users[0].Write, c.Users[1].Secret = wire.None, "other"
		c.Users[0].Filters = []wire.Filter{mustFilter(t, "", "!Event: UserEvent")}
	})
	if err := l.server.Reload(); err != nil {
		t.Fatal(err)
	}
	changed.ended()
	gone.ended()
	l.happen("hidden")
	kept.say("Action: Filter", "Operation: Add", "Filter: x")
	kept.want("Response: Error", "Message: Permission denied")
}

// A login that is under way while its user is taken away does not come through.
func TestReloadDuringLogin(t *testing.T) {
	var reload atomic.Pointer[func()]
	l := listening(t, func(o *Options, _ *Config) {
		now := o.Config
		o.Config = func() *Config {
			c := now()
			if f := reload.Swap(nil); f != nil {
				(*f)() // right behind the look that the login takes
			}
			return c
		}
	})
	u := l.connect()
	u.banner()
	gone := func() {
		l.change(func(c *Config) { c.Users = labUsers()[1:] })
		if err := l.server.Reload(); err != nil {
			t.Error(err)
		}
	}
	reload.Store(&gone)
	u.say("Action: Login", "Username: tracer", "Secret: tracepw")
	u.want("Response: Error", "Message: Authentication failed")
	u.ended()
	if log := l.logs.String(); !strings.Contains(log, isGone) {
		t.Error(log)
	}
}

func TestNoConnectionLimit(t *testing.T) {
	l := listening(t, func(_ *Options, c *Config) { c.MaxConnections = 0 })
	for range 1001 {
		l.login("tracer", "tracepw", "off")
	}
	if n := l.server.Stats().Sessions; n != 1001 {
		t.Errorf("%d sessions", n)
	}
}

func mustFilter(t *testing.T, criteria, pattern string) wire.Filter {
	t.Helper()
	f, err := wire.ParseFilter(criteria, pattern)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestMayRun(t *testing.T) {
	l := newLab(t, nil)
	for _, a := range l.server.actions() {
		u := &User{Write: a.class}
		if !mayRun(u, &a) || (a.class != 0 && mayRun(&User{Write: wire.All &^ a.class}, &a)) {
			t.Error(a.name)
		}
		if a.summary == "" || a.run == nil {
			t.Error(fmt.Sprint(a.name, " is not whole"))
		}
	}
}
