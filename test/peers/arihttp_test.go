package peers

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/aritrace"
	"github.com/dialwright/dialwright/test/harness"
)

// The users of the captured exchanges; the password of crypt is cryptpw.
const httpUsers = `[ari]
allowed_origins = ["http://good.example"]
[ari.users.ari]
password = "secret"
[ari.users.ro]
password = "rosecret"
read_only = true
[ari.users.crypt]
password = "$6$wHfLdGvl$vrYXx2sEMGK9Smh1c8ggs3jM/4ReQ71pFIUMvfTBHHJhOZj3Ez/MhrRjIHGiLC6Wdj70pRdDbaR/qWFRdJ2.E1"
password_format = "crypt"
[ari.users.denied]
password = "xxxxxxxx"
deny = ["0.0.0.0/0"]
`

// rawExchange is one raw HTTP exchange of the capture.
type rawExchange struct {
	Note    string
	Request struct {
		Line    string
		Headers map[string]any
		Body    string
	}
	Response struct {
		Line    string
		Headers []string
		Body    string
	}
}

// text writes the request as it was sent.
func (e *rawExchange) text() string {
	body := e.Request.Body
	if n, ok := strings.CutSuffix(strings.TrimPrefix(body, "<"), " bytes>"); ok { // the capture says only how long it was
		length, _ := strconv.Atoi(n)
		body = strings.Repeat("x", length)
	}
	var b strings.Builder
	b.WriteString(e.Request.Line + "\r\n")
	for _, name := range slices.Sorted(maps.Keys(e.Request.Headers)) {
		v := fmt.Sprint(e.Request.Headers[name])
		if login, ok := strings.CutPrefix(v, "Basic <"); ok {
			user, _, _ := strings.Cut(login, ">")
			user = strings.Replace(user, "denied:x", "denied:xxxxxxxx", 1)
			v = "Basic " + base64.StdEncoding.EncodeToString([]byte(user))
		}
		fmt.Fprintf(&b, "%s: %s\r\n", name, v)
	}
	b.WriteString("\r\n")
	if e.Request.Headers["Transfer-Encoding"] == "chunked" {
		return b.String() + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	}
	return b.String() + body
}

// answer is what is compared of a response.
func answer(status int, h http.Header, body string) map[string]any {
	out := map[string]any{"status": float64(status)}
	for _, name := range []string{
		"Allow", "Www-Authenticate", "Content-Type", "Cache-Control", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials",
		"Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Sec-Websocket-Accept", "Sec-Websocket-Protocol", "Sec-Websocket-Version", "Upgrade",
	} {
		if v := strings.TrimSpace(h.Get(name)); v != "" {
			out[name] = v
		}
	}
	var parsed any
	switch {
	case json.Unmarshal([]byte(body), &parsed) == nil:
		out["body"] = parsed
	case body != "":
		out["body"] = "text"
	}
	return out
}

// want is the captured answer.
func (e *rawExchange) want() map[string]any {
	h := http.Header{}
	for _, line := range e.Response.Headers {
		name, value, _ := strings.Cut(line, ":")
		h.Add(name, value)
	}
	status, _ := strconv.Atoi(strings.Fields(e.Response.Line)[1])
	return answer(status, h, e.Response.Body)
}

// capturedHTTP makes the raw exchanges of the capture again, each on a connection of its
// own.
func capturedHTTP(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the folder of vectors has no raw HTTP exchanges")
	}
	if err != nil {
		t.Fatal(err)
	}
	var captured struct{ Exchanges []rawExchange }
	if err := json.Unmarshal(text, &captured); err != nil || len(captured.Exchanges) == 0 {
		t.Fatalf("%s: %d exchanges, %v", file, len(captured.Exchanges), err)
	}
	srv := harness.StartWith(t, harness.Limits{HTTP: true}, httpUsers)
	same := 0
	for _, e := range captured.Exchanges {
		method, _, _ := strings.Cut(e.Request.Line, " ")
		status, h, body := raw(t, srv.HTTP, method, e.text())
		var all []string
		for _, d := range aritrace.Diff(e.want(), answer(status, h, body)) {
			all = append(all, e.Note+": "+d)
		}
		unexplained, n := explain(t, "00-http", all)
		if len(unexplained) > 0 {
			t.Errorf("%s\n%s", strings.Join(unexplained, "\n"), body)
		} else if n == 0 {
			same++
		}
	}
	t.Logf("%d exchanges, %d the same", len(captured.Exchanges), same)
}

// raw sends a request over a new connection.
func raw(t *testing.T, port int, method, text string) (status int, h http.Header, body string) {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%.200s: %v", text, err)
	}
	if r.StatusCode == http.StatusSwitchingProtocols {
		return r.StatusCode, r.Header, ""
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, r.Header, string(b)
}

// httpFile is the file of the raw exchanges, outboundFile that of the connections which
// the server opens.
func httpFile() string     { return filepath.Join(vectorsDir(), "00-http.json") }
func outboundFile() string { return filepath.Join(vectorsDir(), "21-outbound-websocket.json") }
