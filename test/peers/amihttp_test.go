package peers

import (
	"context"
	"crypto/md5" //nolint:gosec // AMI's digest is MD5
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/amitrace"
)

// capturedAMIHTTP makes the captured exchanges of AMI over HTTP again, one after the other with
// one cookie jar, and those with digest authentication.
func capturedAMIHTTP(t *testing.T, table *table) {
	list, err := amitrace.LoadHTTP(filepath.Join(amiVectors(), "h1_http.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lab := amitrace.NewLab(t)
	amiLaboratory(t, lab)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	base := fmt.Sprintf("http://127.0.0.1:%d", lab.HTTP)
	c := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var all []string
	for i := range list {
		got, err := list[i].Ask(ctx, c, base)
		if err != nil {
			t.Fatalf("%s: %v", list[i].Title, err)
		}
		all = append(all, list[i].Compare(got)...)
	}
	unexplained, n := table.explain(t, "h1_http", all)
	if len(unexplained) > 0 {
		t.Errorf("%d differences that nobody has explained:\n%s", len(unexplained), strings.Join(unexplained, "\n"))
	}
	t.Logf("%d exchanges, %d differences explained", len(list), n)
	amiDigest(t, base)
}

var amiNonce = regexp.MustCompile(`^Digest algorithm=MD5, realm="([^"]+)", nonce="([^"]+)", qop="auth", opaque="([^"]+)"$`)

// amiDigest asks as the capture does: without credentials, with right and with wrong ones, with
// those of a user who may not come from here, and with Basic.
func amiDigest(t *testing.T, base string) {
	for _, c := range []struct {
		path, user, secret string
		status             int
		body               string
	}{
		{"/arawman?action=ping&actionid=14", "", "", 401, ""},
		{"/arawman?action=ping&actionid=14", "tracer", "tracepw", 200, "Response: Success\r\nActionID: 14\r\nPing: Pong\r\n"},
		{"/amxml?action=ping&actionid=15", "tracer", "tracepw", 200, "<response type='object' id='unknown'><generic response='Success' actionid='15' ping='Pong' timestamp='"},
		{"/arawman?action=ping", "tracer", "bad", 401, ""},
		{"/arawman?action=ping", "aclblocked", "aclpw", 403, ""},
		{"/arawman?action=ping", "basic", "tracepw", 401, ""},
	} {
		status, header, _ := askDigest(t, base+c.path, "")
		m := amiNonce.FindStringSubmatch(header.Get("Www-Authenticate"))
		if status != http.StatusUnauthorized || m == nil {
			t.Fatalf("%s without credentials: %d %q", c.path, status, header.Get("Www-Authenticate"))
		}
		login := ""
		switch c.user {
		case "":
		case "basic":
			login = "Basic dHJhY2VyOnRyYWNlcHc="
		default:
			sum := func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) } //nolint:gosec // as above
			response := sum(sum(c.user+":"+m[1]+":"+c.secret) + ":" + m[2] + ":00000001:abc:auth:" + sum("GET:"+c.path))
			login = fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", cnonce="abc", nc=00000001, qop=auth, response="%s", opaque="%s", algorithm=MD5`,
				c.user, m[1], m[2], c.path, response, m[3])
		}
		status, _, body := askDigest(t, base+c.path, login)
		if status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s as %q: %d %q, want %d %q", c.path, c.user, status, body, c.status, c.body)
		}
	}
}

func askDigest(t *testing.T, url, login string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if login != "" {
		req.Header.Set("Authorization", login)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}
