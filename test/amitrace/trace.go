// Package amitrace plays the captured traces of an Asterisk's manager interface again, on
// the built binary or on a real Asterisk: it sends a trace's actions in their order and at
// their distance, with SIPp as the phones, and compares every answer and every event, down
// to the order and spelling of their headers, with what was captured.
package amitrace

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Header is a line of a packet.
type Header struct{ Key, Value string }

// Packet is what stands between two empty lines.
type Packet []Header

// Get gives the value of the first header of a name, "" without one.
func (p Packet) Get(key string) string {
	for _, h := range p {
		if h.Key == key {
			return h.Value
		}
	}
	return ""
}

// Has says whether there is a header of a name.
func (p Packet) Has(key string) bool {
	return slices.ContainsFunc(p, func(h Header) bool { return h.Key == key })
}

// Kind says what a step is.
type Kind int

// The kinds of steps.
const (
	Send    Kind = iota // an action, or raw text
	Receive             // a packet
	Silence             // nothing came for a moment
	Closed              // the server closed the connection
)

// Step is one thing that happened on a connection.
type Step struct {
	Kind   Kind
	At     time.Duration // since the first action; 0 in captures without times
	Packet Packet
	Raw    string // Send: what was sent, if it was no plain action
	Note   string // the comment before it
}

// Session is one connection.
type Session struct {
	Title  string // the heading above it, "" without one
	Banner string // the server's first line; "" in captures that begin after the login
	Steps  []Step

	Before  string // an action of another client before it begins, "" = none
	Excerpt bool   // not all events are shown, and no answers
}

// Trace is one captured file.
type Trace struct {
	Name     string
	Sessions []Session
	packets  []Packet // of a file that only shows packets
}

// Command is what a command of the CLI printed.
type Command struct {
	Line   string
	Note   string // "server not running"
	Output []string
	Status int
}

// Load reads the captures of a folder that are conversations, by name: not those of the
// CLI (LoadCommands) and of HTTP (LoadHTTP).
func Load(dir string) ([]Trace, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("no traces in %s: %v", dir, err)
	}
	slices.Sort(names)
	var out []Trace
	for _, name := range names {
		if strings.HasSuffix(name, "_cli.txt") || strings.HasSuffix(name, "_http.txt") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		t, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		t.Name = strings.TrimSuffix(filepath.Base(name), ".txt")
		t.complete()
		out = append(out, t)
	}
	return out, nil
}

// complete adds what a capture does not show: the call that it is about.
func (t *Trace) complete() {
	action := func(headers ...string) string { return strings.Join(headers, "\r\n") + "\r\n\r\n" }
	switch {
	case strings.HasPrefix(t.Name, "s3_"):
		t.Sessions[0].Before = action("Action: Originate", "Channel: PJSIP/alice", "Context: default", "Exten: 601", "Priority: 1",
			`CallerID: "Web Call" <5551234>`, "Variable: FOO=bar")
		return
	case strings.HasPrefix(t.Name, "r1_"):
		t.excerpt(action("Action: Originate", "ActionID: orig-1", "Channel: PJSIP/alice", "Context: default", "Exten: 102", "Priority: 1",
			"Timeout: 20000", `CallerID: "Web Call" <5551234>`, "Account: acct1", "Variable: FOO=bar,BAZ=q x", "Async: true"))
	case strings.HasPrefix(t.Name, "r2_"):
		t.excerpt(action("Action: Originate", "ActionID: o1", "Channel: PJSIP/alice", "Context: default", "Exten: 103", "Priority: 1",
			"Variable: FOO=bar", "Async: true"))
	}
}

// excerpt makes a session of packets that are shown without the action that led to them.
func (t *Trace) excerpt(action string) {
	s := Session{Excerpt: true, Steps: []Step{{Kind: Send, Raw: action}}}
	for _, p := range t.packets {
		s.Steps = append(s.Steps, Step{Kind: Receive, Packet: p, At: 7 * time.Second})
	}
	t.Sessions = []Session{s}
}

