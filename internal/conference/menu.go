package conference

import (
	"fmt"
	"slices"
	"strings"
)

// Menu says what digits do in a conference: a section of type=menu.
type Menu struct{ entries []entry }

type entry struct {
	digits  string
	actions []Action
}

// Action is one step of a menu entry.
type Action struct {
	Name string // as confbridge.conf has it: "toggle_mute"
	Args string // between the parentheses: "conf-usermenu", "ctx,100,1"
}

// Actions lists the actions of a menu.
func Actions() []string {
	return []string{
		"playback", "playback_and_continue", "toggle_mute", "no_op", "dialplan_exec", "leave_conference",
		"admin_kick_last", "admin_toggle_conference_lock", "admin_toggle_mute_participants", "participant_count",
		"increase_listening_volume", "decrease_listening_volume", "reset_listening_volume",
		"increase_talking_volume", "decrease_talking_volume", "reset_talking_volume",
	}
}

// silent are actions that other servers have and that do nothing here.
var silent = [...]string{"toggle_binaural", "set_as_single_video_src", "release_as_single_video_src"}

// Set adds an entry: digits 0-9 A-D * # and a list of actions separated by
// commas, "playback_and_continue(conf-usermenu),toggle_mute". A second entry
// for the same digits replaces the first.
func (m *Menu) Set(digits, actions string) error {
	digits = strings.ToUpper(strings.TrimSpace(digits))
	if digits == "" || strings.Trim(digits, "0123456789ABCD*#") != "" {
		return fmt.Errorf("a menu has no option %q", digits)
	}
	e := entry{digits: digits}
	for _, text := range splitActions(actions) {
		name, args, paren := strings.Cut(text, "(")
		if paren {
			args = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(args), ")"))
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if slices.Contains(silent[:], name) {
			name = "no_op"
		}
		if !slices.Contains(Actions(), name) {
			return fmt.Errorf("a menu has no action %q", name)
		}
		e.actions = append(e.actions, Action{name, args})
	}
	m.entries = slices.DeleteFunc(slices.Clone(m.entries), func(o entry) bool { return o.digits == digits })
	m.entries = append(m.entries, e)
	return nil
}

// splitActions splits at commas outside parentheses.
func splitActions(text string) []string {
	var out []string
	depth, from := 0, 0
	for i, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, text[from:i])
				from = i + 1
			}
		}
	}
	return append(out, text[from:])
}

// Match looks up what was typed so far: the actions of exactly these digits,
// and whether more digits could make another entry.
func (m *Menu) Match(typed string) (actions []Action, found, more bool) {
	for _, e := range m.entries {
		switch {
		case e.digits == typed:
			actions, found = e.actions, true
		case strings.HasPrefix(e.digits, typed):
			more = true
		}
	}
	return actions, found, more
}
