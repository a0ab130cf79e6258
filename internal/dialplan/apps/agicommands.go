package apps

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/wire/agi"
)

// errAGIArgument is an argument that cannot be read: the program is told the usage.
var errAGIArgument = errors.New("an argument cannot be read")

// do carries out a command whose arguments are as many as it takes (spec:
// dialplan 5.3). An error other than errAGIArgument ends the session.
func (s *agiSession) do(ctx context.Context, name string, args []string) (agi.Answer, error) {
	switch name {
	case "NOOP":
		return agi.Result(0), nil
	case "ASYNCAGI BREAK":
		return agi.Result(0), errAGIBreak
	case "ANSWER":
		return agiDone(s.c.Answer(), 0), nil
	case "HANGUP":
		return s.hangUp(args), nil
	case "CHANNEL STATUS":
		return s.channelStatus(args), nil
	case "EXEC":
		return s.exec(ctx, args[0], strings.Join(args[1:], " ")), nil
	case "GOSUB":
		return s.gosub(ctx, args)
	case "VERBOSE":
		s.x.Logger().Info("AGI", "text", args[0])
		return agi.Result(1), nil
	case "RECEIVE CHAR", "SEND TEXT", "SEND IMAGE", "TDD MODE":
		return agi.Result(0), nil // what is said of channels that carry only sound
	case "RECEIVE TEXT":
		return agi.Result(-1), nil
	}
	family, _, _ := strings.Cut(name, " ")
	switch family {
	case "DATABASE":
		return s.database(ctx, name, args)
	case "SET":
		return s.set(ctx, name, args)
	case "GET":
		if strings.HasSuffix(name, "VARIABLE") {
			return s.getVariable(ctx, name, args), nil
		}
	}
	return s.sound(ctx, name, args)
}

// agiDone is the result of what either works or gives -1.
func agiDone(err error, good int) agi.Answer {
	if err != nil {
		return agi.Result(-1)
	}
	return agi.Result(good)
}

// hangUp is HANGUP [channel]: 1, or -1 if there is no such channel.
func (s *agiSession) hangUp(args []string) agi.Answer {
	c := s.c
	if len(args) > 0 {
		var ok bool
		if c, ok = s.x.Machine().Switch().ChannelByName(args[0]); !ok {
			return agi.Result(-1)
		}
	}
	c.Hangup(cause.NormalClearing)
	return agi.Result(1)
}

// channelStatus is CHANNEL STATUS [channel]: Asterisk's number of the state, 1
// after the hangup, -1 if there is no such channel.
func (s *agiSession) channelStatus(args []string) agi.Answer {
	c := s.c
	if len(args) > 0 {
		var ok bool
		if c, ok = s.x.Machine().Switch().ChannelByName(args[0]); !ok {
			return agi.Result(-1)
		}
	}
	if c.Context().Err() != nil {
		return agi.Result(int(pbx.Reserved))
	}
	return agi.Result(int(c.State()))
}

// getVariable is GET VARIABLE name and GET FULL VARIABLE expression [channel].
func (s *agiSession) getVariable(ctx context.Context, name string, args []string) agi.Answer {
	if name == "GET FULL VARIABLE" {
		x := s.x
		if len(args) > 1 {
			c, ok := x.Machine().Switch().ChannelByName(args[1])
			if !ok {
				return agi.Result(0)
			}
			x = x.Machine().Exec(c)
		}
		return agi.Value(x.Expand(ctx, args[0]))
	}
	if strings.HasSuffix(args[0], ")") {
		if v := s.x.Expand(ctx, "${"+args[0]+"}"); v != "" {
			return agi.Value(v)
		}
		return agi.Result(0)
	}
	if v, ok := s.x.Lookup(args[0]); ok {
		return agi.Value(v)
	}
	return agi.Result(0)
}

