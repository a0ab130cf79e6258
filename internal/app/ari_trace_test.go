package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/config"
)

var (
	ariTimes      = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[0-9:.]+\+0000"`)
	ariNames      = regexp.MustCompile(`(Pretend/[^"]*)-[0-9a-f]{8}`)
	ariStatistics = regexp.MustCompile(`"value": " *(ssrc|min)[^"]*"`)
	ariEntities   = regexp.MustCompile(`"02(:[0-9a-f]{2}){5}"`)
)

// ariTrace talks to the door of ARI and writes down what was said.
type ariTrace struct {
	*testing.T
	url  string
	conn *websocket.Conn
	out  bytes.Buffer
}

func (tr *ariTrace) write(prefix string, text []byte) {
	tr.Helper()
	var shown bytes.Buffer
	if err := json.Indent(&shown, bytes.TrimSpace(text), "", "  "); err != nil {
		tr.Fatalf("%s: %v", text, err)
	}
	s := ariTimes.ReplaceAllString(shown.String(), `"TIME"`)
	s = ariStatistics.ReplaceAllString(s, `"value": "STATISTICS"`)
	s = ariEntities.ReplaceAllString(s, `"ENTITY"`)
	fmt.Fprintf(&tr.out, "%s%s\n", prefix, ariNames.ReplaceAllString(s, "$1-N"))
}

// ask sends a request and writes down the answer.
func (tr *ariTrace) ask(method, path, body string) {
	tr.Helper()
	req, err := http.NewRequestWithContext(tr.Context(), method, tr.url+"/ari"+path, strings.NewReader(body))
	if err != nil {
		tr.Fatal(err)
	}
	req.SetBasicAuth("crm", "choose-one-1")
	fmt.Fprintf(&tr.out, "> %s %s\n", method, path)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
		fmt.Fprintf(&tr.out, "> %s\n", body)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tr.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Fprintf(&tr.out, "%d %s\n", resp.StatusCode, http.StatusText(resp.StatusCode))
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		tr.Fatal(err)
	}
	if b.Len() > 0 {
		tr.write("", b.Bytes())
	}
	tr.out.WriteByte('\n')
}

// until writes down events to the first that contains all of what.
func (tr *ariTrace) until(what ...string) {
	tr.Helper()
	for {
		_, b, err := tr.conn.Read(tr.Context())
		if err != nil {
			tr.Fatalf("waiting for %v: %v", what, err)
		}
		tr.write("event: ", b)
		all := true
		for _, w := range what {
			all = all && bytes.Contains(b, []byte(w))
		}
		if all {
			tr.out.WriteByte('\n')
			return
		}
	}
}

// What ARI says about one application that creates, bridges and dials, to the letter.
func TestGoldenTraceOfARI(t *testing.T) {
	a, err := New(Options{Log: t.Output(), Adjust: func(c *config.Config) {
		onLoopback(t.TempDir())(c)
		c.Server.Node = "node1"
		c.ARI.Users = map[string]config.ARIUser{"crm": {Password: "choose-one-1"}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(r.HTTP, "http")+"/ari/events?app=desk&api_key=crm:choose-one-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	tr := &ariTrace{T: t, url: r.HTTP, conn: conn}
	tr.ask("GET", "/channels/none", "")
	tr.ask("POST", "/channels", `{"endpoint": "Pretend/180?ring=200ms&talk=1h", "app": "desk", "appArgs": "first", "channelId": "A", "callerId": "Alice <1001>", "variables": {"TICKET": "7"}}`)
	tr.until(`"StasisStart"`)
	tr.ask("POST", "/channels/create?endpoint=Pretend/2&app=desk&channelId=B&originator=A", "")
	tr.until(`"StasisStart"`)
	tr.ask("POST", "/channels/B/variable?variable=CALLERID(num)&value=5550100", "")
	tr.until(`"ChannelCallerId"`)
	tr.ask("POST", "/bridges/br?type=mixing&name=desk", "")
	tr.ask("POST", "/bridges/br/addChannel?channel=A", "")
	tr.until(`"ChannelEnteredBridge"`)
	tr.ask("POST", "/channels/B/dial?timeout=30", "")
	tr.until(`"Dial"`, `"ANSWER"`)
	tr.ask("DELETE", "/channels/A", "")
	tr.until(`"ChannelDestroyed"`)
	tr.ask("DELETE", "/channels/B?reason=busy", "")
	tr.until(`"ChannelDestroyed"`)
	tr.ask("DELETE", "/bridges/br", "")
	tr.until(`"BridgeDestroyed"`)

	golden(t, "ari.golden", tr.out.String())

	resp, err := http.Get(r.HTTP + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var metrics bytes.Buffer
	if _, err := metrics.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"dialwright_ari_requests_total 10\n", "dialwright_ari_refused_total 1\n", "dialwright_ari_sockets 1\n"} {
		if !strings.Contains(metrics.String(), want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
}
