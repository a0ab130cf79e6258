package apps

import (
	"fmt"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
)

// dialArgs are the arguments of Dial:
//
//	Tech/dest[&Tech/dest…][,timeout[^no_response_timeout][,options[,URL]]]
type dialArgs struct {
	targets  []string      // as written, empty ones dropped
	timeout  time.Duration // for an answer, 0 = no limit
	response time.Duration // for any sign of life of any party, 0 = no limit
	o        letters
}

// Options of Dial (spec: dialplan 5.2): what there is, and what is known and not
// there (tier 3, and parking).
const (
	dialOptions     = "gGFhHmrRADLSUbBceoufiItTwWxXQdza"
	dialUnsupported = "pPnNOCEjsklK"
)

// parseDial reads the arguments; warnings go to warn. The error means that the
// options cannot be read: DIALSTATUS INVALIDARGS.
func parseDial(text string, warn func(string, ...any)) (dialArgs, error) {
	var d dialArgs
	args := dialplan.SplitArgs(text)
	for len(args) < 4 {
		args = append(args, "")
	}
	for t := range strings.SplitSeq(args[0], "&") {
		if t = strings.TrimSpace(t); t != "" {
			d.targets = append(d.targets, t)
		}
	}
	answer, response, _ := strings.Cut(args[1], "^")
	d.timeout = positive(answer, "timeout", warn)
	d.response = positive(response, "no-response timeout", warn)
	var err error
	if d.o, err = parseLetters(args[2]); err != nil {
		return d, fmt.Errorf("options %q of Dial: %w", args[2], err)
	}
	d.o.only(dialOptions, dialUnsupported, warn)
	if args[3] != "" {
		warn("the URL of Dial is not supported and has no effect")
	}
	return d, nil
}

// positive reads a timeout; what is none is no limit.
func positive(text, what string, warn func(string, ...any)) time.Duration {
	if strings.TrimSpace(text) == "" {
		return 0
	}
	d, ok := seconds(text)
	if !ok || d <= 0 {
		warn("invalid %s %q: there is no limit", what, text)
		return 0
	}
	return d
}
