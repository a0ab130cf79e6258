package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
)

const originateUsage = "Usage: channel originate <tech/data> application <appname> [appdata]\n" +
	"       channel originate <tech/data> extension [exten][@context]\n" +
	"       Rings somebody for 30 seconds. When the call is answered, it goes on in\n" +
	"       an application, whose data is one word (quote it if it has blanks), or\n" +
	"       in the dialplan at priority 1; the context is 'default' and the\n" +
	"       extension 's' unless they are named. The command does not wait.\n"

// originateTimeout is how long it rings (Asterisk: res/res_clioriginate.c TIMEOUT).
const originateTimeout = 30 * time.Second

// originate places a call and tells nobody what becomes of it (spec: cli 3; Asterisk:
// res/res_clioriginate.c).
func originate(ctx context.Context, q *ask) Outcome {
	if len(q.args) < 2 {
		return Usage
	}
	o := Origination{Endpoint: call.Endpoint(q.args[0]), Timeout: originateTimeout}
	if tech, resource, ok := strings.Cut(q.args[0], "/"); !ok || tech == "" || resource == "" {
		q.print("*** No data provided after channel type! ***\n")
		return Usage
	}
	rest := q.args[2:]
	switch {
	case strings.EqualFold(q.args[1], "application"):
		if len(rest) == 0 {
			return Usage
		}
		o.Then = call.Then{Kind: call.ThenApplication, Name: rest[0]}
		if rest = rest[1:]; len(rest) > 0 {
			o.Then.Data, rest = rest[0], rest[1:]
		}
	case strings.EqualFold(q.args[1], "extension"):
		o.Then = call.Then{Kind: call.ThenDialplan, Context: "default", Extension: "s", Priority: "1"}
		if len(rest) > 0 {
			o.Then.Extension, o.Then.Context = destination(rest[0])
			rest = rest[1:]
		}
	default:
		return Usage
	}
	if q.s.o.Extensions != nil && q.s.o.Extensions() && !o.extend(rest) {
		return Usage
	}
	if o.Then.Kind == call.ThenApplication && q.by.MayRun != nil && !q.by.MayRun(o.Then.Name, o.Then.Data) {
		q.printf("%s may not be run with this data\n", o.Then.Name)
		return Failed
	}
	if err := q.s.o.Originate.Originate(ctx, q.by, o); err != nil {
		q.s.log.WarnContext(ctx, "call not placed", "door", "cli", "by", q.by.Name, "endpoint", string(o.Endpoint), "error", err)
	}
	return Done
}

// destination reads "exten@context"; what is missing is "s" and "default".
func destination(text string) (exten, context string) {
	exten, context, _ = strings.Cut(text, "@")
	if exten == "" {
		exten = "s"
	}
	if context == "" {
		context = "default"
	}
	return exten, context
}

// extend reads the words that are ours alone: callerid TEXT, timeout SECONDS, variable
// NAME=VALUE, which may be repeated. false: it is none of them. Without cli.extensions
// words that are too many do not count, as in Asterisk.
func (o *Origination) extend(words []string) bool {
	for ; len(words) > 0; words = words[2:] {
		if len(words) == 1 {
			return false
		}
		switch strings.ToLower(words[0]) {
		case "callerid":
			o.CallerID = pbx.ParseCallerID(words[1])
		case "timeout":
			n, err := strconv.Atoi(words[1])
			if err != nil || n < 1 || n > 3600 {
				return false
			}
			o.Timeout = time.Duration(n) * time.Second
		case "variable":
			name, value, ok := strings.Cut(words[1], "=")
			if !ok || name == "" {
				return false
			}
			o.Variables = append(o.Variables, call.Variable{Name: name, Value: value})
		default:
			return false
		}
	}
	return true
}

// completeOriginate proposes endpoints, the two forms, and what may follow them.
func completeOriginate(_ context.Context, q *ask, n int) []string {
	switch n {
	case 0:
		var out []string
		if q.s.o.Phones != nil {
			for _, e := range q.s.o.Phones.Endpoints() {
				out = append(out, "PJSIP/"+e.Name)
			}
		}
		return out
	case 1:
		return []string{"application", "extension"}
	case 2:
		if strings.EqualFold(q.args[1], "application") {
			return names(q.s.o.Apps)
		}
	}
	return nil
}
