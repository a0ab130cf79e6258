package peers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/aritrace"
	"github.com/dialwright/dialwright/test/harness"
)

// laboratory is the server and the phone of the captured traces: a server that has
// taken over an Asterisk's configuration. outside is the port of the WebSocket server
// that it connects to, 0 = none.
func laboratory(t testing.TB, outside int) (*harness.Server, aritrace.Lab) {
	t.Helper()
	lab := aritrace.Lab{SIP: harness.FreePort(t), HTTP: harness.FreePort(t), Phone: harness.FreePort(t), Outside: outside}
	aritrace.StartPhone(t, lab.Phone)
	etc := lab.WriteOurs(t, t.TempDir())
	return harness.StartAsterisk(t, etc, lab.SIP, harness.Trunk("callee", lab.Phone, "context = \"from-callee\"\ncodecs = [\"pcmu\"]\nmatch = [\"127.0.0.1/32\"]\n")), lab
}

// vectorsDir is the folder of the ARI vectors.
func vectorsDir() string {
	if dir := os.Getenv("DIALWRIGHT_VECTORS"); dir != "" {
		return filepath.Join(dir, "ari")
	}
	return "../../testdata/vectors/ari"
}

// Every captured trace of Asterisk's ARI, played on the built binary: the same events,
// in the same order, with the same fields, and the same answers, but for the
// differences that ariExplained lists.
func TestVectorsARI(t *testing.T) {
	t.Parallel()
	list, err := aritrace.Load(vectorsDir())
	if err != nil {
		t.Fatal(err)
	}
	var exact, explained atomic.Int32
	t.Run("00-http", func(t *testing.T) {
		t.Parallel()
		capturedHTTP(t, httpFile())
	})
	t.Run("21-outbound-websocket", func(t *testing.T) {
		t.Parallel()
		capturedOutbound(t, outboundFile())
	})
	t.Run("traces", func(t *testing.T) {
		for i := range list {
			tr := &list[i]
			t.Run(tr.Scenario, func(t *testing.T) {
				t.Parallel()
				srv, lab := laboratory(t, 0)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				p, err := play(ctx, t, tr, srv, lab)
				if err != nil {
					t.Fatal(err)
				}
				unexplained, n := explain(t, tr.Scenario, aritrace.Compare(tr, p))
				switch {
				case len(unexplained) > 0:
					t.Errorf("%d differences that nobody has explained:\n%s", len(unexplained), strings.Join(unexplained, "\n"))
				case n > 0:
					explained.Add(1)
				default:
					exact.Add(1)
				}
			})
		}
	})
	t.Logf("%d traces: %d come again exactly, %d with differences that are explained", len(list), exact.Load(), explained.Load())
}

// play plays a trace; some need more than their requests.
func play(ctx context.Context, t *testing.T, tr *aritrace.Trace, srv *harness.Server, lab aritrace.Lab) (*aritrace.Played, error) {
	switch tr.Scenario {
	case "12a-application-replaced":
		return replaced(ctx, t, tr, lab)
	case "12b-reconnect-resync":
		return reconnected(ctx, t, tr, lab)
	case "12c-subscribe-all-bridge":
		return seenByAll(ctx, t, tr, lab)
	case "20-inbound-call":
		return aritrace.Play(ctx, tr, lab.Target(), func() { callApp(t, srv) })
	}
	return aritrace.Play(ctx, tr, lab.Target(), nil)
}

// replaced: a second connection takes the application of the first.
func replaced(ctx context.Context, t *testing.T, tr *aritrace.Trace, lab aritrace.Lab) (*aritrace.Played, error) {
	t.Helper()
	first := connect(ctx, t, lab, tr.App, false)
	defer first.Close()
	second := connect(ctx, t, lab, tr.App, false)
	defer second.Close()
	first.Await(ctx, tr.Events())
	return &aritrace.Played{Events: first.Events()}, nil
}

// reconnected: the application goes away while a channel is in it, and comes back.
func reconnected(ctx context.Context, t *testing.T, tr *aritrace.Trace, lab aritrace.Lab) (*aritrace.Played, error) {
	t.Helper()
	before := connect(ctx, t, lab, tr.App, false)
	must(t, lab, "POST", "/channels", map[string]any{"endpoint": "PJSIP/answer0@callee", "app": tr.App, "channelId": "t1"}, 200)
	before.Await(ctx, []map[string]any{{"type": "StasisStart", "channel": map[string]any{"id": "t1"}}})
	before.Close()
	after := connect(ctx, t, lab, tr.App, false)
	defer after.Close()
	must(t, lab, "DELETE", "/channels/t1", nil, 204)
	after.Await(ctx, tr.Events())
	return &aritrace.Played{Events: after.Events()}, nil
}

// seenByAll: a bridge comes and goes before the eyes of an application that has
// subscribed to everything.
func seenByAll(ctx context.Context, t *testing.T, tr *aritrace.Trace, lab aritrace.Lab) (*aritrace.Played, error) {
	t.Helper()
	all := connect(ctx, t, lab, tr.App, true)
	defer all.Close()
	must(t, lab, "POST", "/bridges/sa1", map[string]any{"type": "mixing"}, 200)
	must(t, lab, "DELETE", "/bridges/sa1", nil, 204)
	all.Await(ctx, tr.Events())
	return &aritrace.Played{Events: all.Events()}, nil
}

// callApp calls the extension app as the trunk does, and hangs up 1.5 s after the answer.
func callApp(t *testing.T, srv *harness.Server) {
	t.Helper()
	from := step(strings.Replace(string(inviteFrom("app", 1, "")), "From: <sip:101@", "From: \"sipp\" <sip:sipp@", 1))
	startSIPp(t, 1, []step{
		from, optional(100), optional(180), optional(183), status(200), inDialog("ACK", 1),
		pause(1500 * time.Millisecond), inDialog("BYE", 2), status(200),
	}, fmt.Sprintf("127.0.0.1:%d", srv.SIP))
}

func connect(ctx context.Context, t *testing.T, lab aritrace.Lab, app string, all bool) *aritrace.Client {
	t.Helper()
	c, err := aritrace.Connect(ctx, lab.Target(), app, all)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func must(t *testing.T, lab aritrace.Lab, method, path string, query map[string]any, want int) {
	t.Helper()
	r, err := aritrace.Do(t.Context(), lab.Target(), method, path, query)
	if err != nil || r.Status != want {
		t.Fatalf("%s %s: %d %v, %v; want %d", method, path, r.Status, r.Body, err, want)
	}
}

// difference is a kind of difference that we want, or cannot avoid.
type difference struct {
	trace string // of the scenario's name, a regular expression
	what  string // of the difference, a regular expression
	why   string
}

// explain splits off what the table explains.
func explain(t *testing.T, scenario string, all []string) (rest []string, explained int) {
	t.Helper()
next:
	for _, d := range all {
		for _, x := range ariExplained {
			if regexp.MustCompile("^(?:"+x.trace+")$").MatchString(scenario) && regexp.MustCompile("^(?:"+x.what+")").MatchString(d) {
				t.Logf("%s\n    because %s", d, x.why)
				explained++
				continue next
			}
		}
		rest = append(rest, d)
	}
	return rest, explained
}
