package amitrace

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Shell carries out a command of the CLI: `asterisk -rx` or `dialwright rx`.
type Shell func(line string) (output string, status int)

// Commands makes captured commands again, and gives the differences. What shows channels is
// asked again for some seconds until it shows what the capture has: the capture does not say
// how long it waited; what hangs up waits until there is as much to hang up.
func Commands(ctx context.Context, to Target, list []Command, shell Shell) ([]string, error) {
	observer, err := Dial(ctx, to.Addr)
	if err != nil {
		return nil, err
	}
	defer observer.Close()
	if err := observer.Login(ctx, User, Password, "on"); err != nil {
		return nil, err
	}
	var out []string
	for i := range list {
		c := &list[i]
		if c.Note != "" {
			continue // without a server: see the test of the command line
		}
		if strings.HasPrefix(c.Line, "channel request hangup all") {
			hungUp := 0
			for _, l := range c.Output {
				if strings.HasPrefix(l, "Requested Hangup") {
					hungUp++
				}
			}
			awaitChannels(ctx, observer, hungUp)
		}
		out = append(out, c.repeat(ctx, observer, shell)...)
	}
	return out, nil
}

func awaitChannels(ctx context.Context, observer *Client, n int) {
	observer.Await(ctx, 0, gateQuery, func(got []Packet, _ bool) bool { return len(alive(got)) == n })
}

func alive(events []Packet) map[string]bool {
	out := map[string]bool{}
	for _, e := range events {
		switch e.Get("Event") {
		case "Newchannel":
			out[e.Get("Uniqueid")] = true
		case "Hangup":
			delete(out, e.Get("Uniqueid"))
		}
	}
	return out
}

// shows are the commands that only show something.
var shows = regexp.MustCompile(`^core show channel`)

// repeat makes a command, again and again if it only shows something.
func (c *Command) repeat(ctx context.Context, observer *Client, shell Shell) []string {
	deadline := time.Now().Add(gateQuery)
	for {
		got := observer.Packets(0)
		line := counter.ReplaceAllStringFunc(c.Line, func(name string) string { return here(got, name) })
		output, status := shell(line)
		diff := c.compare(newNormal(observer.Packets(0)), output, status)
		if len(diff) == 0 || !shows.MatchString(c.Line) || time.Now().After(deadline) {
			return diff
		}
		timer := time.NewTimer(50 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return diff
		}
	}
}

// here gives the name that a channel has in this run: of the last with the same name but for
// the counter.
func here(got []Packet, name string) string {
	for _, p := range slices.Backward(got) {
		for _, h := range p {
			if found := counter.FindString(h.Value); strings.HasSuffix(h.Key, "Channel") && channelName(found) == channelName(name) {
				return found
			}
		}
	}
	return name
}

func (c *Command) compare(n *normal, output string, status int) []string {
	var out []string
	if status != c.Status {
		out = append(out, fmt.Sprintf("%s: exit status %d, want %d", c.Line, status, c.Status))
	}
	clean := func(lines []string) []string {
		lines = slices.Clone(lines)
		for i, l := range lines {
			lines[i] = ids.ReplaceAllString(n.text(l), "id")
		}
		if strings.HasSuffix(c.Line, "concise") {
			slices.Sort(lines) // Asterisk's list is in no order
		}
		return lines
	}
	got := strings.Split(strings.TrimSuffix(output, "\n"), "\n")
	if output == "" {
		got = nil
	}
	want := c.Output
	for len(want) > 0 && want[len(want)-1] == "" {
		want = want[:len(want)-1]
	}
	for len(got) > 0 && got[len(got)-1] == "" {
		got = got[:len(got)-1]
	}
	if w, g := clean(want), clean(got); !slices.Equal(w, g) {
		out = append(out, fmt.Sprintf("%s: printed\n%s\nwant\n%s", c.Line, strings.Join(g, "\n"), strings.Join(w, "\n")))
	}
	return out
}

// ids are unique ids: the channel stands beside them.
var ids = regexp.MustCompile(`id of \S+`)