// parse reads a capture: ">>> +0.000" and "<<< +0.001" begin a packet of the client or the
// server, "# …" is a comment, "##### …" a heading; an empty line ends a packet.
func parse(text string) (Trace, error) {
	var t Trace
	title, note := "", ""
	lines := strings.Split(text, "\n")
	session := func() *Session {
		if len(t.Sessions) == 0 {
			t.Sessions = append(t.Sessions, Session{Title: title})
		}
		return &t.Sessions[len(t.Sessions)-1]
	}
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		mark, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "":
		case mark == "#####":
			title = rest
		case mark == "#":
			note = rest
		case line == "<<< banner":
			i++
			t.Sessions = append(t.Sessions, Session{Title: title, Banner: lines[i]})
		case mark == ">>>" || mark == "<<<":
			s, used, err := step(mark, rest, lines[i+1:])
			if err != nil {
				return t, fmt.Errorf("line %d: %w", i+1, err)
			}
			i += used
			s.Note, note = note, ""
			to := session()
			to.Steps = append(to.Steps, s)
		default:
			p, used := packet(lines[i:])
			i += used - 1
			t.packets = append(t.packets, p)
		}
	}
	return t, nil
}

// step reads what follows ">>>" or "<<<".
func step(mark, rest string, lines []string) (s Step, used int, err error) {
	if mark == "<<<" {
		s.Kind = Receive
	}
	switch quoted, raw := strings.CutPrefix(rest, "(raw) '"); {
	case raw:
		s.Raw = strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(strings.TrimSuffix(quoted, "'"))
		return s, 0, nil
	case strings.HasPrefix(rest, "(nothing"):
		s.Kind = Silence
		return s, 0, nil
	case strings.HasPrefix(rest, "(connection closed"):
		s.Kind = Closed
		return s, 0, nil
	case strings.HasPrefix(rest, "+"):
		seconds, err := strconv.ParseFloat(rest[1:], 64)
		if err != nil {
			return s, 0, err
		}
		s.At = time.Duration(seconds * float64(time.Second))
	case rest != "":
		return s, 0, fmt.Errorf("%s %s is no step", mark, rest)
	}
	if s.Kind == Receive {
		s.Packet, used = packet(lines)
		return s, used, nil
	}
	for used < len(lines) && lines[used] != "" {
		used++
	}
	s.Raw = strings.Join(lines[:used], "\r\n") + "\r\n\r\n"
	s.Packet, _ = packet(lines[:used])
	return s, used, nil
}

// packet reads the lines up to the next empty one.
func packet(lines []string) (p Packet, used int) {
	for _, l := range lines {
		if l == "" {
			break
		}
		used++
		key, value, _ := strings.Cut(l, ":")
		p = append(p, Header{key, strings.TrimPrefix(value, " ")})
	}
	return p, used
}

// Received gives the packets of a session.
func (s *Session) Received() []Packet {
	var out []Packet
	for i := range s.Steps {
		if s.Steps[i].Kind == Receive {
			out = append(out, s.Steps[i].Packet)
		}
	}
	return out
}

// Split separates answers from events. An answer is a packet with Response and, if it
// announces a list, what follows up to the end of the list.
func Split(packets []Packet) (answers [][]Packet, events []Packet) {
	for i, n := range belongs(packets) {
		switch {
		case n < 0:
			events = append(events, packets[i])
		case n == len(answers):
			answers = append(answers, []Packet{packets[i]})
		default:
			answers[n] = append(answers[n], packets[i])
		}
	}
	return answers, events
}

// belongs says of each packet to which answer it belongs, counted from 0, -1 = an event.
func belongs(packets []Packet) []int {
	out := make([]int, len(packets))
	n, open := -1, ""
	for i, p := range packets {
		switch {
		case p[0].Key == "Response":
			n++
			out[i], open = n, ""
			if p.Get("EventList") == "start" {
				open = "list"
			} else if p.Get("Message") == "Waiting for Event completed." {
				open = "wait"
			}
		case open != "":
			out[i] = n
			if open == "list" && p.Get("EventList") == "Complete" || p.Get("Event") == "WaitEventComplete" {
				open = ""
			}
		default:
			out[i] = -1
		}
	}
	return out
}

// LoadCommands reads a capture of the CLI: "$ asterisk -rx '…'", its output, and the exit
// status.
func LoadCommands(file string) ([]Command, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var out []Command
	for l := range strings.Lines(string(text)) {
		l = strings.TrimSuffix(l, "\n")
		last := len(out) - 1
		switch line, is := strings.CutPrefix(l, "$ asterisk -rx '"); {
		case is:
			i := strings.LastIndexByte(line, '\'')
			out = append(out, Command{Line: line[:i], Note: strings.Trim(line[i+1:], " ()"), Status: -1})
		case last < 0 || out[last].Status >= 0: // between commands
		case strings.HasPrefix(l, "[exit status "):
			out[last].Status, err = strconv.Atoi(strings.Trim(l[len("[exit status "):], "]"))
			if err != nil {
				return nil, err
			}
		default:
			out[last].Output = append(out[last].Output, l)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no command", file)
	}
	return out, nil
}
