package ami

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func packet(lines ...string) Packet {
	var p Packet
	for _, l := range lines {
		h, _ := parseHeader(l)
		p.Headers = append(p.Headers, h)
	}
	return p
}

func labels(_, exten, label string) (int, bool) { return 2, exten == "102" && label == "dial" }

// The refusals of trace s6, and their order (spec: ami 4.4).
func TestOriginateRefusals(t *testing.T) {
	long := strings.Repeat("c", 150)
	for _, c := range []struct {
		lines []string
		want  error
	}{
		{[]string{"Context: default", "Exten: 601", "Priority: 1"}, ErrNoChannel},
		{[]string{"Channel: ", "Priority: x"}, ErrNoChannel},
		{[]string{"Channel: PJSIP", "Exten: 601", "Priority: 1"}, ErrChannel},
		{[]string{"Channel: PJSIP/alice", "Exten: 601", "Priority: nolabel"}, ErrPriority},
		{[]string{"Channel: PJSIP/dave", "Exten: 102", "Priority: dial", "Timeout: 300"}, nil},
		{[]string{"Channel: PJSIP", "Priority: nolabel", "Timeout: abc"}, ErrPriority},
		{[]string{"Channel: PJSIP", "Priority: 1", "Timeout: abc"}, ErrTimeout},
		{[]string{"Channel: PJSIP/dave", "Timeout: -"}, ErrTimeout},
		{[]string{"Channel: PJSIP/dave", "ChannelId: " + long, "Priority: x"}, ErrUniqueid},
		{[]string{"OtherChannelId: " + long}, ErrUniqueid},
		{[]string{"Channel: PJSIP/dave", "ChannelId: " + long[1:], "OtherChannelId: " + long[1:]}, nil},
		{[]string{"Channel: PJSIP/alice", "Application: System", "Data: ls"}, ErrApplication},
		{[]string{"Channel: PJSIP", "Application: System", "Data: ls"}, ErrChannel},
		{[]string{"Channel: PJSIP/alice", "Application: NoOp", "Data: ${SHELL(ls)}"}, ErrApplication},
		{[]string{"Channel: PJSIP/alice", "Exten: SHELL", "Data: ${SHELL(ls)}"}, nil},
	} {
		if _, err := ParseOriginate(packet(c.lines...), Call|Origin, labels); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.lines, err, c.want)
		}
	}
}

func TestOriginate(t *testing.T) {
	o, err := ParseOriginate(packet(
		"action: originate", "ActionID: 7", "Channel: Local/101@default/n", "Context: default", "Exten: 102", "Priority: 1x", "Timeout: 300ms",
		`CallerID: "Web Call" <5551234>`, "Account: acct1", "Variable: A=1,B=2", "variable: A=3", "Async: TRUE", "EarlyMedia: on", "Codecs: ulaw, alaw,,",
		"ChannelId: a", "OtherChannelId: b", "PreDialGoSub: x,s,1(y)",
	), Origin, nil)
	want := &Originate{
		ActionID: "7", Channel: "Local/101@default/n", Tech: "Local", Resource: "101@default/n", Context: "default", Exten: "102", Priority: 1,
		Timeout: 300 * time.Millisecond, CallerID: `"Web Call" <5551234>`, Account: "acct1", Variables: []Variable{{"A", "3"}, {"B", "2"}, {"A", "1"}},
		Async: true, EarlyMedia: true, Codecs: []string{"ulaw", "alaw"}, ChannelID: "a", OtherChannelID: "b", PreDialGoSub: "x,s,1(y)",
	}
	if d := cmp.Diff(want, o); err != nil || d != "" {
		t.Error(err, d)
	}
	for text, want := range map[string]time.Duration{"": 30 * time.Second, "0": 0, "-5": 0, " +20": 20 * time.Millisecond, "99999999999999999999": maxMilliseconds * time.Millisecond} {
		if o, err := ParseOriginate(packet("Channel: a/b", "Timeout: "+text), None, nil); err != nil || o.Timeout != want {
			t.Errorf("timeout %q: %v, %v", text, o, err)
		}
	}
}

