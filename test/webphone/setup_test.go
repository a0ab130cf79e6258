package webphone

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/browser"
	"github.com/dialwright/dialwright/test/harness"
	"github.com/dialwright/dialwright/test/node"
)

// What the two sides play, in Hz.
const (
	browserTone = 440
	phoneTone   = 1000
)

const patience = 20 * time.Second

// lab is a server with the desk phone 101 and phones for browsers: 103; 104 and 105 with Opus;
// 106, which gets keys by INFO, since pages are not told of those in the audio.
type lab struct {
	t    *testing.T
	s    *harness.Server
	page *httptest.Server
	b    *browser.Browser
}

func newLab(t *testing.T, more ...string) *lab {
	t.Helper()
	node.RequireModule(t, "jssip")
	script := bundle(t, "jssip")
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>phone</title><script src="/jssip.js"></script><script src="/page.js"></script>`)
	})
	mux.HandleFunc("/jssip.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, script)
	})
	mux.HandleFunc("/page.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "page.js") })
	l := &lab{t: t, page: httptest.NewServer(mux)}
	t.Cleanup(l.page.Close)
	opus := `codecs = ["opus", "PCMU"]`
	config := harness.Phone("101", "") + harness.Phone("103", "") + harness.Phone("104", opus) + harness.Phone("105", opus) + harness.Phone("106", `dtmf = "info"`)
	trusted := fmt.Sprintf("trusted_origins = [%q]", l.page.URL)
	l.s = harness.StartWith(t, harness.Limits{HTTP: true, Web: trusted}, append([]string{config}, more...)...)
	tone := filepath.Join(t.TempDir(), "tone.wav")
	writeTone(t, tone, browserTone)
	l.b = browser.Start(t, "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--use-file-for-fake-audio-capture="+tone,
		"--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection")
	return l
}

// writeTone writes a WAV file of 16 bits and one channel at 48 kHz: two seconds of a tone, which
// Chromium plays again and again without a seam.
func writeTone(t *testing.T, name string, hz float64) {
	t.Helper()
	const rate, seconds = 48000, 2
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00")
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, 2*rate)
	b = append(b, 2, 0, 16, 0, 'd', 'a', 't', 'a')
	b = binary.LittleEndian.AppendUint32(b, 2*rate*seconds)
	for i := range rate * seconds {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(8000*math.Sin(2*math.Pi*hz*float64(i)/rate))))
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// webphone is a phone in a page.
type webphone struct {
	*browser.Tab
	t    *testing.T
	name string
}

// open makes a page that registers as user.
func (l *lab) open(page, user string) *webphone {
	l.t.Helper()
	w := &webphone{l.b.Open(page, l.page.URL), l.t, page}
	w.Eval(fmt.Sprintf("phone.start(%q, %q, %q)", "ws://127.0.0.1:"+strconv.Itoa(l.s.HTTP)+"/sip", "sip:"+user+"@test.local", "secret-"+user))
	w.Wait("phone.registered")
	return w
}

// hears waits until the page hears a tone.
func (w *webphone) hears(hz int) {
	w.t.Helper()
	if _, failed := w.Try("wait", browser.Args{"page": w.name, "script": fmt.Sprintf("Math.abs(phone.heard() - %d) < 25", hz)}); failed != "" {
		w.t.Fatalf("the page hears %v Hz, not %d: %s\n%s", w.Eval("phone.heard()"), hz, failed, w.Console())
	}
}

// desk starts the desk phone 101.
func (l *lab) desk(rule softphone.Rule, codecs ...string) *softphone.Phone {
	l.t.Helper()
	return l.deskOf("101", rule, codecs...)
}

// deskOf starts a desk phone that registers as user.
func (l *lab) deskOf(user string, rule softphone.Rule, codecs ...string) *softphone.Phone {
	l.t.Helper()
	p, err := softphone.New(softphone.Config{
		User: user, Password: "secret-" + user, Domain: "test.local", Server: "127.0.0.1:" + strconv.Itoa(l.s.SIP), Tone: phoneTone, Rule: rule, Codecs: codecs,
	})
	if err != nil {
		l.t.Fatal(err)
	}
	if err := p.Start(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		if err := p.Stop(context.WithoutCancel(l.t.Context())); err != nil {
			l.t.Error(err)
		}
	})
	return p
}

// must fails the test if what is waited for does not come.
func (l *lab) must(f func(context.Context) error) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	if err := f(ctx); err != nil {
		l.t.Fatal(err)
	}
}

// next is the next call of a desk phone.
func (l *lab) next(p *softphone.Phone) (c *softphone.Call) {
	l.t.Helper()
	l.must(func(ctx context.Context) (err error) {
		c, err = p.NextCall(ctx)
		return err
	})
	return c
}

// hears waits until a desk phone hears a tone.
func (l *lab) hears(c *softphone.Call, hz float64) {
	l.t.Helper()
	l.must(func(ctx context.Context) error { return c.WaitTone(ctx, hz) })
}
