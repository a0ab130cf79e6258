package funcs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// headerFuncs lists the functions of SIP headers.
func headerFuncs() []run.Func {
	return []run.Func{
		{Name: "PJSIP_HEADER", Read: readHeader, Write: writeHeader},
		{Name: "SIP_HEADER", Read: func(ctx context.Context, x *run.Exec, args string) (string, error) {
			return readHeader(ctx, x, "read,"+args) // of the past (Asterisk: chan_sip.c)
		}},
	}
}

// headerArgs reads "action,name[,n]"; n is from 1.
func headerArgs(args string) (action, name string, n int, err error) {
	a := dialplan.SplitArgs(args)
	if len(a) < 2 || strings.TrimSpace(a[1]) == "" {
		return "", "", 0, errors.New("PJSIP_HEADER needs an action and the name of a header")
	}
	n = 1
	if len(a) > 2 && strings.TrimSpace(a[2]) != "" {
		if n, err = strconv.Atoi(strings.TrimSpace(a[2])); err != nil || n < 1 {
			return "", "", 0, fmt.Errorf("there is no header number %q", a[2])
		}
	}
	return strings.ToLower(strings.TrimSpace(a[0])), strings.TrimSpace(a[1]), n, nil
}

// readHeader is PJSIP_HEADER(read,name[,n]): a header of the peer's INVITE or
// answer, the first of that name; there is only that one here, so a higher n is
// empty. remove takes headers back that were added, and says how many.
func readHeader(_ context.Context, x *run.Exec, args string) (string, error) {
	action, name, n, err := headerArgs(args)
	if err != nil {
		return "", err
	}
	switch action {
	case "read":
		if n > 1 {
			return "", nil
		}
		return x.Channel().Leg().Header(name), nil
	case "remove":
		removed, err := removeHeaders(x.Channel(), name)
		return strconv.Itoa(removed), err
	}
	return "", fmt.Errorf("PJSIP_HEADER(%s) cannot be read", action)
}

// writeHeader is PJSIP_HEADER(add|update|remove,name[,n])=value: on a channel that
// is not dialled yet, in the subroutine of Dial's option b or in a call file.
func writeHeader(_ context.Context, x *run.Exec, args, value string) error {
	action, name, n, err := headerArgs(args)
	if err != nil {
		return err
	}
	if bad := strings.ContainsAny(name, " :\t\r\n") || strings.ContainsAny(value, "\r\n"); bad {
		return fmt.Errorf("header %q cannot be sent", name)
	}
	switch action {
	case "add":
		return x.Channel().EditHeaders(func(list []pbx.Header) []pbx.Header {
			return append(list, pbx.Header{Name: name, Value: value})
		})
	case "update":
		found := false
		err := x.Channel().EditHeaders(func(list []pbx.Header) []pbx.Header {
			left := n
			for i := range list {
				if strings.EqualFold(list[i].Name, name) {
					if left--; left == 0 {
						list[i].Value, found = value, true
					}
				}
			}
			return list
		})
		if err == nil && !found {
			err = fmt.Errorf("no header %q was added that could be updated", name)
		}
		return err
	case "remove":
		_, err := removeHeaders(x.Channel(), name)
		return err
	}
	return fmt.Errorf("PJSIP_HEADER(%s) cannot be written", action)
}

// removeHeaders takes back the headers of a name; "X-*" stands for all that
// begin so.
func removeHeaders(c *pbx.Channel, name string) (n int, err error) {
	begin, open := strings.CutSuffix(name, "*")
	err = c.EditHeaders(func(list []pbx.Header) []pbx.Header {
		before := len(list)
		list = slices.DeleteFunc(list, func(h pbx.Header) bool {
			if open {
				return len(h.Name) >= len(begin) && strings.EqualFold(h.Name[:len(begin)], begin)
			}
			return strings.EqualFold(h.Name, name)
		})
		n = before - len(list)
		return list
	})
	return n, err
}
