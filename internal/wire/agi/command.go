package agi

import "strings"

// Command is one command that scripts can give.
type Command struct {
	Name  string // upper case, words separated by one blank
	Usage string // its words and arguments, for those who get them wrong
	Min   int    // arguments that it needs
	Max   int    // arguments that it takes, -1 = any number
	Dead  bool   // works after the hangup too
}

// Commands lists them all (spec: dialplan 5.3; Asterisk: res_agi.c commands).
// SPEECH is not there: without an engine Asterisk does not offer it either.
func Commands() []Command { return commands[:] }

var commands = [...]Command{
	{"ANSWER", "ANSWER", 0, 0, false},
	{"ASYNCAGI BREAK", "ASYNCAGI BREAK", 0, 0, true},
	{"CHANNEL STATUS", "CHANNEL STATUS [channel]", 0, 1, true},
	{"CONTROL STREAM FILE", "CONTROL STREAM FILE file escape_digits [skip_ms] [forward] [rewind] [pause] [offset_ms]", 2, 7, false},
	{"DATABASE DEL", "DATABASE DEL family key", 2, 2, true},
	{"DATABASE DELTREE", "DATABASE DELTREE family [keytree]", 1, 2, true},
	{"DATABASE GET", "DATABASE GET family key", 2, 2, true},
	{"DATABASE PUT", "DATABASE PUT family key value", 3, 3, true},
	{"EXEC", "EXEC application [options]", 1, -1, true},
	{"GET DATA", "GET DATA file [timeout_ms] [max_digits]", 1, 3, false},
	{"GET FULL VARIABLE", "GET FULL VARIABLE expression [channel]", 1, 2, true},
	{"GET OPTION", "GET OPTION file escape_digits [timeout_ms]", 2, 3, false},
	{"GET VARIABLE", "GET VARIABLE name", 1, 1, true},
	{"GOSUB", "GOSUB context extension priority [arguments]", 3, 4, false},
	{"HANGUP", "HANGUP [channel]", 0, 1, false},
	{"NOOP", "NOOP [anything]", 0, -1, true},
	{"RECEIVE CHAR", "RECEIVE CHAR timeout_ms", 1, 1, false},
	{"RECEIVE TEXT", "RECEIVE TEXT timeout_ms", 1, 1, false},
	{"RECORD FILE", "RECORD FILE file format escape_digits timeout_ms [offset_samples] [BEEP] [s=silence_s]", 4, 7, false},
	{"SAY ALPHA", "SAY ALPHA text escape_digits", 2, 3, false},
	{"SAY DATE", "SAY DATE epoch escape_digits", 2, 2, false},
	{"SAY DATETIME", "SAY DATETIME epoch escape_digits [format] [timezone]", 2, 4, false},
	{"SAY DIGITS", "SAY DIGITS digits escape_digits", 2, 2, false},
	{"SAY NUMBER", "SAY NUMBER number escape_digits [gender]", 2, 3, false},
	{"SAY PHONETIC", "SAY PHONETIC text escape_digits", 2, 2, false},
	{"SAY TIME", "SAY TIME epoch escape_digits", 2, 2, false},
	{"SEND IMAGE", "SEND IMAGE image", 1, 1, false},
	{"SEND TEXT", "SEND TEXT \"text\"", 1, 1, false},
	{"SET AUTOHANGUP", "SET AUTOHANGUP seconds", 1, 1, false},
	{"SET CALLERID", "SET CALLERID number", 1, 1, false},
	{"SET CONTEXT", "SET CONTEXT context", 1, 1, false},
	{"SET EXTENSION", "SET EXTENSION extension", 1, 1, false},
	{"SET MUSIC", "SET MUSIC ON|OFF [class]", 1, 2, false},
	{"SET PRIORITY", "SET PRIORITY priority", 1, 1, false},
	{"SET VARIABLE", "SET VARIABLE name value", 2, 2, true},
	{"STREAM FILE", "STREAM FILE file escape_digits [offset_samples]", 2, 3, false},
	{"TDD MODE", "TDD MODE on|off|mate", 1, 1, false},
	{"VERBOSE", "VERBOSE message [level]", 1, 2, true},
	{"WAIT FOR DIGIT", "WAIT FOR DIGIT timeout_ms", 1, 1, false},
}

// Find gives the command with which the words begin, in any case, and its
// arguments. ok is false if there is none.
func Find(words []string) (c *Command, args []string, ok bool) {
	for i := range commands {
		if n, ok := commands[i].begins(words); ok {
			return &commands[i], words[n:], true
		}
	}
	return nil, nil, false
}

// begins says whether the words begin with the command's name, and of how
// many words that is.
func (c *Command) begins(words []string) (n int, ok bool) {
	for name := range strings.SplitSeq(c.Name, " ") {
		if n == len(words) || !strings.EqualFold(name, words[n]) {
			return 0, false
		}
		n++
	}
	return n, true
}

// Takes says whether a command takes so many arguments.
func (c *Command) Takes(n int) bool { return n >= c.Min && (c.Max < 0 || n <= c.Max) }
