package apps

import (
	"fmt"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// limits say how long a conversation may last, and when its parties are warned:
// options L(ms[:warn[:repeat]]) and S(s) (spec: dialplan 5.2; Asterisk:
// features.c ast_bridge_timelimit).
type limits struct {
	most    time.Duration // 0 = no limit
	warn    time.Duration // so long before the end a sound is played; 0 = none
	repeat  time.Duration // and again so long after; 0 = once
	caller  bool          // who hears the sounds
	called  bool
	warning string // sound of the warning
	begin   string // sound at the beginning, "" = none
	end     string // sound at the end, "" = none
}

// limitsOf reads the options and the variables LIMIT_…. A limit that cannot be
// read is an error, and no limit: nobody shall talk for ever by mistake (Asterisk:
// app_dial.c dial_exec_full, INVALIDARGS).
func limitsOf(x *run.Exec, o letters) (l limits, err error) {
	l = limits{
		caller: !isNo(x.Get("LIMIT_PLAYAUDIO_CALLER")), called: isYes(x.Get("LIMIT_PLAYAUDIO_CALLEE")),
		warning: x.Get("LIMIT_WARNING_FILE"), begin: x.Get("LIMIT_CONNECT_FILE"), end: x.Get("LIMIT_TIMEOUT_FILE"),
	}
	if l.warning == "" || l.warning == "timeleft" { // the time left is not spoken
		l.warning = "beep"
	}
	if text, ok := o['L']; ok {
		parts := strings.Split(text+"::", ":")
		var good bool
		if l.most, good = millis(parts[0]); !good || l.most <= 0 {
			err = fmt.Errorf("option L: invalid time %q", parts[0])
			l.most = 0
		}
		l.warn, _ = millis(parts[1])
		l.repeat, _ = millis(parts[2])
		if l.warn >= l.most {
			l.warn = 0
		}
	}
	if text, ok := o['S']; ok {
		d, good := seconds(text)
		switch {
		case !good || d <= 0:
			err = fmt.Errorf("option S: invalid time %q", text)
		case l.most == 0 || d < l.most:
			l.most, l.warn = d, 0
		}
	}
	return l, err
}

func isYes(v string) bool {
	switch strings.ToLower(v) {
	case "yes", "true", "y", "t", "1", "on":
		return true
	}
	return false
}

func isNo(v string) bool { return v != "" && !isYes(v) }
