package ami

import "strings"

// Class is a set of the classes of rights and of events. The bits are Asterisk's
// (spec: ami 5.1).
type Class uint32

// The classes.
const (
	System    Class = 1 << 0
	Call      Class = 1 << 1
	Log       Class = 1 << 2
	Verbose   Class = 1 << 3
	Command   Class = 1 << 4
	Agent     Class = 1 << 5
	UserClass Class = 1 << 6
	Config    Class = 1 << 7
	DTMF      Class = 1 << 8
	Reporting Class = 1 << 9
	CDR       Class = 1 << 10
	Dialplan  Class = 1 << 11
	Origin    Class = 1 << 12
	AGI       Class = 1 << 13
	CC        Class = 1 << 15
	AOC       Class = 1 << 16
	Test      Class = 1 << 17
	Security  Class = 1 << 18
	MessageOf Class = 1 << 30 // Asterisk: manager.h EVENT_FLAG_MESSAGE

	All  Class = 1<<31 - 1
	None Class = 0
)

// classes names the classes in the order of Asterisk's own lists.
var classes = [...]struct {
	class Class
	name  string
}{
	{System, "system"}, {Call, "call"}, {Log, "log"}, {Verbose, "verbose"}, {Command, "command"}, {Agent, "agent"},
	{UserClass, "user"}, {Config, "config"}, {DTMF, "dtmf"}, {Reporting, "reporting"}, {CDR, "cdr"}, {Dialplan, "dialplan"},
	{Origin, "originate"}, {AGI, "agi"}, {CC, "cc"}, {AOC, "aoc"}, {Test, "test"}, {Security, "security"}, {MessageOf, "message"},
}

// ParseClasses reads a comma list of classes, with all and none. Blanks do not matter,
// names count whole, in lower case (spec: ami 3; Asterisk differs there on purpose of ours). unknown
// lists what no class is called.
func ParseClasses(list string) (c Class, unknown []string) {
	for word := range strings.SplitSeq(list, ",") {
		word = strings.TrimSpace(word)
		found, ok := classOf(word)
		if !ok && word != "" {
			unknown = append(unknown, word)
		}
		c |= found
	}
	return c, unknown
}

func classOf(word string) (Class, bool) {
	switch word {
	case "all":
		return All, true
	case "none":
		return None, true
	}
	for _, x := range classes {
		if x.name == word {
			return x.class, true
		}
	}
	return 0, false
}

// Rights writes the classes as those of a user: "all" only for every one of them (Asterisk:
// main/manager.c user_authority_to_str).
func (c Class) Rights() string {
	if c == 0 || c == All {
		return c.String()
	}
	return strings.TrimSuffix(c.String(), ",all")
}

// String writes the classes as events show them: "call,all" is Privilege (spec: ami 3).
func (c Class) String() string {
	if c == 0 {
		return "<none>"
	}
	var names []string
	for _, x := range classes {
		if c&x.class != 0 {
			names = append(names, x.name)
		}
	}
	return strings.Join(append(names, "all"), ",")
}
