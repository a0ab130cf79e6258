package peers

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dialwright/dialwright/test/harness"
)

// payroll is a server with the doors that people log in to.
type payroll struct {
	*harness.Server
	t *testing.T
}

func newPayroll(t *testing.T) *payroll {
	t.Helper()
	return &payroll{harness.StartWith(t, harness.Limits{HTTP: true}, harness.Phone("123", ""),
		"[vodia]\nenabled = true\n[switchvox]\nenabled = true\n[users.boss]\nrole = \"admin\"\n"), t}
}

// user runs a subcommand of `dialwright user`, with a secret on standard input, and gives
// what it prints.
func (p *payroll) user(secret string, args ...string) string {
	p.t.Helper()
	cmd := p.Command(append([]string{"user"}, args...)...)
	cmd.Stdin = strings.NewReader(secret + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("dialwright user %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// does sends a request and gives the status and the body.
func (p *payroll) does(prepare func(*http.Request), method, path, body string) (int, string, *http.Response) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, fmt.Sprintf("http://127.0.0.1:%d%s", p.HTTP, path), strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	prepare(req)
	resp, err := http.DefaultTransport.RoundTrip(req) // redirects are part of the answer
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp
}

// switchvox asks Switchvox's door who one is, by HTTP Basic.
func (p *payroll) switchvox(password string) (status int, body string) {
	p.t.Helper()
	status, body, _ = p.does(func(r *http.Request) {
		r.SetBasicAuth("123", password)
		r.Header.Set("Content-Type", "application/json")
	}, "POST", "/json", `{"request": {"method": "switchvox.users.getMyInfo", "parameters": {}}}`)
	return status, body
}

// may says whether both doors let user 123 in with a password.
func (p *payroll) may(when, password string, want bool) {
	p.t.Helper()
	status, body := p.switchvox(password)
	if got := status == 200 && strings.Contains(body, "1106"); got != want || !want && status != 403 { // spec: switchvox R5
		p.t.Errorf("%s: Switchvox's door with %q: %d %s", when, password, status, body)
	}
	status, body, _ = p.does(func(r *http.Request) { r.SetBasicAuth("123", password) }, "GET", "/rest/user/123/calls", "")
	if got := status == 200; got != want || !want && status != 401 {
		p.t.Errorf("%s: Vodia's door with %q: %d %s", when, password, status, body)
	}
}

// A user that the command line makes can log in at both doors; with another password the old
// one and its sessions are refused; a restart changes nothing.
func TestUsersByCommandLine(t *testing.T) {
	t.Parallel()
	p := newPayroll(t)
	p.may("before there is one", "correct horse", false)
	p.user("correct horse", "add", "123", "--first-name", "Ada", "--id", "1106", "--password", "--digest")
	p.may("made", "correct horse", true)
	p.may("made", "wrong horse", false)

	own := func(r *http.Request) { // as the server's own page sends it
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://"+r.URL.Host)
	}
	status, body, resp := p.does(own,
		"POST", "/click-to-dial/login", url.Values{"account": {"123"}, "password": {"correct horse"}}.Encode())
	if status != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		t.Fatalf("login: %d %v %s", status, resp.Cookies(), body)
	}
	withCookie := func(r *http.Request) { r.AddCookie(resp.Cookies()[0]) }
	if status, body, _ := p.does(withCookie, "GET", "/rest/user/123/calls", ""); status != 200 {
		t.Errorf("session: %d %s", status, body)
	}

	p.user("battery staple", "password", "123")
	p.may("another password", "correct horse", false)
	p.may("another password", "battery staple", true)
	if status, body, _ := p.does(withCookie, "GET", "/rest/user/123/calls", ""); status != 401 {
		t.Errorf("the session of the old password: %d %s", status, body)
	}
	p.user("", "set", "123", "--disable")
	p.may("disabled", "battery staple", false)
	p.user("", "set", "123", "--enable")
	p.may("enabled", "battery staple", true)

	secret := strings.SplitN(p.user("", "secret", "123"), "\n", 2)[0]
	p.Stop()
	p.Start()
	p.may("after a restart", "battery staple", true)
	p.may("after a restart", "correct horse", false)
	if out := p.user("", "show", "123"); !strings.Contains(out, "password link") || strings.Contains(out, "problem") {
		t.Errorf("after a restart: %s", out)
	}
	if len(secret) != 26 || p.Log.Contains(secret) || p.Log.Contains("battery staple") {
		t.Errorf("link secret %q, or a secret is in the log", secret)
	}
	p.user("", "delete", "123")
	p.may("removed", "battery staple", false)
}

// openTerminal gives both ends of a pseudo-terminal.
func openTerminal(t *testing.T) (far, near *os.File) {
	t.Helper()
	far, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	fd := int(far.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	near, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	return far, near
}

// At a terminal a password is asked for twice and not shown, and the terminal shows again
// what is typed afterwards, also if the question was interrupted.
func TestPasswordAtTheTerminal(t *testing.T) {
	t.Parallel()
	p := newPayroll(t)
	p.user("", "add", "123", "--id", "1106")
	echoes := func(near *os.File) bool {
		state, err := unix.IoctlGetTermios(int(near.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		return state.Lflag&unix.ECHO != 0
	}
	for _, interrupt := range []bool{false, true} {
		far, near := openTerminal(t)
		cmd := p.Command("user", "password", "123")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = near, near, near
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		seen := ""
		for _, question := range []string{"New password of 123: ", "Once more: "} {
			for !strings.HasSuffix(seen, question) {
				b := make([]byte, 256)
				n, err := far.Read(b)
				if err != nil {
					t.Fatalf("%v after %q", err, seen)
				}
				seen += string(b[:n])
			}
			for asked := time.Now(); echoes(near); { // it asks before it stops showing
				if time.Since(asked) > 20*time.Second {
					t.Fatal("the terminal shows what is typed")
				}
			}
			if interrupt {
				break
			}
			if _, err := far.WriteString("battery staple\n"); err != nil {
				t.Fatal(err)
			}
		}
		if interrupt {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
		err, shows := cmd.Wait(), echoes(near)
		near.Close()
		rest, _ := io.ReadAll(far) // it ends with an error, as terminals do
		seen += string(rest)
		if (err != nil) != interrupt || strings.Contains(seen, "battery") || strings.Contains(seen, "password set") == interrupt || !shows {
			t.Errorf("interrupted %v: %v, seen %q, terminal shows again: %v", interrupt, err, seen, shows)
		}
	}
	p.may("set at the terminal", "battery staple", true)
}
