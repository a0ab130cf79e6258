package funcs

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// groupFuncs lists the functions that count channels (spec: dialplan 6.1 GROUP).
func groupFuncs() []run.Func {
	return []run.Func{
		{Name: "GROUP", Read: readGroup, Write: writeGroup},
		{Name: "GROUP_COUNT", Read: readGroupCount},
		{Name: "GROUP_MATCH_COUNT", Read: readGroupMatchCount},
		{Name: "GROUP_LIST", Read: readGroupList},
	}
}

// groups are the groups of one channel, one per category, in the order in
// which they were set. They end with the channel.
type groups struct {
	mu   sync.Mutex // guards list
	list []membership
}

type membership struct{ group, category string }

func groupsOf(x *run.Exec) *groups {
	return x.Value("groups", func() any { return new(groups) }).(*groups)
}

func (g *groups) all() []membership {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.list)
}

// set puts the channel into a group of a category, "" takes it out.
func (g *groups) set(group, category string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.list = slices.DeleteFunc(g.list, func(m membership) bool { return strings.EqualFold(m.category, category) })
	if group != "" {
		g.list = append(g.list, membership{group, category})
	}
}

// find gives the channel's first group, of a category if that is not "".
func (g *groups) find(category string) (membership, bool) {
	for _, m := range g.all() {
		if category == "" || strings.EqualFold(m.category, category) {
			return m, true
		}
	}
	return membership{}, false
}

func readGroup(_ context.Context, x *run.Exec, args string) (string, error) {
	m, _ := groupsOf(x).find(strings.TrimSpace(args))
	return m.group, nil
}

// writeGroup is GROUP([category])=group; "group@category" without a category
// says it too (Asterisk: app.c ast_app_group_set_channel).
func writeGroup(_ context.Context, x *run.Exec, args, value string) error {
	group, category := value, strings.TrimSpace(args)
	if category == "" {
		group, category, _ = strings.Cut(value, "@")
	}
	groupsOf(x).set(group, category)
	return nil
}

// readGroupCount is GROUP_COUNT([group][@category]): without a group that of
// the channel.
func readGroupCount(_ context.Context, x *run.Exec, args string) (string, error) {
	group, category, _ := strings.Cut(strings.TrimSpace(args), "@")
	if group == "" {
		m, ok := groupsOf(x).find(category)
		if !ok {
			return "0", nil
		}
		group, category = m.group, m.category
	}
	return countMembers(x, func(m membership) bool {
		return strings.EqualFold(m.group, group) && (category == "" || strings.EqualFold(m.category, category))
	}), nil
}

// readGroupMatchCount is GROUP_MATCH_COUNT(regex[@regex]).
func readGroupMatchCount(_ context.Context, x *run.Exec, args string) (string, error) {
	group, category, _ := strings.Cut(args, "@")
	if group == "" {
		return "", fmt.Errorf("GROUP_MATCH_COUNT needs a pattern")
	}
	g, err := regexp.CompilePOSIX(group)
	if err != nil {
		return "", err
	}
	c, err := regexp.CompilePOSIX(category)
	if err != nil {
		return "", err
	}
	return countMembers(x, func(m membership) bool {
		return g.MatchString(m.group) && (category == "" || m.category != "" && c.MatchString(m.category))
	}), nil
}

// countMembers counts memberships over all channels.
func countMembers(x *run.Exec, counts func(membership) bool) string {
	n := 0
	for _, o := range x.Machine().Execs() {
		g, ok := o.Value("groups", nil).(*groups)
		if !ok || gone(o.Channel()) {
			continue
		}
		for _, m := range g.all() {
			if counts(m) {
				n++
			}
		}
	}
	return strconv.Itoa(n)
}

// gone says that a channel is no more, though its memory may still be there
// for a moment.
func gone(c *pbx.Channel) bool {
	select {
	case <-c.Gone():
		return true
	default:
		return false
	}
}

// readGroupList gives "g1 g2@cat".
func readGroupList(_ context.Context, x *run.Exec, _ string) (string, error) {
	var out []string
	for _, m := range groupsOf(x).all() {
		if m.category != "" {
			m.group += "@" + m.category
		}
		out = append(out, m.group)
	}
	return strings.Join(out, " "), nil
}
