package funcs

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// readTimeout is TIMEOUT(response|digit|absolute): seconds with three decimals;
// absolute gives what is left, 0 if there is no limit (spec: dialplan 6.1 TIMEOUT).
func readTimeout(_ context.Context, x *run.Exec, args string) (string, error) {
	digit, response := x.Timeouts()
	switch timeoutKind(args) {
	case 'a':
		at := x.Absolute()
		if at.IsZero() {
			return "0", nil
		}
		return threeDecimals(time.Until(at)), nil
	case 'd':
		return threeDecimals(digit), nil
	case 'r':
		return threeDecimals(response), nil
	}
	return "", fmt.Errorf("unknown timeout %q", args)
}

// timeoutKind is the first letter, which is all that counts (Asterisk: func_timeout.c).
func timeoutKind(args string) byte {
	args = strings.ToLower(strings.TrimSpace(args))
	if args == "" {
		return 0
	}
	return args[0]
}

func threeDecimals(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

// maxTimeout keeps a number of seconds within what a Duration can hold.
const maxTimeout = 100 * 365 * 24 * time.Hour

// writeTimeout sets one; 0 lifts the absolute one.
func writeTimeout(_ context.Context, x *run.Exec, args, value string) error {
	s, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !(s >= 0) {
		return fmt.Errorf("invalid timeout %q", value)
	}
	d := maxTimeout
	if s < maxTimeout.Seconds() {
		d = time.Duration(s * float64(time.Second))
	}
	switch timeoutKind(args) {
	case 'a':
		x.SetAbsolute(d)
	case 'd':
		x.SetTimeouts(d, -1)
	case 'r':
		x.SetTimeouts(-1, d)
	default:
		return fmt.Errorf("unknown timeout %q", args)
	}
	return nil
}
