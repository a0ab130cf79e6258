package amitrace

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Exchange is one HTTP request with its answer.
type Exchange struct {
	Title  string
	Method string
	Path   string // with the query
	Form   string // of a POST
	Status int
	Header http.Header
	Body   string
}

// LoadHTTP reads a capture of AMI over HTTP: the exchanges that are shown as a command line
// of curl and its output. The others (digest) are shown in other forms.
func LoadHTTP(file string) ([]Exchange, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var out []Exchange
	for section := range strings.SplitSeq("\n"+string(text), "\n##### ") {
		title, rest, _ := strings.Cut(section, "\n")
		command, answer, ok := strings.Cut(rest, "\n")
		if !ok || !strings.HasPrefix(command, "$ curl ") {
			continue
		}
		e := Exchange{Title: title, Method: "GET", Header: http.Header{}}
		e.command(strings.Fields(command)[2:])
		head, body, _ := strings.Cut(answer, "\n\n")
		lines := strings.Split(head, "\n")
		if e.Status, err = strconv.Atoi(strings.Fields(lines[0])[1]); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, title, err)
		}
		for _, l := range lines[1:] {
			name, value, _ := strings.Cut(l, ": ")
			e.Header.Add(name, value)
		}
		e.Body = strings.TrimRight(body, "\n")
		out = append(out, e)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no exchange", file)
	}
	return out, nil
}

// command reads the arguments of curl.
func (e *Exchange) command(args []string) {
	var form []string
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "-i":
		case "-I":
			e.Method = "HEAD"
		case "-X":
			i++
			e.Method = args[i]
		case "-d":
			i++
			form = append(form, args[i])
		default:
			_, path, _ := strings.Cut(strings.TrimPrefix(args[i], "http://"), "/")
			e.Path = "/" + path
		}
	}
	if e.Form = strings.Join(form, "&"); e.Form != "" {
		e.Method = "POST"
	}
}

// Ask makes an exchange again, with the cookies of the client.
func (e *Exchange) Ask(ctx context.Context, c *http.Client, base string) (*Exchange, error) {
	req, err := http.NewRequestWithContext(ctx, e.Method, base+e.Path, strings.NewReader(e.Form))
	if err != nil {
		return nil, err
	}
	if e.Form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	return &Exchange{Status: res.StatusCode, Header: res.Header, Body: string(body)}, nil
}

var (
	session   = regexp.MustCompile(`"[0-9a-f]{8,}"`)
	stamp     = regexp.MustCompile(`(timestamp|logintime)='[^']*'`)
	timeOfDay = regexp.MustCompile(`\d{10}\.\d{6}`)
)

// Compare gives the differences between a captured exchange and what was answered: the
// status, the headers that clients go by, and the body.
func (e *Exchange) Compare(got *Exchange) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, e.Title+": "+fmt.Sprintf(format, args...)) }
	if got.Status != e.Status {
		add("status %d, want %d", got.Status, e.Status)
		return out
	}
	for _, name := range []string{"Content-Type", "Set-Cookie", "Pragma", "Cache-Control"} {
		w, g := session.ReplaceAllString(e.Header.Get(name), `"id"`), session.ReplaceAllString(got.Header.Get(name), `"id"`)
		if w != g {
			add("header %s: %q, want %q", name, g, w)
		}
	}
	if e.Header.Get("Content-Type") == "text/plain" && e.Method != "HEAD" {
		return append(out, e.comparePackets(got)...)
	}
	n := newNormal(nil)
	plain := func(s string) string {
		return n.text(timeOfDay.ReplaceAllString(stamp.ReplaceAllString(strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n"), "$1='…'"), "…"))
	}
	if w, g := plain(e.Body), plain(got.Body); w != g && e.Method != "HEAD" {
		add("body:\n%s\nwant:\n%s", g, w)
	}
	return out
}

// comparePackets compares bodies that are packets as on a connection.
func (e *Exchange) comparePackets(got *Exchange) []string {
	var out []string
	if !strings.HasSuffix(got.Body, "\r\n\r\n") {
		out = append(out, e.Title+": the body does not end with an empty line")
	}
	want, packets := readPackets(e.Body), readPackets(strings.ReplaceAll(got.Body, "\r\n", "\n"))
	wn, gn := newNormal(want), newNormal(packets)
	wantAnswers, _ := Split(want)
	gotAnswers, _ := Split(packets)
	if len(wantAnswers) != 1 || len(gotAnswers) != 1 {
		return append(out, fmt.Sprintf("%s: %d answers, want %d", e.Title, len(gotAnswers), len(wantAnswers)))
	}
	w, g := wantAnswers[0], gotAnswers[0]
	if w[len(w)-1].Get("Event") == "WaitEventComplete" { // between the two: events
		ends := func(list []Packet) []Packet { return []Packet{list[0], list[len(list)-1]} }
		for _, d := range compareEvents(wn, gn, w[1:len(w)-1], g[1:max(len(g)-1, 1)]) {
			out = append(out, e.Title+": "+d)
		}
		w, g = ends(w), ends(g)
	}
	for _, d := range diffLists(wn, gn, w, g) {
		out = append(out, e.Title+": "+d)
	}
	slices.Sort(out)
	return out
}

func readPackets(body string) []Packet {
	var out []Packet
	lines := strings.Split(body, "\n")
	for len(lines) > 0 {
		p, n := packet(lines)
		if n > 0 {
			out = append(out, p)
		}
		lines = lines[min(n+1, len(lines)):]
	}
	return out
}
