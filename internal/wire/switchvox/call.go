package switchvox

import (
	"strconv"
	"strings"
	"time"
)

// What a call is made with where the request does not say (spec: switchvox 6.1).
const (
	DefaultName = "PBX"            // shown on the phone that rings first
	DefaultWait = 30 * time.Second // for which each phone rings
	maxName     = 20               // characters of the name that are shown
)

// Call are the parameters of switchvox.call and switchvox.users.call.
type Call struct {
	First, Second string // numbers as asked for: digits, * and #
	Account       string // account_id as whom it is dialled; "" = the login's own
	Name          string // shown with the second number on the first phone
	Variables     []Variable
	Wait          time.Duration // for which the first phone rings
	WaitSecond    time.Duration // for which the second phone rings
	Keep          bool          // numbers are not rewritten
	IgnoreRules   bool          // only the first extension's own devices ring
	AutoAnswer    bool          // the first phone is to answer by itself
}

// Variable is one that the call is to have.
type Variable struct{ Name, Value string }

// Account parameters of the two methods.
const (
	accountOfCall  = "dial_as_account_id"
	accountOfUsers = "account_id"
)

// reader collects the faults of parameters as it reads them.
type reader struct {
	p    Params
	errs []Error
}

// ParseCall reads the parameters of a call. All faults are given, in the order of the
// parameters (spec: switchvox 5.3, 6.1). own: the account may be left out, because the
// login has one.
func ParseCall(r Request, own bool) (Call, []Error) {
	x := &reader{p: r.Params}
	account := accountOfCall
	if r.Method == MethodUsersCall {
		account = accountOfUsers
	}
	c := Call{
		First:       x.number("dial_first"),
		Second:      x.number("dial_second"),
		Account:     x.account(account, !own),
		Name:        x.name("caller_id_name"),
		Variables:   x.variables(),
		Wait:        x.wait("timeout"),
		WaitSecond:  x.wait("timeout_second_call"),
		Keep:        x.flag("ignore_user_api_settings"),
		IgnoreRules: x.flag("ignore_user_call_rules"),
		AutoAnswer:  x.flag("auto_answer"),
	}
	return c, x.errs
}

func (x *reader) fail(e Error) { x.errs = append(x.errs, e) }

// number reads a number that is required.
func (x *reader) number(name string) string {
	s := x.p.text(name)
	switch {
	case s == "":
		x.fail(Missing(name))
	case !only(s, "*#"):
		x.fail(errNumber(name))
	}
	return s
}

func (x *reader) account(name string, required bool) string {
	s := x.p.text(name)
	switch {
	case s == "" && required:
		x.fail(Missing(name))
	case s != "" && !digits(s):
		x.fail(errAccount(s))
	}
	return s
}

// name reads a caller ID name, and cuts one that is too long (spec: switchvox P3).
func (x *reader) name(name string) string {
	s := x.p.text(name)
	if s == "" {
		return DefaultName
	}
	if !only(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz _&") {
		x.fail(errName)
	}
	return s[:min(len(s), maxName)] // ASCII
}

// variables reads NAME=VALUE; blanks around both are removed. One fault stands for the
// whole list (spec: switchvox P4).
func (x *reader) variables() []Variable {
	const name = "variables"
	var out []Variable
	for _, s := range x.p.list(name, "variable") {
		n, value, ok := strings.Cut(s, "=")
		n, value = strings.TrimSpace(n), strings.TrimSpace(value)
		if !ok || !variableName(n) {
			x.fail(errVariables(name))
			return nil
		}
		out = append(out, Variable{n, value})
	}
	return out
}

func variableName(s string) bool {
	return s != "" && (s[0] < '0' || s[0] > '9') && only(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
}

// wait reads how long a phone rings; 0 is the default (spec: switchvox P5).
func (x *reader) wait(name string) time.Duration {
	s := x.p.text(name)
	if s != "" && (!digits(s) || len(s) > 3) {
		x.fail(errTimeout)
		return 0
	}
	n, _ := strconv.Atoi(s)
	if n == 0 {
		return DefaultWait
	}
	return time.Duration(n) * time.Second
}

func (x *reader) flag(name string) bool {
	s := x.p.text(name)
	if s != "" && s != "0" && s != "1" {
		x.fail(errFlag(name))
	}
	return s == "1"
}
