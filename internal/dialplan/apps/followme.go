package apps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// followProfile is a profile of followme.conf (Asterisk: app_followme.c,
// followme.conf.sample).
type followProfile struct {
	context string        // where the numbers are extensions
	music   string        // music class for the caller
	groups  [][]followNum // called one group after the other, a group at once
	take    string        // digit that takes the call
	decline string
	prompt  bool              // the called party is asked
	sounds  map[string]string // by the keys of followSounds
}

type followNum struct {
	number string
	wait   time.Duration
}

// followSounds are the prompts and what they are without a configuration.
var followSounds = map[string]string{
	"call_from_prompt": "followme/call-from", "options_prompt": "followme/options", "hold_prompt": "followme/pls-hold-while-try",
	"status_prompt": "followme/status", "sorry_prompt": "followme/sorry", "norecording_prompt": "followme/no-recording",
}

// followWait is how long a number rings when its line does not say.
const followWait = 25 * time.Second

// errNoProfile says that followme.conf has no such profile.
var errNoProfile = errors.New("no such profile in followme.conf")

// loadFollowMe reads a profile from the configuration directory.
func loadFollowMe(x *run.Exec, id string) (*followProfile, error) {
	dir := x.Machine().Options().ConfDir
	if dir == "" {
		return nil, errNoProfile
	}
	f, problems, err := conf.Load(conf.Dir(dir), "followme.conf")
	if err != nil {
		return nil, fmt.Errorf("read followme.conf: %w", err)
	}
	for _, p := range problems {
		x.Warn("%s", p)
	}
	return readFollowMe(f, id)
}

// readFollowMe finds a profile, with what [general] says for all.
func readFollowMe(f *conf.File, id string) (*followProfile, error) {
	s := f.Section(id)
	if s == nil || s.Hidden || strings.EqualFold(id, "general") {
		return nil, errNoProfile
	}
	get := func(key, otherwise string) string {
		for _, s := range [...]*conf.Section{s, f.Section("general")} {
			if s == nil {
				continue
			}
			if v, ok := s.Get(key); ok && v != "" {
				return v
			}
		}
		return otherwise
	}
	p := &followProfile{
		context: get("context", "default"), music: get("music", get("musicclass", "default")),
		take: get("takecall", "1"), decline: get("declinecall", "2"),
		prompt: conf.True(get("enable_callee_prompt", "yes")), sounds: make(map[string]string, len(followSounds)),
	}
	for key, otherwise := range followSounds {
		p.sounds[key] = get(key, otherwise)
	}
	if v := get("pls_hold_prompt", ""); v != "" { // an older name
		p.sounds["hold_prompt"] = v
	}
	p.read(s)
	return p, nil
}

// read takes the numbers: "number => 01234[&56789][,seconds[,order]]". Numbers of
// one order are called at once; without an order each line comes after the one
// before.
func (p *followProfile) read(s *conf.Section) {
	type entry struct {
		order int
		num   followNum
	}
	var all []entry
	order := 0
	for _, l := range s.Lines {
		if !strings.EqualFold(l.Key, "number") {
			continue
		}
		parts := strings.Split(l.Value+",,", ",")
		wait, ok := seconds(parts[1])
		if !ok || wait <= 0 {
			wait = followWait
		}
		if n, err := strconv.Atoi(strings.TrimSpace(parts[2])); err == nil {
			order = n
		} else {
			order++
		}
		for n := range strings.SplitSeq(parts[0], "&") {
			if n = strings.TrimSpace(n); n != "" {
				all = append(all, entry{order, followNum{n, wait}})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.order - b.order })
	for i, e := range all {
		if i == 0 || e.order != all[i-1].order {
			p.groups = append(p.groups, nil)
		}
		last := len(p.groups) - 1
		p.groups[last] = append(p.groups[last], e.num)
	}
}

// followMe is FollowMe(id[,options]): looks for somebody at one number after the
// other, as a profile of followme.conf lists them. Who answers is asked and presses
// 1 to take the call; then the two talk, and the next priority follows. An unknown
// profile is told and the next priority follows. Options: d no "please hold", I no
// connected lines, n tells the caller that nobody was found, N does not answer before,
// s tells the caller what is being done, b and B as Dial's (spec: dialplan 5.4).
func followMe(ctx context.Context, x *run.Exec, args string) error {
	id, text, _ := strings.Cut(args, ",")
	p, err := loadFollowMe(x, strings.TrimSpace(id))
	if err != nil {
		x.Warn("FollowMe(%s): %v", id, err)
		return nil
	}
	o, err := parseLetters(text)
	if err != nil {
		x.Warn("FollowMe: %v", err)
	}
	o.only("dInNsbB", "al", x.Warn)
	if place, ok := o['B']; ok {
		if err := subroutine(ctx, x, x, place); err != nil {
			return err
		}
	}
	return newHunt(x, p, o).run(ctx)
}