func TestVariables(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want []Variable
	}{
		{[]string{"D=1,D=2"}, []Variable{{"D", "2"}, {"D", "1"}}},
		{[]string{"A=1", "__B=x=y"}, []Variable{{"__B", "x=y"}, {"A", "1"}}},
		{[]string{`A="quoted, comma",B=f(1,2)[3,4]`}, []Variable{{"B", "f(1,2)[3,4]"}, {"A", "quoted, comma"}}},
		{[]string{`A=a\,b\\\"`, "=x", "noequals", "", "C="}, []Variable{{"C", ""}, {"A", `a,b\"`}}},
		{[]string{`A=1)],B=2\`}, []Variable{{"B", "2"}, {"A", "1)]"}}},
	} {
		if d := cmp.Diff(c.want, ParseVariables(c.in)); d != "" {
			t.Errorf("%q: %s", c.in, d)
		}
	}
}

// The table of spec ami 3.2. Names are refused to everybody.
func TestDangerous(t *testing.T) {
	for _, c := range []struct {
		app, data string
		rights    Class
		want      bool
	}{
		{"Playback", "tt-monkeys", Origin, false}, {"DeadAGI", "", All, true}, {"eagi", "", Origin, true}, {"DBdeltree", "a", All, true}, {"TryExec", "", All, true},
		{"ExternalIVR", "", All, true}, {"MixMonitor", "x.wav", All, true}, {"Originate", "", All, true}, {"Reload", "", All, true}, {"TrySystem", "", All, true},
		{"NoOp", "${CURL(x)}", Origin, true}, {"NoOp", "${DB(a/b)}", Origin, true}, {"NoOp", "${EVAL(x)}", Origin, true}, {"NoOp", "${FILE(x)}", Origin, true},
		{"NoOp", "${ODBC_X()}", Origin, true}, {"NoOp", "${REALTIME(x)}", Origin, true}, {"NoOp", "${SHELL(x)}", Origin, true},
		{"NoOp", "shell curl db", Origin, false}, {"NoOp", "${DB(a/b)}", System, false},
		{"Queue", "q,,,,,script", Origin, true}, {"Queue", "q,,,,,script", AGI, false}, {"Queue", "q,,,,,", Origin, false}, {"Queue", "q,tT,,,60", Origin, false},
	} {
		if got := Dangerous(c.app, c.data, c.rights); got != c.want {
			t.Errorf("%s(%s) for %s: %v", c.app, c.data, c.rights, got)
		}
	}
}

func FuzzOriginate(f *testing.F) {
	f.Add("Channel: PJSIP/alice\nContext: default\nExten: 102\nPriority: dial\nTimeout: 300ms\nCallerID: \"A, B\" <(800) 555-1212>\nVariable: A=\"1,2\",B=f(3,4)\\,\nAsync: true\nCodecs: ulaw,alaw")
	f.Add("Channel: Local/1@x\nApplication: Queue\nData: a,b,c,\"d,e\",f,g\nChannelId: x")
	f.Fuzz(func(t *testing.T, text string) {
		p := packet(strings.Split(text, "\n")...)
		o, err := ParseOriginate(p, Origin, labels)
		if err != nil {
			if _, refused := errors.AsType[Refusal](err); !refused || o != nil {
				t.Errorf("%v, %v", o, err)
			}
			return
		}
		switch {
		case o.Tech+"/"+o.Resource != o.Channel, o.Timeout < 0, len(o.ChannelID) > maxUniqueID, o.Application != "" && Dangerous(o.Application, o.Data, Origin):
			t.Errorf("%+v", o)
		}
		for _, v := range o.Variables {
			if v.Name == "" {
				t.Errorf("%+v", o.Variables)
			}
		}
	})
}
