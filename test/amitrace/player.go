package amitrace

import (
	"context"
	"crypto/md5" //nolint:gosec // AMI's challenge is MD5
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Target is a server with the users of the laboratory.
type Target struct {
	Addr string // "127.0.0.1:5038"
}

// Played is what a target did of a session.
type Played struct {
	Packets []Packet
	Faults  []string // what cannot be seen in packets: a banner, a connection that was not closed
}

// How long what the trace has before an action, or at its end, is waited for; and how long
// a query may take until its answer is that of the trace: captures without times do not say
// how long they waited before they asked.
const (
	gateBefore = time.Second
	gateSame   = 300 * time.Millisecond
	gateQuery  = 4 * time.Second
	silence    = 200 * time.Millisecond
)

// player plays one session.
type player struct {
	ctx      context.Context
	s        *Session
	to       Target
	c        *Client
	observer *Client // sees every event, and asks
	from     int     // first packet that counts
	wn       *normal
	lost     map[string]int // events that were waited for in vain: not again
	queued   int            // accepted asynchronous originations
	dropped  []int          // places of packets that are answers of repeated queries
	p        Played
}

// Play sends the actions of a session and gives what came. Each is sent no earlier than at
// its distance from the one before and not before the events that precede it; in captures
// without times, when the one before is answered. At the end it waits for what is still
// owed, and for a mark that it sends itself, so that nothing that comes too much is
// overlooked.
func Play(ctx context.Context, s *Session, to Target) (*Played, error) {
	p := &player{ctx: ctx, s: s, to: to, wn: newNormal(s.Received()), lost: map[string]int{}}
	var err error
	if p.observer, err = Dial(ctx, to.Addr); err != nil {
		return nil, err
	}
	defer p.observer.Close()
	if err := p.observer.Login(ctx, User, Password, "on"); err != nil {
		return nil, err
	}
	if strings.HasPrefix(s.Title, "allowmultiplelogin=no") {
		other, err := Dial(ctx, to.Addr)
		if err != nil {
			return nil, err
		}
		defer other.Close()
		if err := other.Login(ctx, "single", "onepw", "off"); err != nil {
			return nil, err
		}
	}
	if s.Before != "" { // synchronous: it is answered when the phone has
		if err := p.observer.Write(s.Before); err != nil {
			return nil, err
		}
		up := func(got []Packet, _ bool) bool {
			return slices.ContainsFunc(got, func(p Packet) bool { return p.Get("Event") == "Newexten" && p.Get("Application") == "Wait" })
		}
		if !p.observer.Await(ctx, 0, gateQuery, up) {
			return nil, fmt.Errorf("the call that is to be there does not come to its Wait")
		}
	}
	if p.c, err = Dial(ctx, to.Addr); err != nil {
		return nil, err
	}
	defer p.c.Close()
	if err := p.begin(); err != nil {
		return nil, err
	}
	if err := p.steps(); err != nil {
		return nil, err
	}
	p.finish()
	return &p.p, nil
}

// begin compares the banner, or logs in if the capture begins after the login.
func (p *player) begin() error {
	if p.s.Banner != "" {
		if p.c.Banner != p.s.Banner {
			p.p.Faults = append(p.p.Faults, fmt.Sprintf("banner %q, want %q", p.c.Banner, p.s.Banner))
		}
		return nil
	}
	if err := p.c.Login(p.ctx, User, Password, "on"); err != nil {
		return err
	}
	booted := func(got []Packet, _ bool) bool { return len(got) > 1 && got[1].Get("Event") == "FullyBooted" }
	if !p.c.Await(p.ctx, 0, gateQuery, booted) {
		return fmt.Errorf("no FullyBooted after the login")
	}
	p.from = p.c.Len()
	return nil
}

func (p *player) steps() error {
	offset := time.Now()
	var expect []Packet // up to the step
	timed := p.s.Banner == ""
	for i := range p.s.Steps {
		st := &p.s.Steps[i]
		switch st.Kind {
		case Receive:
			expect = append(expect, st.Packet)
			continue
		case Silence:
			if n := p.c.Len(); p.c.Await(p.ctx, n, silence, func(got []Packet, _ bool) bool { return len(got) > 0 }) {
				p.p.Faults = append(p.p.Faults, "a packet where nothing came")
			}
			continue
		case Closed:
			if !p.c.Await(p.ctx, 0, gateQuery, func(_ []Packet, closed bool) bool { return closed }) {
				p.p.Faults = append(p.p.Faults, "the connection was not closed")
			}
			continue
		}
		if timed {
			due := offset.Add(st.At)
			if err := p.until(due); err != nil {
				return err
			}
			p.gate(i)
			if late := time.Since(due); late > 0 { // what follows keeps its distance
				offset = offset.Add(late)
			}
		} else {
			p.await(expect, answerPatience)
		}
		if err := p.send(i, !timed); err != nil {
			return err
		}
	}
	return nil
}

// until waits for the moment at which the trace has its next action.
func (p *player) until(due time.Time) error {
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

// gate waits for what came before an action, and a moment for what came at the same time.
func (p *player) gate(at int) {
	var before, same []Packet
	for _, st := range p.s.Steps[:at] {
		if st.Kind != Receive {
			continue
		}
		same = append(same, st.Packet)
		if st.At < p.s.Steps[at].At-50*time.Millisecond {
			before = append(before, st.Packet)
		}
	}
	p.await(before, gateBefore)
	p.await(same, gateSame)
}

// await waits until the answers and events have come, or for d: the comparison tells then.
func (p *player) await(want []Packet, d time.Duration) {
	answers, events := Split(want)
	need := map[string]int{}
	for _, t := range tokens(p.wn, changes(events)) {
		need[t]++
	}
	var missing map[string]int
	came := p.c.Await(p.ctx, p.from, d, func(got []Packet, closed bool) bool {
		if closed {
			return true
		}
		if len(answers) > 0 && !answered(got, len(answers)+len(p.dropped)) {
			return false
		}
		have := map[string]int{}
		_, events := Split(got)
		for _, t := range tokens(newNormal(got), changes(events)) {
			have[t]++
		}
		missing = map[string]int{}
		for t, n := range need {
			if have[t] < n && n-have[t] > p.lost[t] {
				missing[t] = n - have[t]
			}
		}
		return len(missing) == 0
	})
	if !came && d >= gateBefore {
		maps.Copy(p.lost, missing)
	}
}

// queries are the actions that are asked again until they answer as in the trace.
var queries = regexp.MustCompile(`(?i)^(CoreShowChannels|Status)$`)

// send sends the action of a step.
func (p *player) send(at int, patient bool) error {
	st := &p.s.Steps[at]
	want := p.answerTo(at)
	if patient && len(want) > 0 {
		switch action := field(st.Packet, "Action"); {
		case strings.EqualFold(action, "Hangup") && strings.HasPrefix(field(st.Packet, "Channel"), "/") && want[0].Get("EventList") == "start":
			p.settle(len(want) - 2)
		case queries.MatchString(action):
			return p.query(st, want)
		}
	}
	if strings.EqualFold(field(st.Packet, "Action"), "Originate") && len(want) > 0 && want[0].Get("Response") == "Success" && isTrue(field(st.Packet, "Async")) {
		p.queued++
	}
	return p.c.Write(p.actual(st))
}

// isTrue says whether a value of Async is one (spec: ami 4.1).
func isTrue(v string) bool { return regexp.MustCompile(`(?i)^(yes|true|y|t|1|on)$`).MatchString(v) }

// answerTo gives what the trace has as the answer to a step, nil if it has none before the
// next action.
func (p *player) answerTo(at int) []Packet {
	var list []Packet
	for _, st := range p.s.Steps[at+1:] {
		if st.Kind != Receive {
			break
		}
		list = append(list, st.Packet)
	}
	answers, _ := Split(list)
	if len(answers) == 0 {
		return nil
	}
	return answers[0]
}

// query asks until the answer is that of the trace. The last answer counts.
func (p *player) query(st *Step, want []Packet) error {
	deadline := time.Now().Add(gateQuery)
	for {
		from := p.c.Len()
		if err := p.c.Write(p.actual(st)); err != nil {
			return err
		}
		if !p.c.Await(p.ctx, from, answerPatience, func(got []Packet, _ bool) bool { return answered(got, 1) }) {
			return nil // the comparison tells
		}
		all := p.c.Packets(p.from)
		answers, _ := Split(p.c.Packets(from))
		if len(diffLists(p.wn, newNormal(all), want, answers[0])) == 0 || time.Now().After(deadline) {
			return nil
		}
		n, _ := Split(all)
		p.dropped = append(p.dropped, len(n)-1)
		if err := p.until(time.Now().Add(50 * time.Millisecond)); err != nil {
			return err
		}
	}
}

// settle waits until as many channels live as the trace is going to hang up, and every
// origination has come to its end if there are to be none.
func (p *player) settle(channels int) {
	p.observer.Await(p.ctx, 0, gateBefore, func(got []Packet, _ bool) bool {
		ended := 0
		for _, e := range got {
			if e.Get("Event") == "OriginateResponse" {
				ended++
			}
		}
		return len(alive(got)) == channels && (channels > 0 || ended >= p.queued)
	})
}

// actual gives the text of a step with the names that its channels have here, and with the
// key that belongs to the challenge of this connection.
func (p *player) actual(st *Step) string {
	got := append(p.observer.Packets(0), p.c.Packets(0)...)
	text := counter.ReplaceAllStringFunc(st.Raw, func(name string) string { return here(got, name) })
	key := field(st.Packet, "Key")
	if field(st.Packet, "AuthType") == "" || len(key) != 32 {
		return text
	}
	challenge := ""
	for _, g := range p.c.Packets(0) {
		if g.Has("Challenge") {
			challenge = g.Get("Challenge")
		}
	}
	sum := md5.Sum([]byte(challenge + Password)) //nolint:gosec // as above
	ours := hex.EncodeToString(sum[:])
	if key == strings.ToUpper(key) {
		ours = strings.ToUpper(ours)
	}
	return strings.Replace(text, key, ours, 1)
}

// lastSent gives when the trace has its last action.
func (p *player) lastSent() (at time.Duration) {
	for i := range p.s.Steps {
		if p.s.Steps[i].Kind == Send {
			at = p.s.Steps[i].At
		}
	}
	return at
}

// finish waits for what is owed and for a mark, and takes the packets.
func (p *player) finish() {
	last := p.s.Steps[len(p.s.Steps)-1].At - p.lastSent()
	p.await(p.s.Received(), 3*time.Second+last)
	if p.s.Banner == "" {
		if p.c.Write("Action: UserEvent\r\nActionID: mark\r\nUserEvent: "+markName+"\r\n\r\n") == nil {
			p.c.Await(p.ctx, p.from, gateBefore, func(got []Packet, _ bool) bool {
				return len(got) > 1 && (got[len(got)-1].Get("UserEvent") == markName || got[len(got)-2].Get("UserEvent") == markName)
			})
		}
	}
	all := p.c.Packets(p.from)
	for i, n := range belongs(all) {
		if slices.Contains(p.dropped, n) || all[i].Get("ActionID") == "mark" || all[i].Get("UserEvent") == markName {
			continue
		}
		p.p.Packets = append(p.p.Packets, all[i])
	}
}

const markName = "EndOfTrace"

// Clean hangs up every channel that a trace has left, and waits until they are gone.
func Clean(ctx context.Context, to Target) error {
	c, err := Dial(ctx, to.Addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Login(ctx, User, Password, "off"); err != nil {
		return err
	}
	for range 100 {
		a, err := c.Do(ctx, "Hangup", "Channel", "/.*/")
		if err != nil {
			return err
		}
		if n, _ := strconv.Atoi(a[len(a)-1].Get("ListItems")); n == 0 {
			return nil
		}
		timer := time.NewTimer(50 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return fmt.Errorf("channels that do not end")
}
