package funcs

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/dialwright/dialwright/internal/dialplan"
)

// webServer answers with what it was asked.
func webServer(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s %s \n", r.Method, r.URL.RawQuery, body, r.Header.Get("User-Agent"), r.Header.Get("X-A")+r.Header.Get("X-B")+r.Header.Get("Cookie"))
	})
	mux.HandleFunc("/form", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a=1%2C2&b=x+y") })
	mux.HandleFunc("/missing", http.NotFound)
	mux.HandleFunc("/there", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo?here", http.StatusFound) })
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", dialplan.MaxText+9)) })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		fmt.Fprint(w, user+"/"+password)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestCurl(t *testing.T) {
	t.Parallel()
	s := webServer(t)
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"${CURL(" + s.URL + "/echo?a,b)}", "POST a b dialwright"},
		{"${CURL(" + s.URL + "/echo?a)}", "GET a  dialwright"},
		{"${CURL(" + strings.TrimPrefix(s.URL, "http://") + "/echo?x,p=1&q=2,3)}", "POST x p=1&q=2,3 dialwright"},
		{"${CURL(" + s.URL + "/missing)}", "404 page not found"},
		{"!CURLOPT(httpheader)", "X-A: 1"}, {"!CURLOPT(httpheader)", "X-B: 2"}, {"!CURLOPT(useragent)", "me"}, {"!CURLOPT(cookie)", "c=d"}, {"!CURLOPT(userpwd)", "u:p"},
		{"${CURL(" + s.URL + "/echo)} ${CURL(" + s.URL + "/who)}", "GET   me 12c=d u/p"},
		{"${CURLOPT(useragent)} [${CURLOPT(proxy)}]", "me []"},
		{"!CURLOPT(followlocation)", "1"},
		{"${CURL(" + s.URL + "/there)}", "GET here  me 12c=d"},
		{"!CURLOPT(hashcompat)", "yes"},
	}...)
	values := d.expand("${CURL(" + s.URL + "/form)}")
	d.want([][2]string{{"!HASH(h)", values}, {"${HASH(h,a)}|${HASH(h,b)}", "1,2|x y"}, {"!CURLOPT(hashcompat)", "no"}}...)
	d.warns("${CURL()}", "${CURL("+s.URL+"/round)}", "${CURL(http://127.0.0.1:1/)}", "${CURL(ftp://127.0.0.1/)}", "${CURL(http://%zz)}", "${CURLOPT(none)}")
	d.refuses("CURLOPT(none)", "1")
	if got := d.expand("${CURL(" + s.URL + "/long)}"); len(got) != dialplan.MaxText {
		t.Errorf("a long answer has %d bytes", len(got))
	}
	d.want([2]string{"!CURLOPT(failurecodes)", "404,500"}, [2]string{"!CURLOPT(header)", "1"})
	if got := d.expand("${CURL(" + s.URL + "/who)}"); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || !strings.HasSuffix(got, "\r\n\r\nu/p") {
		t.Errorf("with its header it is %q", got)
	}
	d.want([2]string{"!CURLOPT(httptimeout)", "0.2"})
	d.warns("${CURL("+s.URL+"/missing)}", "${CURL("+s.URL+"/slow)}")
	d.want([2]string{"!CURLOPT(proxy)", strings.TrimPrefix(s.URL, "http://")}, [2]string{"!CURLOPT(header)", "0"})
	d.want([2]string{"${CURL(http://elsewhere.invalid/who)}", "u/p"})
}

// nameServer answers every SRV question with two records, over UDP.
func nameServer(t *testing.T) *net.Resolver {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = pc.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer, ok := answerSRV(buf[:n]); ok {
				_, _ = pc.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func answerSRV(question []byte) ([]byte, bool) {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil, false
	}
	q := m.Questions[0]
	m.Header.Response = true
	m.Additionals = nil
	if !strings.HasPrefix(q.Name.String(), "_sip.") {
		m.Header.RCode = dnsmessage.RCodeNameError
	} else {
		for i, host := range []string{"two.example.com.", "one.example.com."} {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeSRV, Class: dnsmessage.ClassINET, TTL: 60},
				Body:   &dnsmessage.SRVResource{Priority: uint16(20 - 10*i), Weight: 5, Port: 5060, Target: dnsmessage.MustNewName(host)},
			})
		}
	}
	b, err := m.Pack()
	return b, err == nil
}

func TestSRV(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	ns := nameServer(t)
	d.m.Value("resolver", func() any { return ns })
	d.want([][2]string{
		{"${SRVQUERY(_sip._udp.example.com)}", "_sip._udp.example.com"},
		{"${SRVRESULT(_sip._udp.example.com,getnum)} ${SRVRESULT(_sip._udp.example.com,1)} ${SRVRESULT(_sip._udp.example.com,2,host)}", "2 one.example.com two.example.com"},
		{"${SRVRESULT(_sip._udp.example.com,1,port)} ${SRVRESULT(_sip._udp.example.com,2,priority)} ${SRVRESULT(_sip._udp.example.com,1,weight)}", "5060 20 5"},
		{"${SRVRESULT(_sip._tcp.example.com,getnum)}", "2"},
	}...)
	d.warns("${SRVQUERY()}", "${SRVQUERY(_none._udp.example.com.)}", "${SRVRESULT(_sip._udp.example.com)}", "${SRVRESULT(_sip._udp.example.com,9)}", "${SRVRESULT(_sip._udp.example.com,1,colour)}", "${SRVRESULT(_none._udp.example.com.,1)}")
}
