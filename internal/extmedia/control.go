package extmedia

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// What a program is told over a WebSocket (Asterisk: chan_websocket.c).
const (
	eventStart    = "MEDIA_START"
	eventXOFF     = "MEDIA_XOFF"
	eventXON      = "MEDIA_XON"
	eventStatus   = "STATUS"
	eventBuffered = "MEDIA_BUFFERING_COMPLETED"
	eventMark     = "MEDIA_MARK_PROCESSED"
	eventDrained  = "QUEUE_DRAINED"
	eventDTMF     = "DTMF_END"
	eventError    = "ERROR"
)

// notice is one message to the program.
type notice struct {
	event  string
	fields []field
}

type field struct {
	key   string
	value any // string, int, bool; a map is told in JSON only
}

// encode gives the message's text. In plain text a word and key:value pairs; the id
// of the channel is there where Asterisk has it, and a correlation id stands alone.
func (n notice) encode(channelID string, asJSON bool) ([]byte, error) {
	if asJSON {
		m := map[string]any{"event": n.event, "channel_id": channelID}
		for _, f := range n.fields {
			m[f.key] = f.value
		}
		return json.Marshal(m)
	}
	var b strings.Builder
	b.WriteString(n.event)
	if n.event == eventStatus || n.event == eventError {
		b.WriteString(" channel_id:" + channelID)
	}
	for _, f := range n.fields {
		switch v := f.value.(type) {
		case string:
			switch {
			case f.key != "correlation_id":
				b.WriteString(" " + f.key + ":" + v)
			case v != "":
				b.WriteString(" " + v)
			}
		case int, bool:
			fmt.Fprintf(&b, " %s:%v", f.key, v)
		}
	}
	if n.event == eventDTMF {
		b.WriteString(" channel_id:" + channelID)
	}
	return []byte(b.String()), nil
}

// command is one message of the program.
type command struct {
	name      string
	id        string // of STOP_MEDIA_BUFFERING and MARK_MEDIA
	direction string // of SET_MEDIA_DIRECTION
}

// commandMost is the longest text that is read (Asterisk: 128 octets).
const commandMost = 4096

var (
	errCommandLong = fmt.Errorf("a command may have %d octets", commandMost)
	errCommandJSON = errors.New("unable to parse JSON command")
)

// parseCommand reads a text message: a word and an argument, or a JSON object. Names
// are case-sensitive. A message without a name gives an empty command.
func parseCommand(b []byte, isJSON bool) (command, error) {
	if len(b) > commandMost {
		return command{}, errCommandLong
	}
	if !isJSON {
		name, arg, _ := strings.Cut(string(bytes.TrimSpace(b)), " ")
		arg = strings.TrimSpace(arg)
		return command{name: name, id: arg, direction: arg}, nil
	}
	var m struct {
		Command   string `json:"command"`
		ID        string `json:"correlation_id"`
		Direction string `json:"direction"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return command{}, errCommandJSON
	}
	return command{m.Command, m.ID, m.Direction}, nil
}

// obey carries out a command that is about the feed, and gives what is to be told at
// once. Unknown ones are answered by ERROR.
func (c command) obey(f *feed, d dialString, silence []byte) (tell []notice) {
	ok := true
	switch c.name {
	case "GET_STATUS":
		return []notice{f.status()}
	case "START_MEDIA_BUFFERING", "STOP_MEDIA_BUFFERING", "FLUSH_MEDIA", "PAUSE_MEDIA", "CONTINUE_MEDIA", "MARK_MEDIA", "REPORT_QUEUE_DRAINED":
		if d.passed {
			return nil // not applicable, and no mistake
		}
	}
	id := field{"correlation_id", c.id}
	switch c.name {
	case "START_MEDIA_BUFFERING":
		f.startBuffering()
	case "STOP_MEDIA_BUFFERING":
		ok = f.stopBuffering(notice{eventBuffered, []field{id}}, silence)
	case "MARK_MEDIA":
		ok = f.mark(notice{eventMark, []field{id}})
	case "FLUSH_MEDIA":
		f.flush()
	case "PAUSE_MEDIA", "CONTINUE_MEDIA":
		f.pause(c.name == "PAUSE_MEDIA")
	case "REPORT_QUEUE_DRAINED":
		f.reportDrained()
	default:
		return []notice{mistake(fmt.Sprintf("unknown command %q", c.name))}
	}
	if !ok {
		return []notice{mistake("too many marks wait")}
	}
	return nil
}

// mistake tells the program what was wrong.
func mistake(text string) notice { return notice{eventError, []field{{"error_text", text}}} }
