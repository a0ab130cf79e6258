package peers

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
)

// busyPhone is a phone 101 that is always busy, and notes whom it was to be connected with.
type busyPhone struct {
	mu   sync.Mutex // guards rang
	rang map[string]map[string]bool
}

var (
	fromUser = regexp.MustCompile(`(?im)^From:[^<]*<sip:([^@>]*)@`)
	callID   = regexp.MustCompile(`(?im)^Call-ID: *(.*?)\r?$`)
)

// newBusyPhone starts one on a port.
func newBusyPhone(t *testing.T, port int) *busyPhone {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	p := &busyPhone{rang: map[string]map[string]bool{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buf := make([]byte, 65536); ; {
			n, from, err := conn.ReadFromUDP(buf)
			if err != nil {
				return
			}
			if request := string(buf[:n]); strings.HasPrefix(request, "INVITE ") {
				p.note(request)
				_, _ = conn.WriteToUDP([]byte(strings.Replace(string(answer200(request, "")), "200 OK", "486 Busy Here", 1)), from)
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return p
}

// note remembers an INVITE by the number that it shows and its Call-ID, which repetitions share.
func (p *busyPhone) note(request string) {
	number, id := fromUser.FindStringSubmatch(request), callID.FindStringSubmatch(request)
	if number == nil || id == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rang[number[1]] == nil {
		p.rang[number[1]] = map[string]bool{}
	}
	p.rang[number[1]][id[1]] = true
}

// times says how often it rang for a number.
func (p *busyPhone) times(number string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.rang[number])
}

// TestLinksSurviveKills kills the server while links for one call are used, until a use
// was cut off before its call was stored and another after that. None calls twice, and
// none that has not called is lost.
func TestLinksSurviveKills(t *testing.T) {
	t.Parallel()
	srv := harness.StartWith(t, harness.Limits{HTTP: true}, harness.Phone("101", ""), harness.Trunk("out", 9, ""), "[[routes]]\nmatch = \"9\"\ntrunk = \"out\"\n",
		"[users.101]\n[links]\nper_minute = -1\n")
	port := harness.FreePort(t)
	registerPhone(t, srv, "101", port)
	phone := newBusyPhone(t, port)
	(&yard{t: t}).until("the registration is on the disk", func() bool {
		b, err := os.ReadFile(filepath.Join(srv.Dir, "registrations.json"))
		return err == nil && strings.Contains(string(b), "sip:101@")
	})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	k := &linkKiller{Server: srv, t: t, rnd: rand.New(rand.NewPCG(seed, 1)), client: &http.Client{}}
	t.Cleanup(k.client.CloseIdleConnections)
	const rounds = 30
	for round := 0; round < rounds && (k.before == 0 || k.after == 0); round++ {
		k.round()
	}
	t.Logf("%d links, %d kills; %d uses were cut off before the call was stored, %d after", len(k.links), k.kills, k.before, k.after)
	if k.before+k.after == 0 { // either is luck; TestRecover of door/link proves both
		t.Error("the kills came never in between: the test proves nothing")
	}
	k.drained()
	once := 0
	for _, l := range k.links {
		once += phone.times(l.Number)
		if n := k.calls(l); n != 1 {
			t.Errorf("link %s for %s: %d calls, want 1", l.ID, l.Number, n)
		}
		if n := phone.times(l.Number); n > 1 {
			t.Errorf("link %s: the phone rang %d times", l.ID, n)
		}
	}
	if once == 0 {
		t.Error("the phone never rang")
	}
	t.Logf("the phone rang for %d of them; the others' attempts were cut off, or were not placed in time", once)
}

// linkKiller kills a server while links are used.
type linkKiller struct {
	*harness.Server
	t      *testing.T
	rnd    *rand.Rand
	client *http.Client

	links         []killedLink
	placed        map[string]int // calls by the principal
	kills         int
	before, after int // uses cut off before and after the call was stored
}

type killedLink struct{ ID, URL, Number string }

// round makes links, uses all at once, kills the server after some have been answered,
// starts it again, and uses those that are as if they had not been used.
func (k *linkKiller) round() {
	k.t.Helper()
	const together = 40
	links := make([]killedLink, together)
	for i := range links {
		number := fmt.Sprintf("9%05d", len(k.links)+i)
		k.MustAPI("POST", "/v1/links", map[string]any{"user": "101", "number": number, "uses": 1, "connect": true}, &links[i])
	}
	k.links = append(k.links, links...)
	answered := make([]bool, together)
	first := make(chan struct{}, together)
	var wg sync.WaitGroup
	for i := range links {
		wg.Go(func() {
			status, ok := postLink(k.client, links[i].URL)
			answered[i] = ok
			if ok && status != http.StatusOK {
				k.t.Errorf("link %s: %d", links[i].ID, status)
			}
			first <- struct{}{}
		})
	}
	for range 1 + k.rnd.IntN(together/2) {
		<-first
	}
	k.Kill()
	k.kills++
	wg.Wait()
	k.Start()
	for i, l := range links {
		k.check(l, answered[i])
	}
}

// check looks at a link after the start, and uses it again: that works once, if it has
// not called.
func (k *linkKiller) check(l killedLink, answered bool) {
	k.t.Helper()
	var now struct {
		Used    int
		History []struct{ Call, Refused string }
	}
	k.MustAPI("GET", "/v1/links/"+l.ID, nil, &now)
	want := http.StatusOK
	switch {
	case now.Used == 1:
		want = http.StatusGone
		if !answered {
			k.after++
		}
		if len(now.History) != 1 || now.History[0].Call == "" {
			k.t.Errorf("link %s is used without a call: %+v", l.ID, now)
		}
	case answered:
		k.t.Errorf("link %s: the server has said that it calls, and has forgotten it: %+v", l.ID, now)
	case len(now.History) == 1 && now.History[0].Refused == "the server stopped before the call was stored":
		k.before++
	case len(now.History) > 0:
		k.t.Errorf("link %s: %+v", l.ID, now)
	}
	if status, ok := postLink(k.client, l.URL); !ok || status != want {
		k.t.Errorf("link %s, used %d: %d, want %d", l.ID, now.Used, status, want)
	}
}

// drained waits until all calls have ended, and counts them.
func (k *linkKiller) drained() {
	k.t.Helper()
	(&yard{t: k.t}).until("all calls have ended", func() bool {
		k.placed = map[string]int{}
		open := false
		for cursor, first := "", true; first || cursor != ""; first = false {
			var page struct {
				Calls []struct{ State, Principal string }
				Next  string
			}
			k.MustAPI("GET", "/v1/calls?door=link&limit=1000&cursor="+cursor, nil, &page)
			for _, c := range page.Calls {
				k.placed[c.Principal]++
				open = open || c.State != "ended" && c.State != "cancelled"
			}
			cursor = page.Next
		}
		return !open
	})
}

func (k *linkKiller) calls(l killedLink) int { return k.placed["link:"+l.ID] }