// set is the family of SET.
func (s *agiSession) set(ctx context.Context, name string, args []string) (agi.Answer, error) {
	switch name {
	case "SET VARIABLE":
		s.x.Set(ctx, args[0], args[1])
		return agi.Result(1), nil
	case "SET CALLERID":
		s.x.Set(ctx, "CALLERID(all)", args[0])
		return agi.Result(1), nil
	case "SET CONTEXT":
		s.to.context = args[0]
	case "SET EXTENSION":
		s.to.exten = args[0]
	case "SET PRIORITY":
		return s.setPriority(args[0])
	case "SET AUTOHANGUP":
		d, ok := agiSeconds(args[0])
		if !ok {
			return agi.Answer{}, errAGIArgument
		}
		s.x.SetAbsolute(d)
	case "SET MUSIC":
		return s.setMusic(ctx, args)
	}
	return agi.Result(0), nil
}

// setPriority takes a number or a label of where the channel is to go.
func (s *agiSession) setPriority(text string) (agi.Answer, error) {
	if n, err := strconv.Atoi(text); err == nil {
		if n < 1 {
			return agi.Answer{}, errAGIArgument
		}
		s.to.priority = n
		return agi.Result(0), nil
	}
	at := s.x.Position()
	if s.to.context != "" {
		at.Context = s.to.context
	}
	if s.to.exten != "" {
		at.Exten = s.to.exten
	}
	n := s.x.Plan().Label(at.Context, at.Exten, text, s.x.Caller())
	if n == 0 {
		return agi.Answer{}, errAGIArgument
	}
	s.to.priority = n
	return agi.Result(0), nil
}

func (s *agiSession) setMusic(ctx context.Context, args []string) (agi.Answer, error) {
	class := ""
	if len(args) > 1 {
		class = args[1]
	}
	switch strings.ToLower(args[0]) {
	case "on":
		runQuietly(ctx, s.x, "StartMusicOnHold", class)
	case "off":
		runQuietly(ctx, s.x, "StopMusicOnHold", "")
	default:
		return agi.Answer{}, errAGIArgument
	}
	return agi.Result(0), nil
}

// database is DATABASE GET, PUT, DEL and DELTREE: 1 if it worked, 0 if not.
func (s *agiSession) database(ctx context.Context, name string, args []string) (agi.Answer, error) {
	db := s.x.Machine().Options().DB
	if db == nil {
		s.x.Warn("AGI: %s: this server keeps no database for the dialplan", name)
		return agi.Result(0), nil
	}
	var done bool
	var err error
	switch name {
	case "DATABASE GET":
		var v string
		if v, done, err = db.DBGet(ctx, args[0], args[1]); done && err == nil {
			return agi.Value(v), nil
		}
	case "DATABASE PUT":
		err = db.DBPut(ctx, args[0], args[1], args[2])
		done = err == nil
	case "DATABASE DEL":
		done, err = db.DBDel(ctx, args[0], args[1])
	case "DATABASE DELTREE":
		var n int
		n, err = db.DBDelTree(ctx, strings.Join(args, "/"))
		done = n > 0
	}
	if err != nil {
		s.x.Warn("AGI: %s: %v", name, err)
		return agi.Result(0), nil
	}
	if done {
		return agi.Result(1), nil
	}
	return agi.Result(0), nil
}

// agiMillis reads a number of milliseconds; -1 is for ever.
func agiMillis(s string) (time.Duration, bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0, false
	}
	if n < 0 {
		return -1, true
	}
	return time.Duration(n) * time.Millisecond, true
}

// agiSeconds reads a number of seconds, with fractions, from 0 on.
func agiSeconds(s string) (time.Duration, bool) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n >= 0 && n < 1e9) {
		return 0, false
	}
	return time.Duration(n * float64(time.Second)), true
}

// agiSamples reads a position in samples at 8 kHz.
func agiSamples(s string) (time.Duration, bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return 0, false
	}
	return time.Duration(n) * time.Second / 8000, true
}

// samples is the reverse.
func samples(d time.Duration) int64 { return int64(d * 8000 / time.Second) }
