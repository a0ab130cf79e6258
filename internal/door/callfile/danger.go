package callfile

import (
	"fmt"
	"slices"
	"strings"

	wire "github.com/dialwright/dialwright/internal/wire/callfile"
)

// DefaultDangerous knows the applications and functions of Asterisk that command
// the machine or touch its files (spec: callfile 9, W20).
func DefaultDangerous(name string, function bool) bool {
	if function {
		switch strings.ToUpper(name) {
		case "SHELL", "FILE", "ENV", "STAT", "FILE_COUNT_LINE", "FILE_FORMAT", "AST_CONFIG", "REALTIME", "REALTIME_STORE", "REALTIME_DESTROY":
			return true
		}
		return false
	}
	switch strings.ToLower(name) {
	case "system", "trysystem", "externalivr", "backtick", "readfile":
		return true
	}
	return false
}

// danger says why a file may not be carried out, "" if it may: it names an
// application or writes a function that commands this machine.
func (o *Options) danger(f *wire.File) string {
	if o.AllowExec {
		return ""
	}
	for _, v := range f.Set {
		if why := o.dangerousSet(v.Name, v.Value); why != "" {
			return fmt.Sprintf("line %d: %s", v.Line, why)
		}
	}
	if f.Application == "" {
		return ""
	}
	return o.dangerousApp(f.Application, f.Data)
}

const allow = "; callfile.allow_exec allows it"

func (o *Options) dangerousSet(name, value string) string {
	name = strings.TrimSpace(strings.TrimLeft(name, "_"))
	switch strings.ToUpper(name) {
	case "MONITOR_EXEC", "MONITOR_EXEC_ARGS", "MIXMONITOR_EXEC": // run when a recording ends
		return fmt.Sprintf("the variable %s runs a command%s", name, allow)
	}
	f, args, ok := strings.Cut(name, "(")
	f = strings.TrimSpace(f)
	switch {
	case ok && o.Dangerous(f, true):
		return fmt.Sprintf("the function %s reaches this machine's commands or files%s", f, allow)
	case ok && strings.EqualFold(f, "CONFBRIDGE") && strings.Contains(strings.ToLower(args), "record_file") && o.outside(value):
		return fmt.Sprintf("the function %s would have a conference recorded outside the folder of recordings%s", f, allow)
	}
	return ""
}

// outside reports whether a text names a file outside the folder of recordings,
// where a dialplan with allow_files may write and a call file may not.
func (o *Options) outside(text string) bool {
	if o.FilesAllowed != nil && !o.FilesAllowed() {
		return false // the applications see to it themselves
	}
	between := func(r rune) bool { return r <= ' ' || strings.ContainsRune(`,(:|?"'\`, r) }
	return slices.ContainsFunc(strings.FieldsFunc(text, between), func(word string) bool {
		return strings.HasPrefix(word, "/") || strings.Contains(word, "..")
	})
}

// records reports whether an application writes the files that its data name.
func records(app string) bool {
	switch strings.ToLower(app) {
	case "record", "mixmonitor", "monitor":
		return true
	}
	return false
}

// dangerousApp looks at the application and at what its data name: some
// applications run others, or read functions.
func (o *Options) dangerousApp(app, data string) string {
	app = strings.TrimSpace(app)
	refuse := func(what string) string {
		return fmt.Sprintf("the application %s %s%s", app, what, allow)
	}
	if o.Dangerous(app, false) {
		return refuse("runs commands or touches files of this machine")
	}
	if records(app) && o.outside(data) {
		return refuse("would write outside the folder of recordings")
	}
	switch strings.ToLower(app) {
	case "agi", "eagi", "deadagi":
		if d := strings.ToLower(data); !strings.HasPrefix(d, "agi://") && !strings.HasPrefix(d, "hagi://") && !strings.HasPrefix(d, "agi:async") {
			return refuse("runs a program of this machine; agi:// and agi:async do not")
		}
	case "mixmonitor", "monitor":
		if len(strings.SplitN(data, ",", 3)) == 3 {
			return refuse("runs a command as its third argument")
		}
	case "exec", "tryexec", "execif", "execiftime", "originate":
		// They expand their data, or run what stands between commas.
		if strings.Contains(data, "$") {
			return refuse("would run what variables name")
		}
		for _, word := range words(data) {
			if o.Dangerous(word, false) || records(word) && o.outside(data) {
				return refuse("would run " + word)
			}
		}
	}
	for _, word := range words(data) {
		if i := strings.Index(data, word+"("); i >= 0 && o.Dangerous(word, true) {
			return refuse("names the function " + word)
		}
	}
	return ""
}

// words splits a text into its names.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool {
		return !(r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	})
}
